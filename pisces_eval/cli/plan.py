"""`pisces-eval plan`: what a run would do."""

from __future__ import annotations

import argparse
import os

from pisces_eval.cli.options import Verbs, add_json_flag, add_run_flags, registry_of, spec_of
from pisces_eval.errors import ExitCode

EXAMPLES = """\
examples:
  pisces-eval plan --tasks geneval,mmmu --model pisces-tiny
  pisces-eval plan --tasks mmmu --data-dir data --json

Nothing is loaded, downloaded or written; exit code 3 if a task's data is missing.
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "plan",
        help="show what a run would do, without doing it",
        description="Show samples, data, time and what is missing, without running anything.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_flags(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """A line a task; the time is that of earlier runs of the same model."""
    # A plan must not download: the hub library reads this when it is first imported.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from pisces_eval.cli.render import say, say_json, show_table
    from pisces_eval.formatting import format_duration
    from pisces_eval.run.preview import preview

    registry = registry_of(args)
    found = preview(spec_of(args, registry), registry)
    missing = [task for task in found.tasks if task.problem]
    if args.json:
        say_json(found)
    else:
        rows = [
            (
                task.task,
                task.source,
                str(task.rows),
                str(task.samples),
                str(task.done),
                "unknown" if task.seconds is None else format_duration(task.seconds),
            )
            for task in found.tasks
        ]
        show_table(("task", "data", "rows", "samples", "done", "time"), rows)
        say(f"run folder: {found.folder}\nmodel: {found.model}\ndetector: {found.detector}")
        for task in missing:
            say(f"missing: {task.task}: {task.problem}")
    return int(ExitCode.MISSING if missing else ExitCode.OK)
