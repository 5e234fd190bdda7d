"""Geometry of GenEval's verdict: which boxes count, how they overlap, where they lie.

Boxes are rows [x1, y1, x2, y2, ...] of float32 in pixels, y downwards. Source: the evaluator of
djghosh13/geneval @af4902f; precision follows it, since verdicts hang on strict comparisons.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]

_FLOAT32 = struct.Struct("f")

NEGLIGIBLE = 1e-3
"""An offset below this many pixels, after slack, is no offset."""
DIRECTION = 0.5
"""How much of the offset must point along an axis for a relation to hold on it: sin 30°."""


def to_float32(value: float) -> float:
    """The nearest float32, as a Python float: scores are compared in the detector's precision."""
    rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return rounded


def select(
    scores: Sequence[float], boxes: Sequence[Sequence[float]], max_objects: int, max_overlap: float
) -> list[int]:
    """Indices of the boxes that count, best first.

    Of equal scores the later box comes first. At most max_objects are kept, and of two that overlap
    by max_overlap or more only the better; a max_overlap of 1.0 keeps every overlap.
    """
    best_first = sorted(range(len(scores)), key=lambda i: (scores[i], i), reverse=True)
    kept = best_first[:max_objects]
    if max_overlap == 1.0:
        return kept
    return suppress(np.array(boxes, dtype=np.float32), kept, max_overlap)


def suppress(boxes: Boxes, order: list[int], max_overlap: float) -> list[int]:
    """Greedy non-maximum suppression of the boxes named by order, best first."""
    kept: list[int] = []
    for index in order:
        if all(overlap(boxes[better], boxes[index]) < max_overlap for better in kept):
            kept.append(index)
    return kept


def overlap(a: Boxes, b: Boxes) -> float:
    """Intersection over union of two boxes, 0 to 1, with corners counted as inside (+1 pixel)."""
    first, second = a[:4].astype(np.float64), b[:4].astype(np.float64)
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    common = _area(low, high)
    union = _area(first[:2], first[2:]) + _area(second[:2], second[2:]) - common
    return common / union if union else 0.0


def relations(a: Boxes, b: Boxes, slack: float) -> tuple[str, ...]:
    """Where a lies as seen from b: none, one or two of GenEval's relations, left/right first.

    slack is the part of both boxes' sizes by which their centres must be apart on an axis. The
    direction is taken from the offset beyond the slack over the length of the whole offset.
    """
    corners_a, corners_b = a[:4].reshape(2, 2), b[:4].reshape(2, 2)
    offset = corners_a.mean(axis=0) - corners_b.mean(axis=0)
    sizes = np.abs(corners_a[1] - corners_a[0]) + np.abs(corners_b[1] - corners_b[0])
    beyond = np.maximum(np.abs(offset) - np.float32(slack) * sizes, 0) * np.sign(offset)
    if (np.abs(beyond) < np.float32(NEGLIGIBLE)).all():
        return ()
    x, y = beyond / np.linalg.norm(offset)
    holds = {
        "left of": x < -DIRECTION,
        "right of": x > DIRECTION,
        "above": y < -DIRECTION,
        "below": y > DIRECTION,
    }
    return tuple(relation for relation, true in holds.items() if true)


def _area(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return float(np.maximum(high - low + 1, 0).prod())
