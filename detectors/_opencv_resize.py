"""OpenCV's bilinear resize of 8-bit images (INTER_LINEAR), bit for bit, in NumPy.

mmcv prepares pictures with it. It does not antialias and works in whole numbers: weights are
multiples of 1/2048, the rows' pass keeps all bits, the columns' pass drops some on the way.
Equal to OpenCV 4.12 and 5.0 on every size of tests/parity/record_resize.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE = 2048
"""The weight that stands for 1."""


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """An image (rows, columns, channels) at height x width pixels.

    All sides must be at least 1. The result shares no memory with pixels.
    """
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    return _blend_rows(_blend_columns(pixels, width), height)


def _blend_columns(pixels: NDArray[np.uint8], width: int) -> NDArray[np.int32]:
    """Each row at the new width, in units of 16 / 2048: the part of the sum that is kept."""
    count = pixels.shape[1]
    left, near, far = _taps(count, width)
    outside = (left < 0) | (left >= count - 1)
    near, far = np.where(outside, ONE, near), np.where(outside, 0, far)
    left = left.clip(0, count - 1)
    right = np.minimum(left + 1, count - 1)
    wide = pixels.astype(np.int32)
    blended = wide[:, left] * near[:, None]
    blended += wide[:, right] * far[:, None]
    blended >>= 4
    return blended


def _blend_rows(rows: NDArray[np.int32], height: int) -> NDArray[np.uint8]:
    """Rows (in units of 16 / 2048) at the new height, rounded as OpenCV rounds."""
    last = rows.shape[0] - 1
    upper, near, far = _taps(rows.shape[0], height)
    total = rows[upper.clip(0, last)] * near[:, None, None]
    total >>= 16
    below = rows[(upper + 1).clip(0, last)] * far[:, None, None]
    below >>= 16
    total += below
    total += 2
    total >>= 2
    resized: NDArray[np.uint8] = total.astype(np.uint8)
    return resized


def _taps(old: int, new: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """For each of new samples: the old sample before it, its weight, and the weight of the next."""
    centres = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    before = np.floor(centres)
    fraction = centres - before
    far = np.rint(fraction * np.float32(ONE))
    near = np.rint((np.float32(1) - fraction) * np.float32(ONE))
    return before.astype(np.int32), near.astype(np.int32), far.astype(np.int32)
