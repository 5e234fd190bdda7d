from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.detectors._opencv_resize import resize

FIXTURE = Path(__file__).parents[1] / "parity" / "fixtures" / "opencv_resize.json"


def test_every_recorded_size_equals_opencv() -> None:
    recorded = json.loads(FIXTURE.read_text())
    generator = np.random.Generator(np.random.PCG64(recorded["seed"]))
    different = []
    for case in recorded["resized"]:
        height, width = case["size"]
        drawn = generator.bytes(height * width * 3)
        result = resize(np.frombuffer(drawn, np.uint8).reshape(height, width, 3), *case["to"])
        if hashlib.sha256(result.tobytes()).hexdigest() != case["sha256"]:
            different.append((case["size"], case["to"]))
    assert len(recorded["resized"]) >= 30
    assert different == []


def test_a_gradient_by_hand() -> None:
    ramp = np.array([0, 100, 200], np.uint8).reshape(1, 3, 1)
    assert resize(ramp, 1, 6).ravel().tolist() == [0, 25, 75, 125, 175, 200]
    assert resize(ramp.reshape(3, 1, 1), 6, 1).ravel().tolist() == [0, 25, 75, 125, 175, 200]


def test_there_is_no_antialiasing() -> None:
    stripes = np.zeros((1, 9, 1), np.uint8)
    stripes[:, 4] = 255
    assert resize(stripes, 1, 3).ravel().tolist() == [0, 255, 0]


def test_the_same_size_is_a_copy() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    copy = resize(pixels, 4, 5)
    copy[:] = 9
    assert not pixels.any()


sides = st.integers(1, 40)


@given(sides, sides, sides, sides, st.integers(0, 255))
def test_a_flat_picture_stays_flat(
    height: int, width: int, new_height: int, new_width: int, level: int
) -> None:
    flat = np.full((height, width, 3), level, np.uint8)
    result = resize(flat, new_height, new_width)
    assert result.shape == (new_height, new_width, 3)
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - level).max() <= 0


@given(sides, sides, sides, sides, st.integers(0, 2**32 - 1))
def test_no_value_leaves_the_range_of_the_picture(
    height: int, width: int, new_height: int, new_width: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(60, 190, (height, width, 3), np.uint8)
    result = resize(pixels, new_height, new_width)
    assert pixels.min() <= result.max() + 1
    assert result.max() <= pixels.max()
    assert result.min() >= int(pixels.min()) - 1
