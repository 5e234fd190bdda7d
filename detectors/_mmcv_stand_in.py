"""Makes mmdet importable beside mmcv-lite, which lacks the compiled module mmcv._ext.

mmcv binds its compiled operations by name when it is imported and fails there without them. Nothing
that Mask2Former runs calls one: multi-scale deformable attention, the only candidate, has a path in
plain PyTorch, which mmcv takes for tensors on the CPU, or anywhere once its CUDA flag is off.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

from pisces_eval.errors import EnvironmentFailure

COMPILED = "mmcv._ext"


class StandIn(ModuleType):
    """A module that has every operation, none of which works."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operation(*_arguments: object, **_options: object) -> None:
            raise EnvironmentFailure(
                f"mmcv's compiled operation {name} is not installed; "
                "mmcv-lite runs Mask2Former only: install mmcv for anything else"
            )

        return operation


def install() -> None:
    """Gives mmcv the stand-in where it has no compiled module of its own, else does nothing."""
    if COMPILED in sys.modules or importlib.util.find_spec(COMPILED) is not None:
        return
    sys.modules[COMPILED] = StandIn(COMPILED)
    from mmcv.ops import multi_scale_deform_attn

    multi_scale_deform_attn.IS_CUDA_AVAILABLE = False
