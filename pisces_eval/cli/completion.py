"""`pisces-eval completion`: what a shell must know to complete our words."""

from __future__ import annotations

import argparse

from pisces_eval.cli.options import Verbs
from pisces_eval.errors import ExitCode

EXAMPLES = """\
examples:
  pisces-eval completion bash > ~/.local/share/bash-completion/completions/pisces-eval
  pisces-eval completion zsh > ~/.zfunc/_pisces-eval     (with ~/.zfunc in fpath)
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "completion",
        help="print a completion script for your shell",
        description="Print a completion script for your shell.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Prints the script."""
    import shtab

    from pisces_eval.cli.render import say

    say(shtab.complete(args.root, shell=args.shell))
    return int(ExitCode.OK)
