"""`pisces-eval report`: write the reports of a run again."""

from __future__ import annotations

import argparse
from pathlib import Path

from pisces_eval.cli.options import Verbs, add_plugin_flag, registry_of

EXAMPLES = """\
example:
  pisces-eval report runs/tonight     report.html and report.md, from results.json and the journals
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "report",
        help="write the reports of a run again",
        description="Write the reports of a finished run again, without scoring.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    add_plugin_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Writes the reports and names their files."""
    from pisces_eval.cli.render import say
    from pisces_eval.run.pipeline import rereport

    outcome = rereport(args.run, registry_of(args))
    for path in outcome.reports:
        say(str(path))
    return int(outcome.exit_code)
