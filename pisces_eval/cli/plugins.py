"""`pisces-eval models` and `pisces-eval detectors`: what the flags of those names can name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pisces_eval.cli.options import Verbs, add_json_flag, add_plugin_flag, registry_of
from pisces_eval.errors import ExitCode

if TYPE_CHECKING:
    from pisces_eval.interfaces import Plugin

MODEL_EXAMPLES = """\
examples:
  pisces-eval models
  pisces-eval run --tasks mmmu --model answers:answers.jsonl
  pisces-eval run --tasks geneval --model images:drawn
"""
DETECTOR_EXAMPLES = """\
examples:
  pisces-eval detectors
  pisces-eval run --tasks geneval --mini --detector onnx:yolox_s.onnx
"""


def add_parser(verbs: Verbs) -> None:
    """Adds both verbs."""
    models = _add_listing(verbs, "models", "model adapters", MODEL_EXAMPLES)
    models.set_defaults(call=call_models)
    detectors = _add_listing(verbs, "detectors", "detectors for drawings", DETECTOR_EXAMPLES)
    detectors.set_defaults(call=call_detectors)


def call_models(args: argparse.Namespace) -> int:
    """A line an adapter; none is loaded."""
    return _show(registry_of(args).models().values(), "model", args.json)


def call_detectors(args: argparse.Namespace) -> int:
    """A line a back end; none is loaded."""
    return _show(registry_of(args).detectors().values(), "detector", args.json)


def _add_listing(verbs: Verbs, verb: str, what: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        verb,
        help=f"list {what}",
        description=f"List the {what} that a run can use.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_plugin_flag(parser)
    add_json_flag(parser)
    return parser


def _show(plugins: Iterable[Plugin[Any]], noun: str, as_json: bool) -> int:
    from pisces_eval.cli.render import say_json, show_table

    if as_json:
        say_json([_facts(plugin) for plugin in plugins])
    else:
        rows = [
            (p.usage, " ".join(sorted(p.capabilities)), " ".join(p.requires), p.summary)
            for p in plugins
        ]
        show_table((noun, "can", "needs", "what it is"), rows)
    return int(ExitCode.OK)


def _facts(plugin: Plugin[Any]) -> dict[str, object]:
    return {
        "name": plugin.name,
        "usage": plugin.usage,
        "summary": plugin.summary,
        "capabilities": sorted(plugin.capabilities),
        "requires": plugin.requires,
    }
