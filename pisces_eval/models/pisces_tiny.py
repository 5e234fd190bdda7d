"""pisces-tiny: the Pisces network at toy size with random weights, to show that the harness works.

It needs no file and no network, answers in hundredths of a second, and knows nothing.
"""

from __future__ import annotations

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Model, Plugin
from pisces_eval.models.pisces.config import (
    DecoderConfig,
    LanguageConfig,
    PiscesConfig,
    TowerConfig,
)

SEED = 2506_10395
"""Of the weights: the same everywhere and always."""

TINY = PiscesConfig(
    understanding=TowerConfig(
        image_size=56, patch_size=14, hidden_size=48, intermediate_size=96, layers=2, heads=4
    ),
    generation=TowerConfig(
        image_size=64, patch_size=8, hidden_size=48, intermediate_size=96, layers=2, heads=4
    ),
    language=LanguageConfig(
        hidden_size=64,
        intermediate_size=128,
        layers=2,
        heads=4,
        key_value_heads=2,
        max_positions=65536,
    ),
    decoder=DecoderConfig(image_size=64, patch_size=16, hidden_size=64, layers=2, heads=4, steps=4),
    max_text_tokens=16,
)
"""Four visual vectors, four steps, no guidance: small enough for a busy laptop."""


def _load(argument: str) -> Model:
    """The toy model. Raises UserError if an argument is given: it has nothing to choose."""
    if argument:
        raise UserError(f"model pisces-tiny takes no argument, but was given {argument!r}")
    from pisces_eval.models.pisces.adapter import PiscesModel
    from pisces_eval.models.pisces.network import build, fill_randomly

    note = "pisces-tiny has random weights: its scores only show that the harness works"
    return PiscesModel(fill_randomly(build(TINY), SEED), notes=(note,))


MODEL: Plugin[Model] = Plugin(
    name="pisces-tiny",
    usage="pisces-tiny",
    summary="the Pisces network at toy size with random weights: shows that the harness works",
    load=_load,
    capabilities=frozenset({"answer", "draw"}),
    requires=("torch", "transformers"),
)
