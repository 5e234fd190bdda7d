"""`pisces-eval verify`: is a run folder as it was sealed?"""

from __future__ import annotations

import argparse
from pathlib import Path

from pisces_eval.cli.options import Verbs
from pisces_eval.errors import ExitCode


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "verify",
        help="check a run folder against its seal",
        description="Check every file of a run folder against seal.json.",
        epilog="example:\n  pisces-eval verify runs/tonight\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Exit code 0 if nothing was changed since the run ended, else 3 with a line a file."""
    from pisces_eval.cli.render import say
    from pisces_eval.store.seal import broken_seals

    broken = broken_seals(args.run)
    for line in broken:
        say(line)
    if not broken:
        say(f"{args.run} is as it was sealed")
    return int(ExitCode.MISSING if broken else ExitCode.OK)
