"""Pisces: one language model that sees through one image encoder and draws through another.

Architecture: Xu et al., "Pisces: An Auto-regressive Foundation Model for Image Understanding and
Generation", arXiv 2506.10395. Its authors have published neither code nor weights; this package
builds the network that the paper describes, at any size, and loads checkpoints of it.
"""

from __future__ import annotations

from pathlib import Path

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Model, Plugin


def _load(argument: str) -> Model:
    """The model in a checkpoint folder. Raises UserError if it cannot be used."""
    if not argument:
        raise UserError("model pisces needs a checkpoint folder: write pisces:FOLDER")
    from pisces_eval.models.pisces.adapter import PiscesModel
    from pisces_eval.models.pisces.checkpoint import load

    return PiscesModel(load(Path(argument)))


MODEL: Plugin[Model] = Plugin(
    name="pisces",
    usage="pisces:FOLDER",
    summary="Pisces from a checkpoint folder (config.json and model.safetensors)",
    load=_load,
    capabilities=frozenset({"answer", "draw"}),
    requires=("torch", "transformers", "safetensors"),
)
