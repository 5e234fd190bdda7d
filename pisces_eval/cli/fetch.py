"""`pisces-eval fetch`: bring weights onto this machine before a run, or for one without network."""

from __future__ import annotations

import argparse

from pisces_eval.cli.options import Verbs, add_plugin_flag, registry_of
from pisces_eval.errors import ExitCode, UserError

EXAMPLES = """\
example:
  pisces-eval fetch detector:mask2former     the checkpoint of GenEval's detector, converted once
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "fetch",
        help="download what a detector or a model needs",
        description="Download what a detector or a model needs; a broken download goes on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="detector:NAME or model:NAME")
    add_plugin_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Downloads under a bar and names the file."""
    from pisces_eval.cli.bars import download_bar
    from pisces_eval.cli.render import say

    plugin = registry_of(args).fetchable(args.name)
    if plugin.fetch is None:
        raise UserError(f"{args.name} needs no download: {plugin.summary}")
    with download_bar(args.name) as told:
        path = plugin.fetch(told)
    say(str(path))
    return int(ExitCode.OK)
