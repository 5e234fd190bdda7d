import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisces_eval.detectors import _masks
from pisces_eval.records import Mask


@st.composite
def binary_masks(draw: st.DrawFn) -> np.ndarray:
    height = draw(st.integers(1, 40))
    width = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    density = draw(st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
    return np.random.default_rng(seed).random((height, width)) < density


@given(binary_masks())
@settings(max_examples=150, deadline=None)
def test_encoding_loses_nothing(mask: np.ndarray) -> None:
    encoded = _masks.encode(mask)
    assert encoded.size == mask.shape
    assert np.array_equal(_masks.decode(encoded), mask)


@given(binary_masks())
@settings(max_examples=150, deadline=None)
def test_run_lengths_of_an_encoded_mask_cover_it(mask: np.ndarray) -> None:
    assert sum(_masks.run_lengths(_masks.encode(mask))) == mask.size


def test_long_runs_take_several_characters() -> None:
    mask = np.zeros((300, 400), dtype=bool)
    mask[10:290, 100:110] = True
    assert np.array_equal(_masks.decode(_masks.encode(mask)), mask)


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ("4 4", "no run-length character"),
        ("4\u00e9", "no run-length character"),
        ("P", "cut off"),
        ("L", "negative"),
    ],
)
def test_damaged_run_lengths_are_refused(counts: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        _masks.run_lengths(Mask(size=(1, 4), counts=counts))


def test_runs_that_do_not_cover_the_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="cover 17 pixels of 6x8"):
        _masks.decode(Mask(size=(6, 8), counts="=4"))


@given(st.text(alphabet=st.characters(min_codepoint=40, max_codepoint=120), max_size=30))
def test_any_text_is_measured_or_refused(counts: str) -> None:
    try:
        assert sum(_masks.run_lengths(Mask(size=(3, 4), counts=counts))) == 12
    except ValueError as error:
        assert "run" in str(error) or "cover" in str(error)
