"""`pisces-eval score`: score a run again, without its model; or judge it by other thresholds."""

from __future__ import annotations

import argparse
from pathlib import Path

from pisces_eval.cli.options import (
    Verbs,
    add_json_flag,
    add_plugin_flag,
    numbers_of,
    registry_of,
)
from pisces_eval.errors import ExitCode

EXAMPLES = """\
examples:
  pisces-eval score runs/tonight      scores, results.json and reports, from the journals alone
  pisces-eval score runs/tonight --threshold 0.4 --counting-threshold 0.8
                                      shows what other thresholds would give; changes nothing

The options of a task are those that `pisces-eval tasks show TASK` lists.
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "score",
        help="score a run again, without the model",
        description="Score a run again from its journals: no model, no detector, no data set.",
        usage="%(prog)s [-h] [--plugin FILE] [--json] RUN [--OPTION VALUE ...]",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    add_plugin_flag(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call, takes_options=True)


def call(args: argparse.Namespace) -> int:
    """Scores and shows the results."""
    if args.options:
        return _show_tuned(args)
    from pisces_eval.cli.bars import Bars
    from pisces_eval.cli.outcome import show_outcome
    from pisces_eval.run.pipeline import rescore

    with Bars() as bars:
        outcome = rescore(args.run, registry_of(args), bars)
    show_outcome(outcome, as_json=args.json)
    return int(outcome.exit_code)


def _show_tuned(args: argparse.Namespace) -> int:
    from pisces_eval.cli.bars import Bars
    from pisces_eval.cli.outcome import show_results
    from pisces_eval.cli.render import say_json
    from pisces_eval.run.retune import retune

    options = {name: values[-1] for name, values in numbers_of(args.options).items()}
    with Bars() as bars:
        results = retune(args.run, options, registry_of(args), bars)
    if args.json:
        say_json(results)
    else:
        show_results(results)
    return int(ExitCode.OK)
