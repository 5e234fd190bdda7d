"""What all rooms' tests share: a registry with toy plug-ins that need no heavy library."""

from pathlib import Path

import pytest

from pisces_eval.registry import Registry

HERE = Path(__file__).parent
PLUGINS = (
    HERE / "plugins" / "toy_drawing.py",
    HERE / "plugins" / "toy_detector.py",
    HERE / "plugins" / "toy_model.py",
    HERE.parent / "examples" / "count_dots.py",
)


@pytest.fixture
def registry():
    return Registry(PLUGINS)


@pytest.fixture
def plugin_flags():
    return [word for file in PLUGINS for word in ("--plugin", str(file))]
