from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pisces_eval.detectors._crops import GREY, MEAN, SIDE, STD, cut_out, middle, prepare, resized
from pisces_eval.errors import TaskError

LEVEL = 1 / 255 / min(STD)
"""The largest step that one level of 255 makes in the network's input."""


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    levels = np.random.RandomState(seed).randint(0, 256, (height, width, 3))
    return Image.fromarray(levels.astype(np.uint8))


def cubic(distance: float) -> float:
    """Keys' kernel with a = -1/2."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def weights(old: int, new: int) -> np.ndarray:
    """(new, old): the kernel is widened when the picture shrinks, and cut off at the border."""
    scale = old / new
    width = max(scale, 1.0)
    rows = np.zeros((new, old))
    for target in range(new):
        centre = (target + 0.5) * scale
        for source in range(old):
            rows[target, source] = cubic((source + 0.5 - centre) / width)
    return rows / rows.sum(axis=1, keepdims=True)


def rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 255)


def naively(picture: Image.Image) -> np.ndarray:
    """The stated rule word by word: short side 224, long side cut, centre, scale, normalise."""
    pixels = np.asarray(picture, dtype=np.float64)
    height, width = pixels.shape[:2]
    short, long = sorted((height, width))
    new_long = math.trunc(224 * long / short)
    new_width, new_height = (224, new_long) if width <= height else (new_long, 224)
    across = rounded(np.einsum("ab,hbc->hac", weights(width, new_width), pixels))
    both = rounded(np.einsum("ab,bwc->awc", weights(height, new_height), across))
    top, left = (round((length - 224) / 2) for length in both.shape[:2])
    square = both[top : top + 224, left : left + 224] / 255
    return ((square - MEAN) / STD).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (1, 1),  # one pixel
        (224, 224),  # nothing to resize
        (224, 225),  # (n - 224) mod 4 = 1
        (224, 226),  # 2
        (224, 227),  # 3: rounding down would begin one pixel earlier
        (231, 224),  # 7 = 3 mod 4
        (300, 200),
        (97, 61),  # 356.2 cut to 356
        (3, 40),  # elongated: 2986 pixels in between
        (50, 2),
        (1, 7),
    ],
)
def test_the_transform_is_the_stated_rule(width: int, height: int) -> None:
    picture = noise(width, height)
    # PIL's kernels are fixed-point: a value near one half may round to the other side.
    assert np.abs(prepare(picture) - naively(picture)).max() <= 1.01 * LEVEL


@pytest.mark.parametrize(
    ("length", "start"),
    [(224, 0), (225, 0), (226, 1), (227, 2), (228, 2), (229, 2), (230, 3), (231, 4), (448, 112)],
)
def test_the_middle_begins_at_the_even_of_two_halves(length: int, start: int) -> None:
    assert middle(length) == start


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_long_side_is_cut_off(width: int, height: int) -> None:
    new_width, new_height = resized(width, height)
    assert min(new_width, new_height) == SIDE
    assert max(new_width, new_height) == int(SIDE * max(width, height) / min(width, height))


def test_elongated_objects_lose_their_ends() -> None:
    ends = Image.new("RGB", (900, 300), "white")
    ends.paste("red", (0, 0, 290, 300))
    ends.paste("red", (610, 0, 900, 300))
    middle_of_it = prepare(ends)[:, :, 5:-5]
    white = (1 - np.array(MEAN)) / STD
    assert np.abs(middle_of_it - white[:, None, None]).max() < 1e-6


def test_the_input_is_float32_and_normalised_by_channel() -> None:
    flat = prepare(Image.new("RGB", (10, 10), (255, 0, 51)))
    expected = (np.array([1.0, 0.0, 0.2]) - MEAN) / STD
    assert (flat.dtype, flat.shape) == (np.float32, (3, SIDE, SIDE))
    assert np.abs(flat - expected[:, None, None]).max() < 1e-6


def test_outside_the_mask_all_is_grey_with_a_hard_edge() -> None:
    picture = noise(8, 6)
    mask = np.zeros((6, 8), dtype=np.bool_)
    mask[2, 3:6] = mask[3, 4] = True
    crop = np.asarray(cut_out(picture, (3.0, 2.0, 6.0, 4.0), mask))
    pixels = np.asarray(picture)
    assert (crop[0] == pixels[2, 3:6]).all()
    assert (crop[1, 1] == pixels[3, 4]).all()
    assert (crop[1, [0, 2]] == GREY).all()


@settings(deadline=None)
@given(st.data())
def test_a_crop_is_the_composite_cut_to_its_box(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right = data.draw(st.integers(left + 1, width))
    bottom = data.draw(st.integers(top + 1, height))
    mask = np.random.RandomState(data.draw(st.integers(0, 99))).rand(height, width) > 0.5
    picture = noise(width, height)
    canvas = Image.new("RGB", picture.size, "#999")
    whole = Image.composite(picture, canvas, Image.fromarray(mask))
    expected = whole.crop((left, top, right, bottom))
    found = cut_out(picture, (left, top, right, bottom), mask)
    assert np.array_equal(np.asarray(found), np.asarray(expected))


def test_a_box_of_one_pixel_gives_one_flat_colour() -> None:
    picture = Image.new("RGB", (5, 5), "white")
    picture.putpixel((4, 4), (10, 20, 30))
    crop = cut_out(picture, (4.0, 4.0, 5.0, 5.0), np.ones((5, 5), dtype=np.bool_))
    seen = prepare(crop) * np.array(STD)[:, None, None] + np.array(MEAN)[:, None, None]
    assert np.abs(seen * 255 - np.array([10, 20, 30])[:, None, None]).max() < 1e-3


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(TaskError, match="mask of 4x5 pixels does not fit an image of 5x4"):
        cut_out(noise(5, 4), (0, 0, 1, 1), np.ones((5, 4), dtype=np.bool_))


@pytest.mark.parametrize("box", [(2, 0, 2, 3), (0, 3, 3, 1), (-1, 0, 2, 2), (0, 0, 6, 2)])
def test_an_empty_or_foreign_box_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(TaskError, match="is empty or leaves the image of 5x4"):
        cut_out(noise(5, 4), box, np.ones((4, 5), dtype=np.bool_))
