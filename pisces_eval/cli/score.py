"""`pisces-eval score`: score a run again, without its model."""

from __future__ import annotations

import argparse
from pathlib import Path

from pisces_eval.cli.options import Verbs, add_json_flag, add_plugin_flag, registry_of

EXAMPLES = """\
example:
  pisces-eval score runs/tonight      scores, results.json and reports, from the journals alone
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "score",
        help="score a run again, without the model",
        description="Score a run again from its journals: no model, no detector, no data set.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    add_plugin_flag(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Scores and shows the results."""
    from pisces_eval.cli.bars import Bars
    from pisces_eval.cli.outcome import show_outcome
    from pisces_eval.run.pipeline import rescore

    with Bars() as bars:
        outcome = rescore(args.run, registry_of(args), bars)
    show_outcome(outcome, as_json=args.json)
    return int(outcome.exit_code)
