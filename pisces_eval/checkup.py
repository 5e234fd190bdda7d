"""What this machine has and lacks, check by check. Nothing is downloaded or installed."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pisces_eval.errors import PiscesEvalError
from pisces_eval.interfaces import DataRequest, Plugin
from pisces_eval.records import Record
from pisces_eval.registry import Registry, install_command

CORE = (
    "torch",
    "transformers",
    "datasets",
    "huggingface-hub",
    "pycocotools",
    "numpy",
    "pillow",
    "scipy",
    "msgspec",
    "jinja2",
    "rich",
    "safetensors",
)
HUB = ("huggingface.co", 443)
LOW_DISK = 5 * 2**30
"""Bytes; a full GenEval run at 1024 px is about 3 GiB of PNG."""


class Check(Record, frozen=True, kw_only=True):
    """One thing looked at."""

    state: Literal["ok", "missing", "broken"]
    """'missing' costs a feature; 'broken' costs every run."""
    what: str
    found: str
    mend: str = ""


def check_up(registry: Registry) -> list[Check]:
    """All checks, in the order in which one would mend things."""
    return [
        _python(),
        *map(_package, CORE),
        _torch_devices(),
        _torchvision(),
        _disk(),
        _temporary_folder(),
        _hub(),
        *(_mini_data(name, registry) for name in registry.tasks()),
        *_plugins("model", registry.models().values()),
        *_plugins("detector", registry.detectors().values()),
    ]


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check(state="ok", what="Python", found=found)


def _package(name: str) -> Check:
    try:
        return Check(state="ok", what=name, found=version(name))
    except PackageNotFoundError:
        mend = "pip install --force-reinstall pisces-eval"
        return Check(state="broken", what=name, found="not installed", mend=mend)


def _torch_devices() -> Check:
    if importlib.util.find_spec("torch") is None:
        mend = "pip install torch"
        return Check(state="broken", what="devices", found="torch is not installed", mend=mend)
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Check(state="ok", what="devices", found=", ".join(names))
    threads = f"CPU only, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    mend = "enough for --mini and small models; install a CUDA build of torch for a GPU"
    return Check(state="ok", what="devices", found=threads, mend=mend)


def _torchvision() -> Check:
    """A torchvision built for another torch breaks transformers when it is imported."""
    if importlib.util.find_spec("torchvision") is None:
        return Check(state="ok", what="torchvision", found="not installed, not needed")
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError) as error:
        mend = "pip uninstall torchvision (it does not fit this torch, and is not needed)"
        found = " ".join(str(error).split())[:80]
        return Check(state="broken", what="torchvision", found=found, mend=mend)
    return Check(state="ok", what="torchvision", found=version("torchvision"))


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free / 2**30:.1f} GiB free in {Path.cwd()}"
    if free >= LOW_DISK:
        return Check(state="ok", what="disk", found=found)
    mend = "free some room, or send runs elsewhere with --out"
    return Check(state="missing", what="disk", found=found, mend=mend)


def _temporary_folder() -> Check:
    try:
        with tempfile.TemporaryDirectory(dir=Path.cwd()):
            return Check(state="ok", what="run folders", found=f"{Path.cwd()} can be written to")
    except OSError as error:
        mend = "change to a folder that you may write to, or use --out"
        return Check(state="missing", what="run folders", found=str(error), mend=mend)


def _hub() -> Check:
    try:
        socket.create_connection(HUB, timeout=3).close()
    except OSError as error:
        found = f"not reachable ({error.strerror or error})"
        mend = "use --mini, --data-dir, or what the hub cache already holds"
        return Check(state="missing", what="Hugging Face hub", found=found, mend=mend)
    return Check(state="ok", what="Hugging Face hub", found="reachable")


def _mini_data(name: str, registry: Registry) -> Check:
    """Makes the mini set, which for GenEval checks the SHA-256 of all official prompts."""
    what = f"task {name}"
    try:
        rows = registry.task(name).rows(DataRequest(mini=True))
        count = sum(1 for _ in rows)
    except PiscesEvalError as error:
        return Check(state="broken", what=what, found="mini data fails", mend=str(error))
    return Check(state="ok", what=what, found=f"--mini has {count} rows")


def _plugins(noun: str, plugins: Iterable[Plugin[Any]]) -> Iterator[Check]:
    for plugin in plugins:
        what = f"{noun} {plugin.name}"
        lacking = [name for name in plugin.requires if importlib.util.find_spec(name) is None]
        if lacking:
            mend = install_command(plugin)
            yield Check(state="missing", what=what, found=f"needs {', '.join(lacking)}", mend=mend)
        elif not plugin.fetched():
            mend = f"pisces-eval fetch {noun}:{plugin.name}"
            yield Check(state="missing", what=what, found="no weights yet", mend=mend)
        else:
            yield Check(state="ok", what=what, found=plugin.usage)
