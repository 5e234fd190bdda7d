"""`pisces-eval run`: evaluate a model, or go on with an evaluation that was stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pisces_eval.cli.options import Verbs, add_json_flag, add_run_flags, registry_of, spec_of
from pisces_eval.errors import ExitCode

if TYPE_CHECKING:
    from pisces_eval.run.plan import RunSpec

EXAMPLES = """\
examples:
  pisces-eval run --tasks geneval,mmmu --mini
  pisces-eval run --tasks mmmu --model python:my_package:MyModel --out runs/tonight
  pisces-eval run --tasks mmmu --data-dir data        rows from data/mmmu, no network
  pisces-eval run --tasks geneval --model images:drawn --detector onnx:yolox_s.onnx
  pisces-eval run --tasks mmmu --model answers:answers.jsonl

A stopped or killed run goes on when the same command is given again: no sample is lost or
asked twice, and the results are the same to the byte.
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "run",
        help="evaluate a model on tasks",
        description="Evaluate a model on tasks and write a report.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_flags(parser)
    add_json_flag(parser)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Runs, draws the progress, shows the results."""
    from pisces_eval.cli.bars import Bars
    from pisces_eval.cli.outcome import show_outcome
    from pisces_eval.run.pipeline import evaluate

    registry = registry_of(args)
    spec = spec_of(args, registry)
    try:
        with _terminable(), Bars() as bars:
            outcome = evaluate(spec, registry, bars, sys.argv)
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; nothing is lost. {_how_to_go_on(spec)}\n")
        return int(ExitCode.INCOMPLETE)
    show_outcome(outcome, as_json=args.json)
    return int(outcome.exit_code)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, with which schedulers announce the end, stops as Ctrl-C does while this lasts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _how_to_go_on(spec: RunSpec) -> str:
    return f"Run the same command again to go on with {spec.folder}"
