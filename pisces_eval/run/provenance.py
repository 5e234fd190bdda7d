"""Where and with what a run is made."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from pisces_eval import __version__
from pisces_eval.records import Provenance

PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "huggingface-hub",
    "numpy",
    "pillow",
    "pycocotools",
    "scipy",
    "msgspec",
    "onnxruntime",
    "easy-vqa",
)
"""Those that can change a number."""


def describe_machine(command: Sequence[str], batch_size: int) -> Provenance:
    """Versions and platform as they are now."""
    return Provenance(
        version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: found for name in PACKAGES if (found := package_version(name))},
        command=tuple(command),
        batch_size=batch_size,
    )


def package_version(name: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
