"""Weights and pictures by formula, so that no file of either has to be kept for the parity tests.

Value k of a tensor is a hash of the tensor's name and k alone (FNV-1a and SplitMix64, whole-number
arithmetic), spread over -1 to 1 and scaled so that the network's answers vary. Recorder and replay
make the same numbers from it, on any machine, with any library.
"""

from __future__ import annotations

import math

import numpy as np

SMALL = {
    "swin_width": 8,
    "swin_depths": (2, 2, 2, 2),
    "swin_heads": (1, 2, 2, 4),
    "width": 32,
    "heads": 8,
    "encoder_layers": 2,
    "encoder_feedforward": 48,
    "decoder_layers": 3,
    "decoder_feedforward": 64,
    "queries": 20,
    "classes": 6,
}
"""A network of GenEval's structure, thousands of times smaller."""

TABLES = (
    "query_feat.weight",
    "query_embed.weight",
    "level_embed.weight",
    "level_encoding.weight",
    "relative_position_bias_table",
)
"""Learned vectors and biases: matrices by shape only."""

GAINS = {
    "query_feat": 4.0,
    "query_embed": 4.0,
    "attn.in_proj": 1.2,
    "transformer_decoder.layers.": 0.4,
    "cls_embed": 3.0,
    "mask_embed": 0.8,
}
"""Without these all queries would see the same object."""

BUFFERS = ".relative_position_index"
"""Tensors that are computed, not learned."""


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """A float32 tensor for each name (mmdet 3.x) and shape; names of buffers are left out."""
    return {
        name: made_tensor(name, shape)
        for name, shape in shapes.items()
        if not name.endswith(BUFFERS)
    }


def made_tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = spread(name, math.prod(shape)).reshape(shape)
    if len(shape) == 1:
        centre = 1.0 if name.endswith("weight") else 0.0
        return (centre + 0.2 * values).astype(np.float32)
    gain = next((gain for part, gain in GAINS.items() if part in name), 1.0)
    fan_in = 3 if name.endswith(TABLES) else math.prod(shape[1:])
    return (values * gain * math.sqrt(3 / fan_in)).astype(np.float32)


def spread(name: str, count: int) -> np.ndarray:
    """count multiples of 2**-23 between -1 and 1, float64."""
    return (hashed(name, count) >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def hashed(name: str, count: int) -> np.ndarray:
    """count 64-bit whole numbers."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        state = np.uint64(start) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def picture(name: str, width: int, height: int) -> np.ndarray:
    """An RGB picture (height, width, 3), uint8: overlapping plain rectangles and some noise."""
    pixels = np.full((height, width, 3), 90, dtype=np.int64)
    for corners in hashed(name, 60).reshape(12, 5):
        top, left = int(corners[0]) % height, int(corners[1]) % width
        down, right = (
            top + 1 + int(corners[2]) % height // 2,
            left + 1 + int(corners[3]) % width // 2,
        )
        pixels[top:down, left:right] = [int(corners[4]) >> shift & 255 for shift in (0, 8, 16)]
    noise = hashed(name + " noise", pixels.size).reshape(pixels.shape) % np.uint64(41)
    return (pixels + noise.astype(np.int64) - 20).clip(0, 255).astype(np.uint8)
