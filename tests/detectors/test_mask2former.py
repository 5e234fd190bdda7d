from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _masks

if TYPE_CHECKING:
    from pisces_eval.records import Detection

pytestmark = pytest.mark.torch

CLASSES = ("cat", "dog", "owl")


def resized(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear interpolation with half-pixel centres, pixel by pixel."""
    old_height, old_width = grid.shape
    result = np.empty((height, width))
    for row in range(height):
        y = min(max((row + 0.5) * old_height / height - 0.5, 0.0), old_height - 1.0)
        top, down = int(y), min(int(y) + 1, old_height - 1)
        for column in range(width):
            x = min(max((column + 0.5) * old_width / width - 0.5, 0.0), old_width - 1.0)
            left, right = int(x), min(int(x) + 1, old_width - 1)
            upper = grid[top, left] * (1 - (x - left)) + grid[top, right] * (x - left)
            lower = grid[down, left] * (1 - (x - left)) + grid[down, right] * (x - left)
            result[row, column] = upper * (1 - (y - top)) + lower * (y - top)
    return result


def expected(
    class_logits: np.ndarray,
    mask_logits: np.ndarray,
    padded: tuple[int, int],
    content: tuple[int, int],
    original: tuple[int, int],
) -> list[tuple[str, float, tuple[float, ...], np.ndarray]]:
    """The reference's arithmetic in plain loops: all pairs, best first."""
    found = []
    for query, logits in enumerate(class_logits):
        total = sum(math.exp(value) for value in logits)
        logit = resized(mask_logits[query], *padded)[: content[0], : content[1]]
        logit = resized(logit, *original)
        mask = logit > 0
        ys, xs = np.nonzero(mask)
        quality = sum(1 / (1 + math.exp(-value)) for value in logit[mask]) / (len(ys) + 1e-6)
        box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(ys) else (0, 0, 0, 0)
        for label, name in enumerate(CLASSES):
            probability = math.exp(logits[label]) / total
            found.append((probability, (name, probability * quality, box, mask)))
    return [each for _, each in sorted(found, key=lambda pair: -pair[0])]


def instances(
    class_logits: np.ndarray,
    mask_logits: np.ndarray,
    padded: tuple[int, int],
    content: tuple[int, int],
    original: tuple[int, int],
    floor: float,
) -> tuple[Detection, ...]:
    import torch

    from pisces_eval.detectors._mask2former import Geometry, find_instances

    return find_instances(
        torch.from_numpy(class_logits).float(),
        torch.from_numpy(mask_logits).float(),
        Geometry(padded, content, original),
        CLASSES,
        floor,
    ).detections


@pytest.mark.parametrize(
    ("padded", "content", "original"),
    [
        ((32, 32), (32, 32), (32, 32)),
        ((32, 64), (30, 50), (21, 35)),
        ((32, 32), (24, 32), (48, 64)),
    ],
)
def test_instances_agree_with_plain_loops(
    padded: tuple[int, int], content: tuple[int, int], original: tuple[int, int]
) -> None:
    rng = np.random.default_rng(7)
    class_logits = rng.normal(size=(5, 4)) * 2
    mask_logits = rng.normal(size=(5, padded[0] // 4, padded[1] // 4)) * 3
    mask_logits[3] = -1.0
    sizes = (padded, content, original)
    found = instances(class_logits, mask_logits, *sizes, floor=0.0)
    wanted = expected(class_logits, mask_logits, *sizes)
    assert len(found) == len(wanted) == 15
    for detection, (label, score, box, mask) in zip(found, wanted, strict=True):
        assert detection.label == label
        assert detection.score == pytest.approx(score, abs=1e-5)
        assert detection.box == box
        assert detection.mask is not None
        assert np.array_equal(_masks.decode(detection.mask), mask)


def test_an_empty_mask_has_box_and_score_zero() -> None:
    found = instances(
        np.array([[5.0, 0, 0, 0]]), np.full((1, 8, 8), -2.0), (32, 32), (32, 32), (16, 16), 0.05
    )
    assert [(each.label, each.score, each.box) for each in found] == [("cat", 0.0, (0, 0, 0, 0))]


def test_a_picture_of_nothing_gives_nothing() -> None:
    sizes = ((32, 32), (32, 32), (16, 16))
    nothing = np.array([[0.0, 0, 0, 9]] * 3)
    assert instances(nothing, np.ones((3, 8, 8)), *sizes, floor=0.05) == ()


def test_the_floor_only_drops_what_could_not_exceed_it() -> None:
    rng = np.random.default_rng(3)
    class_logits = rng.normal(size=(12, 4)) * 3
    mask_logits = rng.normal(size=(12, 8, 8)) * 3
    sizes = ((32, 32), (32, 32), (32, 32))
    everything = instances(class_logits, mask_logits, *sizes, floor=0.0)
    above = instances(class_logits, mask_logits, *sizes, floor=0.05)
    assert len(above) < len(everything)
    assert above == everything[: len(above)]
    assert all(each.score <= 0.05 for each in everything[len(above) :])


def test_no_more_than_a_hundred_pairs_are_reported() -> None:
    class_logits = np.zeros((60, 4))
    found = instances(class_logits, np.ones((60, 8, 8)), (32, 32), (32, 32), (32, 32), 0.05)
    assert len(found) == 100
    assert [each.label for each in found[:4]] == ["cat", "dog", "owl", "cat"]


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (1024, 1024, (800, 800)),
        (768, 1344, (1333, 762)),
        (832, 1216, (1169, 800)),
        (720, 1280, (1333, 750)),
        (4000, 1, (1, 1333)),
    ],
)
def test_sizes_follow_the_reference(width: int, height: int, size: tuple[int, int]) -> None:
    from pisces_eval.detectors._mask2former import fit_size

    assert fit_size(width, height, 800, 1333) == size


def test_a_prepared_picture_is_normalised_and_padded_right_and_below() -> None:
    from pisces_eval.detectors._mask2former import prepare_bilinear

    frame = prepare_bilinear(Image.new("RGB", (50, 100), (124, 116, 104)), short=20, long=100)
    assert frame.content == (40, 20)
    assert frame.padded == (64, 32)
    pixels = frame.pixels.numpy()[0]
    assert np.abs(pixels[:, :40, :20]).max() < 0.01
    assert pixels[0, 0, 0] == pytest.approx((124 - 123.675) / 58.395, abs=1e-5)
    assert not pixels[:, 40:].any()
    assert not pixels[:, :, 20:].any()
