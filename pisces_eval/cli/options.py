"""Flags that several verbs share, and how the configuration fills those that are not given."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisces_eval.errors import UserError

if TYPE_CHECKING:
    from pisces_eval.registry import Registry
    from pisces_eval.run.plan import RunSpec

MODEL_VARIABLE = "PISCES_EVAL_MODEL"
DETECTOR_VARIABLE = "PISCES_EVAL_DETECTOR"
Verbs = Any  # argparse's sub-parser action has no public name


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """All flags that decide what runs."""
    parser.add_argument("--tasks", default="", metavar="A,B", help="tasks, separated by commas")
    parser.add_argument("--model", metavar="SPEC", help="model string; see `pisces-eval models`")
    parser.add_argument(
        "--detector",
        metavar="SPEC",
        help="for drawings; see `pisces-eval detectors` (default mask2former, with --mini mini)",
    )
    parser.add_argument(
        "--mini", action="store_true", help="small built-in data, offline; not comparable"
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="rows from DIR/<task> or DIR, not the hub"
    )
    parser.add_argument("--revision", metavar="COMMIT", help="pin the hub data set to a commit")
    parser.add_argument(
        "--prompts",
        metavar="FILE",
        help="other wordings of a drawing task's prompts: .txt or .jsonl, in its order "
        "(default: original)",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="leave out what images: or answers: lacks; said beside every number",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows of each task")
    parser.add_argument("--seed", type=int, metavar="N", help="run seed (default 42)")
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="requests at a time (default 8)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="run folder (default runs/<from the settings>)"
    )
    add_plugin_flag(parser)


def add_plugin_flag(parser: argparse.ArgumentParser) -> None:
    """--plugin, wherever plug-ins are looked up."""
    parser.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file with a TASK, MODEL, DETECTOR or REPORT of your own; repeatable",
    )


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """--json, wherever something is listed."""
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def numbers_of(words: Sequence[str]) -> dict[str, list[float]]:
    """'--max-objects 8 --threshold 0.3,0.4' as option names to numbers. Raises UserError."""
    names, values = words[::2], words[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise UserError(f"{' '.join(words)}: write options after the run, as --name value")
    numbers = {}
    for name, value in zip(names, values, strict=True):
        try:
            numbers[name[2:].replace("-", "_")] = [float(part) for part in value.split(",")]
        except ValueError as error:
            raise UserError(f"{name} {value}: a number is needed, or some with commas") from error
    return numbers


def registry_of(args: argparse.Namespace) -> Registry:
    """The registry with the user's plug-in files."""
    from pisces_eval.registry import Registry

    return Registry(tuple(args.plugin))


def spec_of(args: argparse.Namespace, registry: Registry) -> RunSpec:
    """What the flags, the environment and the configuration ask for, in that order of weight."""
    from pisces_eval.cli.config import read_config
    from pisces_eval.interfaces import DataRequest
    from pisces_eval.registry import split_names
    from pisces_eval.run.plan import DEFAULT_DETECTOR, DEFAULT_MODEL, MINI_DETECTOR, RunSpec

    config = read_config(Path.cwd())
    tasks = split_names(args.tasks, registry.tasks())
    model = args.model or os.environ.get(MODEL_VARIABLE) or config.model
    if model is None:
        sys.stderr.write(
            f"no --model given and none configured: using the bundled {DEFAULT_MODEL}\n"
        )
    detector = args.detector or os.environ.get(DETECTOR_VARIABLE) or config.detector
    data_dir = args.data_dir or (Path(config.data_dir) if config.data_dir else None)
    return RunSpec(
        tasks=tasks,
        model=model or DEFAULT_MODEL,
        detector=detector or (MINI_DETECTOR if args.mini else DEFAULT_DETECTOR),
        data=DataRequest(
            mini=args.mini,
            data_dir=None if args.mini and not args.data_dir else data_dir,
            revision=args.revision,
            prompts=None if args.prompts in (None, "original") else Path(args.prompts),
        ),
        limit=args.limit,
        seed=_first(args.seed, config.seed, 42),
        batch_size=_first(args.batch_size, config.batch_size, 8),
        partial=args.partial,
        out=args.out,
    )


def _first(flag: int | None, configured: int | None, default: int) -> int:
    return next((value for value in (flag, configured) if value is not None), default)
