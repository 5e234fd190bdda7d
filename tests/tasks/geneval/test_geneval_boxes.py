"""Selection, overlap and relative position, against figures of the official functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.records import Detection
from pisces_eval.tasks.geneval.boxes import Boxes, overlap, relations, select, to_float32
from pisces_eval.tasks.geneval.thresholds import Thresholds
from pisces_eval.tasks.geneval.verdict import keep

Corners = tuple[float, float, float, float]


def box(corners: Corners) -> Boxes:
    return np.array(corners, dtype=np.float32)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 100, 100), (200, 0, 300, 100), ("left of",)),
        ((200, 0, 300, 100), (0, 0, 100, 100), ("right of",)),
        ((0, 0, 100, 100), (0, 0, 100, 100), ()),
        ((0, 0, 100, 100), (20, 0, 120, 100), ()),
        ((0, 0, 100, 100), (21, 0, 121, 100), ()),
        ((0, 0, 100, 100), (100, 100, 200, 200), ("left of", "above")),
        ((0, 0, 150, 150), (100, 100, 250, 250), ()),
        ((0, 0, 100, 100), (57, 100, 157, 200), ("above",)),
        ((0, 0, 100, 100), (300, 120, 400, 220), ("left of",)),
        ((0, 0, 512, 512), (0, 300, 60, 360), ("right of",)),
        ((10, 10, 50, 50), (60, 300, 100, 340), ("above",)),
        # The point reflections: what is above one is below the other.
        ((100, 100, 200, 200), (0, 0, 100, 100), ("right of", "below")),
        ((60, 300, 100, 340), (10, 10, 50, 50), ("below",)),
    ],
)
def test_relations(a: Corners, b: Corners, expected: tuple[str, ...]) -> None:
    assert relations(box(a), box(b), 0.1) == expected


@pytest.mark.parametrize(("shift", "expected"), [(40, ()), (41, ("left of",))])
def test_horizontal_offset_must_exceed_a_fifth_of_both_widths(
    shift: float, expected: tuple[str, ...]
) -> None:
    assert relations(box((0, 0, 100, 100)), box((shift, 0, 100 + shift, 100)), 0.1) == expected


def test_without_slack_a_pixel_is_a_direction() -> None:
    assert relations(box((0, 0, 9, 9)), box((1, 0, 10, 9)), 0.0) == ("left of",)


@pytest.mark.parametrize(("shift", "expected"), [(0.0009, ()), (0.0011, ("left of",))])
def test_a_thousandth_of_a_pixel_is_no_offset(shift: float, expected: tuple[str, ...]) -> None:
    assert relations(box((0, 0, 0, 0)), box((shift, 0, shift, 0)), 0.0) == expected


@pytest.mark.parametrize(("width", "expected"), [(0.4, ()), (0.7, ()), (1.1, ("left of",))])
def test_arithmetic_is_float32(width: float, expected: tuple[str, ...]) -> None:
    # On the very border, 0.2 of both widths: float64 would decide each the other way.
    shift = 0.4 * width
    assert relations(box((0, 0, width, 10)), box((shift, 0, shift + width, 10)), 0.1) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 9, 9), 1), ((10, 0, 19, 9), 0), ((5, 0, 14, 9), 1 / 3), ((40, 40, 41, 41), 0)],
)
def test_overlap_counts_corner_pixels(other: Corners, expected: float) -> None:
    assert overlap(box((0, 0, 9, 9)), box(other)) == pytest.approx(expected)


def test_overlap_of_nothing_is_zero() -> None:
    assert overlap(box((0, 0, -1, -1)), box((0, 0, -1, -1))) == 0.0


SQUARE = (0.0, 0.0, 9.0, 9.0)


def test_best_come_first_and_of_equals_the_later() -> None:
    assert select([0.5, 0.9, 0.5, 0.9], [SQUARE] * 4, 16, 1.0) == [3, 1, 2, 0]


@pytest.mark.parametrize("threshold", [0.3, 0.9])
def test_score_at_the_threshold_is_dropped_even_where_float32_rounds_up(threshold: float) -> None:
    above = float(np.nextafter(np.float32(threshold), np.float32(1)))
    seen = [
        Detection(label="dog", score=threshold, box=SQUARE),
        Detection(label="dog", score=float(np.float32(threshold)), box=SQUARE),
        Detection(label="dog", score=above, box=SQUARE),
    ]
    assert [one.score for one in keep(seen, threshold, Thresholds())["dog"]] == [above]


def test_at_most_so_many_objects() -> None:
    assert select([0.5] * 20, [SQUARE] * 20, 16, 1.0) == list(range(19, 3, -1))


def test_overlapping_boxes_stay_by_default() -> None:
    assert select([0.9, 0.8, 0.7], [SQUARE] * 3, 16, 1.0) == [0, 1, 2]


def test_suppression_drops_what_overlaps_a_kept_box_so_much() -> None:
    boxes = [SQUARE, (5.0, 0.0, 14.0, 9.0), (10.0, 0.0, 19.0, 9.0)]
    # Each neighbour overlaps by a third; the first and the last not at all.
    assert select([0.9, 0.8, 0.7], boxes, 16, 1 / 3) == [0, 2]
    assert select([0.9, 0.8, 0.7], boxes, 16, 0.34) == [0, 1, 2]


@given(st.floats(width=32, allow_nan=False))
def test_float32_values_are_left_alone(value: float) -> None:
    assert to_float32(value) == value


@given(st.floats(0, 1))
def test_rounding_is_numpys(value: float) -> None:
    assert to_float32(value) == float(np.float32(value))
