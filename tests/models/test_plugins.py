"""Listing models is cheap: no heavy library is loaded before a model is."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "safetensors", "numpy", "PIL", "datasets")
PLUGINS = ("answers", "images", "pisces", "pisces_tiny", "python")

SCRIPT = f"""
import importlib, sys
plugins = [importlib.import_module("pisces_eval.models." + name).MODEL for name in {PLUGINS!r}]
print(*[plugin.usage for plugin in plugins])
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""


def test_listing_models_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    usages, loaded = done.stdout.split("\n")[:2]
    assert (
        usages == "answers:FILE.jsonl images:FOLDER pisces:FOLDER pisces-tiny python:MODULE:CLASS"
    )
    assert loaded == ""
