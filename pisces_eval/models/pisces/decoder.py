"""From visual vectors to pixels: a rectified-flow transformer.

A straight path leads from noise (time 0) to the image (time 1); the network predicts its velocity,
image minus noise, and Euler steps follow it (Liu et al., arXiv 2209.03003). The visual vectors
stand before the image's patches in the sequence, so that every patch attends to all of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pisces_eval.models.pisces.config import DecoderConfig


def guided(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance: away from the unconditional prediction (arXiv 2207.12598)."""
    return unconditional + scale * (conditional - unconditional)


class FlowDecoder(nn.Module):
    """Draws (B, 3, S, S) pixels from (B, M, V) visual vectors and noise of the pixels' shape."""

    def __init__(self, config: DecoderConfig, vectors: int, vector_size: int) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        patches = (config.image_size // config.patch_size) ** 2
        values = 3 * config.patch_size**2
        self.condition = nn.Linear(vector_size, width)
        self.condition_positions = nn.Parameter(torch.zeros(1, vectors, width))
        self.no_condition = nn.Parameter(torch.zeros(1, vectors, width))
        self.patch_embedding = nn.Linear(values, width)
        self.patch_positions = nn.Parameter(torch.zeros(1, patches, width))
        self.time_embedding = nn.Sequential(
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(_Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.velocity = nn.Linear(width, values)

    @property
    def noise_shape(self) -> tuple[int, int, int, int]:
        """The shape of one drawing's noise."""
        return (1, 3, self.config.image_size, self.config.image_size)

    def forward(self, pixels: Tensor, time: float, condition: Tensor) -> Tensor:
        """The velocity at pixels (B, 3, S, S) and time in [0, 1], given condition (B, M, width)."""
        patch = self.config.patch_size
        patches = functional.pixel_unshuffle(pixels, patch).flatten(2).transpose(1, 2)
        image = self.patch_embedding(patches) + self.patch_positions
        tokens: Tensor = torch.cat((condition + self.condition_positions, image), dim=1)
        tokens = tokens + self.time_embedding(_sinusoid(time, tokens))
        for block in self.blocks:
            tokens = block(tokens)
        values: Tensor = self.velocity(self.norm(tokens[:, condition.shape[1] :]))
        grid = self.config.image_size // patch
        plane = values.transpose(1, 2).reshape(len(values), -1, grid, grid)
        return functional.pixel_shuffle(plane, patch)

    def draw(self, vectors: Tensor, noise: Tensor) -> Tensor:
        """Follow the flow from noise to pixels (B, 3, S, S), about within [-1, 1]."""
        steps, scale = self.config.steps, self.config.guidance
        condition = self.condition(vectors)
        pixels = noise
        for step in range(steps):
            velocity: Tensor = self(pixels, step / steps, condition)
            if scale != 1:
                nothing = self.no_condition.expand_as(condition)
                velocity = guided(velocity, self(pixels, step / steps, nothing), scale)
            pixels = pixels + velocity / steps
        return pixels


class _Block(nn.Module):
    """Attention among all tokens, then a two-layer network; both pre-normalised and residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) to the same shape."""
        batch, length, width = tokens.shape
        projected: Tensor = self.query_key_value(self.attention_norm(tokens))
        heads = projected.reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attention_out(mixed.transpose(1, 2).flatten(2))
        processed: Tensor = self.mlp(self.mlp_norm(tokens))
        return tokens + processed


def _sinusoid(time: float, like: Tensor) -> Tensor:
    """Sines and cosines of a time in [0, 1], (width,): the usual frequencies over 1000 steps."""
    half = like.shape[-1] // 2
    frequencies = torch.exp(
        torch.arange(half, dtype=like.dtype, device=like.device) * (-math.log(10000) / half)
    )
    angles = 1000 * time * frequencies
    return torch.cat((angles.sin(), angles.cos()))
