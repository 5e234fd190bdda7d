"""What the colour classifier needs of a CLIP network, whichever library runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from pisces_eval.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

OPENAI_SAFETENSORS = "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb"
"""SHA-256 of model.safetensors in openai/clip-vit-large-patch14 @32bd642."""

OPENAI_ARCHIVE = "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"
"""SHA-256 of ViT-L-14.pt as OpenAI publishes it; it stands in the address of the file."""


class Towers(Protocol):
    """CLIP ViT: one tower for pictures, one for texts, their features in one space."""

    @property
    def weights(self) -> str:
        """SHA-256 (hex) of the file of weights."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over the library's name, weights, configuration and tokeniser."""
        ...

    def images(self, pixels: Tensor) -> Tensor:
        """Features (n, d), not normalised, of pictures (n, 3, 224, 224) on the towers' device."""
        ...

    def texts(self, prompts: Sequence[str]) -> Tensor:
        """Features (n, d), not normalised, of n texts."""
        ...


def require_quick_gelu(activations: Iterable[Callable[[Tensor], Tensor]], where: str) -> None:
    """Make sure that each activation is x·sigmoid(1.702 x), which OpenAI trained with.

    With plain GELU the network answers, a little wrongly, and says nothing: so open_clip from
    2.29.0 on. Raises UserError for another function, or if there is none at all.
    """
    import torch

    probe = torch.linspace(-4, 4, 33)
    expected = probe * torch.sigmoid(1.702 * probe)
    answers = [activation(probe) for activation in activations]
    if not answers or not all(torch.allclose(answer, expected, atol=1e-6) for answer in answers):
        raise UserError(
            f"{where}: the network's activation is not QuickGELU, which OpenAI's CLIP was trained "
            "with; use openai/clip-vit-large-patch14 with its own config.json"
        )
