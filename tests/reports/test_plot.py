"""Dots and whiskers lie where the numbers are."""

from __future__ import annotations

import pytest

from pisces_eval.records import Estimate, Metric
from pisces_eval.reports._plot import plot, scale_of


def estimate(value: float | None, ci95: tuple[float, float] | None) -> Estimate:
    return Estimate(
        value=value,
        stderr=None if ci95 is None else (ci95[1] - ci95[0]) / 3.92,
        ci95=ci95,
        n=10,
        clusters=10,
        unparsed=0,
        guessed=0,
        errors=0,
        method="",
    )


def metric(bounds: tuple[float, float] | None, *estimates: Estimate) -> Metric:
    groups = {str(number): group for number, group in enumerate(estimates[1:])}
    return Metric(
        name="m", higher_is_better=True, bounds=bounds, overall=estimates[0], groups=groups
    )


def test_positions_are_shares_of_the_axis() -> None:
    placed = plot(estimate(0.5, (0.25, 1.0)), (0.0, 1.0), (0.0, 1.0))

    assert placed is not None
    assert (placed.low, placed.dot, placed.high) == ("50.00", "100.00", "200.00")
    assert (placed.start, placed.end) == ("0", "100")


def test_an_interval_beyond_the_axis_ends_with_it() -> None:
    placed = plot(estimate(0.0, (-0.2, 0.1)), (0.0, 1.0), (0.0, 1.0))

    assert placed is not None
    assert (placed.low, placed.dot) == ("0.00", "0.00")


def test_without_an_interval_the_dot_stands_alone() -> None:
    placed = plot(estimate(0.5, None), (0.0, 1.0), (0.0, 1.0))

    assert placed is not None
    assert placed.low == placed.dot == placed.high


def test_without_a_value_there_is_no_plot() -> None:
    assert plot(estimate(None, None), (0.0, 1.0), (0.0, 1.0)) is None


def test_unbounded_metrics_take_the_envelope_of_their_intervals() -> None:
    unbounded = metric(None, estimate(5.0, (4.0, 6.0)), estimate(9.0, (7.0, 11.0)))

    assert scale_of(unbounded) == (4.0, 11.0)


@pytest.mark.parametrize("value", [None, 3.0])
def test_an_axis_without_width_is_none(value: float | None) -> None:
    assert scale_of(metric(None, estimate(value, None))) is None
