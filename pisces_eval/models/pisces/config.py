"""All sizes and settings of a Pisces network; the defaults are the full size.

Facts are those of arXiv 2506.10395 as public summaries of it tell. What is marked "open" they do
not settle: its default is a choice of ours, and a checkpoint's config.json may say otherwise.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]
Scale = Annotated[float, msgspec.Meta(ge=0)]


def _divides(part: str, divisor: int, whole: str, number: int) -> None:
    if number % divisor:
        raise ValueError(f"{whole} ({number}) must be a multiple of {part} ({divisor})")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of settings."""


class TowerConfig(_Part, frozen=True):
    """An image encoder of SigLIP's type: a vision transformer without a class token.

    The defaults are SigLIP-so400m-patch14-384, the paper's understanding encoder. Which of its
    layers the paper reads is open; this network reads the last.
    """

    image_size: Positive = 384
    """Side in pixels of the square that every image is resized to."""
    patch_size: Positive = 14
    hidden_size: Positive = 1152
    intermediate_size: Positive = 4304
    layers: Positive = 27
    heads: Positive = 16

    @property
    def grid(self) -> int:
        """Patches along one side; what is left over at the edge is not seen, as in SigLIP."""
        return self.image_size // self.patch_size

    def __post_init__(self) -> None:
        _divides("heads", self.heads, "hidden_size", self.hidden_size)
        if self.grid == 0:
            raise ValueError("patch_size is larger than image_size")


class LanguageConfig(_Part, frozen=True):
    """The backbone that both tasks share; the defaults are Llama 3.1 8B."""

    hidden_size: Positive = 4096
    intermediate_size: Positive = 14336
    layers: Positive = 32
    heads: Positive = 32
    key_value_heads: Positive = 8
    max_positions: Positive = 131072
    """Tokens and visual vectors that one sequence may hold."""
    rope_theta: Annotated[float, msgspec.Meta(gt=0)] = 500000.0

    def __post_init__(self) -> None:
        _divides("heads", self.heads, "hidden_size", self.hidden_size)
        _divides("key_value_heads", self.key_value_heads, "heads", self.heads)
        if self.hidden_size // self.heads % 2:
            raise ValueError("hidden_size / heads must be even: rotary positions turn pairs")


class DecoderConfig(_Part, frozen=True):
    """The decoder from visual vectors to pixels.

    The paper decodes with a diffusion model; its kind, steps, guidance and resolution are open.
    Ours is a flow-matching transformer over patches of pixels.
    """

    image_size: Positive = 1024
    """Side in pixels of the square that is drawn."""
    patch_size: Positive = 16
    hidden_size: Positive = 1152
    layers: Positive = 28
    heads: Positive = 16
    steps: Positive = 50
    """Euler steps from noise to image."""
    guidance: Scale = 1.0
    """Classifier-free guidance on the visual vectors; 1 is off."""

    def __post_init__(self) -> None:
        _divides("patch_size", self.patch_size, "image_size", self.image_size)
        _divides("heads", self.heads, "hidden_size", self.hidden_size)
        _divides("2", 2, "hidden_size", self.hidden_size)


class PiscesConfig(_Part, frozen=True):
    """A whole Pisces network."""

    understanding: TowerConfig = TowerConfig()
    generation: TowerConfig = TowerConfig(
        image_size=384, patch_size=16, hidden_size=1024, intermediate_size=4096, layers=24, heads=16
    )
    """The paper's gen-CLIP is a CLIP trained with reconstruction; its sizes are open."""
    language: LanguageConfig = LanguageConfig()
    decoder: DecoderConfig = DecoderConfig()
    pool_stride: Positive = 4
    """Side of the squares of generation patches that are averaged; the paper's example is 4."""
    text_guidance: Scale = 1.0
    """Classifier-free guidance on the prompt while visual vectors are predicted; 1 is off. Open."""
    max_text_tokens: Positive | None = None
    """Caps every answer below what its task allows; None leaves it to the task."""

    @property
    def generation_tokens(self) -> int:
        """Visual vectors of one drawing: the generation tower's grid after pooling.

        The number the paper used is open, for its tower's grid is; grid and stride decide it here.
        """
        return (self.generation.grid // self.pool_stride) ** 2

    def __post_init__(self) -> None:
        _divides("pool_stride", self.pool_stride, "generation grid", self.generation.grid)
