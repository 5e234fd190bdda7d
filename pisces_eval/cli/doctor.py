"""`pisces-eval doctor`: what this machine can and cannot run, and how to mend it."""

from __future__ import annotations

import argparse

from pisces_eval.cli.options import Verbs, add_json_flag, add_plugin_flag, registry_of
from pisces_eval.errors import ExitCode

EXAMPLES = """\
examples:
  pisces-eval doctor
  pisces-eval doctor --json
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "doctor",
        help="tell what this machine can run, and what it lacks",
        description="Tell what this machine can and cannot run, and how to mend it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_plugin_flag(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """A line a check; exit code 3 if something that every run needs is missing."""
    from pisces_eval.checkup import check_up
    from pisces_eval.cli.render import say_json, show_table

    checks = check_up(registry_of(args))
    if args.json:
        say_json(checks)
    else:
        rows = [(check.state, check.what, check.found, check.mend) for check in checks]
        show_table(("", "what", "found", "how to mend it"), rows)
    broken = any(check.state == "broken" for check in checks)
    return int(ExitCode.MISSING if broken else ExitCode.OK)
