"""`pisces-eval sweep`: how a task's score moves with the numbers in its verdict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pisces_eval.cli.options import (
    Verbs,
    add_json_flag,
    add_plugin_flag,
    numbers_of,
    registry_of,
)
from pisces_eval.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pisces_eval.run.retune import Turned

EXAMPLES = """\
examples:
  pisces-eval geneval sweep runs/tonight
  pisces-eval sweep --task geneval runs/tonight --threshold 0.2,0.3,0.4 --json

Without an option, each that lies between 0 and 1 is swept over a grid of tenths.
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "sweep",
        help="show how a score moves with the thresholds of its verdict",
        description="Judge a run again at many thresholds: no model, no detector.",
        usage="%(prog)s [-h] --task TASK [--plugin FILE] [--json] RUN [--OPTION V,V ...]",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", required=True, metavar="TASK", help="a task of the run")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    add_plugin_flag(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call, takes_options=True)


def call(args: argparse.Namespace) -> int:
    """A line a value: the headline metric of the default protocol, overall and by category."""
    from pisces_eval.cli.render import say_json, show_table
    from pisces_eval.run.retune import default_grids, sweep

    registry = registry_of(args)
    grids = numbers_of(args.options) or default_grids(args.task, registry)
    turned = sweep(args.run, args.task, grids, registry)
    if args.json:
        say_json(turned)
    else:
        show_table(*_table(turned))
    return int(ExitCode.OK)


def _table(turned: tuple[Turned, ...]) -> tuple[list[str], Iterator[list[str]]]:
    from pisces_eval.formatting import format_estimate

    first = turned[0].results[0].metrics[0]
    head = ["option", "value", first.name, *first.groups]

    def rows() -> Iterator[list[str]]:
        for one in turned:
            mark = " (reference)" if one.value == one.reference else ""
            headline = one.results[0].metrics[0]
            estimates = (headline.overall, *headline.groups.values())
            cells = [format_estimate(estimate, headline.bounds) for estimate in estimates]
            yield [one.option, f"{one.value:g}{mark}", *cells]

    return head, rows()
