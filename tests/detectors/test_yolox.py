import math

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _yolox


def test_a_letterboxed_picture_stands_top_left_in_bgr_on_grey() -> None:
    framed = _yolox.letterbox(Image.new("RGB", (40, 20), (10, 20, 30)), 64, 64)
    assert framed.ratio == pytest.approx(1.6)
    assert framed.pixels.shape == (1, 3, 64, 64)
    assert framed.pixels.dtype == np.float32
    assert (framed.pixels[0, :, :32, :].reshape(3, -1).T == (30, 20, 10)).all()
    assert (framed.pixels[0, :, 32:, :] == 114).all()


def test_a_large_picture_shrinks_by_its_longer_side() -> None:
    framed = _yolox.letterbox(Image.new("RGB", (100, 333), "black"), 64, 64)
    assert framed.ratio == 64 / 333
    assert not framed.pixels[0, :, :, :19].any()  # int(100 * 64 / 333) columns
    assert (framed.pixels[0, :, :, 19:] == 114).all()


def test_a_very_thin_picture_keeps_one_pixel() -> None:
    framed = _yolox.letterbox(Image.new("RGB", (1000, 1), "black"), 64, 64)
    assert not framed.pixels[0, :, 0, :].any()
    assert (framed.pixels[0, :, 1:, :] == 114).all()


@pytest.mark.parametrize(("side", "cells"), [(64, 84), (416, 3549), (640, 8400)])
def test_the_grids_have_the_cells_of_the_published_exports(side: int, cells: int) -> None:
    assert _yolox.cell_count(side, side) == cells


@pytest.mark.parametrize(
    ("cell", "column", "row", "stride"),
    [(0, 0, 0, 8), (11, 3, 1, 8), (32, 0, 0, 16), (38, 2, 1, 16), (40, 0, 0, 32), (41, 1, 0, 32)],
)
def test_a_cell_is_decoded_on_its_own_grid(cell: int, column: int, row: int, stride: int) -> None:
    raw = np.zeros((42, 7), dtype=np.float32)
    raw[cell] = (0.5, -0.25, math.log(2), math.log(0.5), 0.8, 0.5, 0.25)
    boxes, scores = _yolox.decode(raw, height=32, width=64)
    x, y = (column + 0.5) * stride, (row - 0.25) * stride
    wanted = [x - stride, y - stride / 4, x + stride, y + stride / 4]
    assert boxes[cell] == pytest.approx(wanted, abs=1e-5)
    assert scores[cell] == pytest.approx([0.4, 0.2])


def test_absurd_sizes_stay_finite() -> None:
    raw = np.full((42, 6), 1e30, dtype=np.float32)
    boxes, _ = _yolox.decode(raw, height=32, width=64)
    assert np.isfinite(boxes).all()


def overlap(one: list[float], other: list[float]) -> float:
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def kept_naively(boxes: list[list[float]], scores: list[float], limit: float) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda each: -scores[each]):
        if all(overlap(boxes[index], boxes[better]) <= limit for better in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("seed", range(20))
def test_suppression_agrees_with_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, (40, 2))
    boxes = np.concatenate([corners, corners + rng.integers(6, 20, (40, 2))], axis=1).astype(float)
    scores = rng.integers(1, 10, 40) / 10
    wanted = kept_naively(boxes.tolist(), scores.tolist(), 0.45)
    assert 1 < len(wanted) < 40
    assert _yolox.suppress(boxes, scores, 0.45) == wanted


def test_an_overlap_at_the_limit_stays() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 4.5], [0, 0, 10, 4.6]])
    assert _yolox.suppress(boxes, np.array([0.9, 0.8, 0.7]), 0.45) == [0, 1]


def test_no_boxes_are_no_problem() -> None:
    assert _yolox.suppress(np.zeros((0, 4)), np.zeros(0), 0.45) == []
