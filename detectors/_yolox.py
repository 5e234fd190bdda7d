"""What a YOLOX network takes and what its raw answer means, as pure functions on arrays.

Facts from the YOLOX paper (arXiv 2107.18430) and its ONNX export (Apache-2.0): three grids with
strides 8, 16 and 32 lie over a letterboxed picture, row by row and finest first; each cell answers
with centre and size in units of its stride (size as logarithm), objectness and class probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

if TYPE_CHECKING:
    from PIL.Image import Image

STRIDES = (8, 16, 32)
GREY = 114.0
"""Value of the padding right of and below the picture."""

BOX_FIELDS = 5
"""Columns before the class probabilities: centre x, centre y, log width, log height, objectness."""

LARGEST_LOG_SIZE = 20.0
"""Sizes are cut off here, far beyond any picture, so that a bad network cannot overflow."""

Boxes = NDArray[np.float64]
"""(n, 4): x1, y1, x2, y2, right and bottom exclusive."""


@dataclass(frozen=True)
class Letterbox:
    """A picture as the network takes it."""

    pixels: NDArray[np.float32]
    """(1, 3, height, width), BGR, 0 to 255, not normalised."""
    ratio: float
    """Pixels of the input per pixel of the picture."""


def letterbox(image: Image, height: int, width: int) -> Letterbox:
    """An RGB picture scaled to fit, placed top left on grey."""
    ratio = min(height / image.height, width / image.width)
    fitted = (max(int(image.width * ratio), 1), max(int(image.height * ratio), 1))
    resized = np.asarray(image.resize(fitted, Resampling.BILINEAR), dtype=np.float32)
    canvas = np.full((height, width, 3), GREY, dtype=np.float32)
    canvas[: fitted[1], : fitted[0]] = resized[:, :, ::-1]
    return Letterbox(np.ascontiguousarray(canvas.transpose(2, 0, 1))[None], ratio)


def cell_count(height: int, width: int) -> int:
    """How many cells the three grids have together."""
    return sum((height // stride) * (width // stride) for stride in STRIDES)


def decode(raw: NDArray[np.float32], height: int, width: int) -> tuple[Boxes, NDArray[np.float64]]:
    """Boxes (cells, 4) in pixels of the input, and scores (cells, classes), 0 to 1.

    raw is (cells, 5 + classes). A score is objectness times class probability.
    """
    answer = raw.astype(np.float64)
    corners, strides = _grid(height, width)
    centres = (answer[:, 0:2] + corners) * strides
    sizes = np.exp(np.minimum(answer[:, 2:4], LARGEST_LOG_SIZE)) * strides
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return boxes, answer[:, 4:5] * answer[:, BOX_FIELDS:]


def _grid(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column and row of each cell (cells, 2), and its stride (cells, 1)."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        strides.append(np.full((rows.size, 1), float(stride)))
    return np.concatenate(corners), np.concatenate(strides)


def suppress(boxes: Boxes, scores: NDArray[np.float64], overlap: float) -> list[int]:
    """Indices of the boxes that remain, best first, once those that overlap a better one are gone.

    Greedy non-maximum suppression of one class: a box goes if its intersection over union with one
    kept before exceeds overlap. Of equal scores the first comes first.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting):
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = waiting[_overlaps(boxes[best], boxes[waiting]) <= overlap]
    return kept


def _overlaps(box: NDArray[np.float64], others: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box with each of the others, 0 where the union is empty."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    ratio: NDArray[np.float64] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return ratio
