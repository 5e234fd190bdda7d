"""Where an estimate and its interval lie on a metric's axis: a dot with whiskers."""

from __future__ import annotations

from dataclasses import dataclass

from pisces_eval.formatting import format_bound, format_estimate, format_interval
from pisces_eval.records import Estimate, Metric

AXIS_LENGTH = 200.0
"""Length of the drawn axis in SVG units."""


@dataclass(frozen=True)
class Plot:
    """One dot plot; positions are SVG units from the axis' left end, 0 to AXIS_LENGTH."""

    dot: str
    low: str
    high: str
    start: str
    """What the left end of the axis stands for."""
    end: str
    words: str
    """The same for those who do not see it."""


def scale_of(metric: Metric) -> tuple[float, float] | None:
    """The axis of a metric: its bounds, else the envelope of its estimates; None without width."""
    if metric.bounds is not None:
        return metric.bounds
    estimates = (metric.overall, *metric.groups.values())
    ends = [end for estimate in estimates for end in _extent(estimate)]
    return (min(ends), max(ends)) if ends and min(ends) < max(ends) else None


def plot(
    estimate: Estimate, bounds: tuple[float, float] | None, scale: tuple[float, float] | None
) -> Plot | None:
    """The estimate on the axis `scale`; None if there is no value or no axis.

    A missing interval is drawn as the bare dot; what lies beyond the axis is drawn at its end.
    """
    if estimate.value is None or scale is None:
        return None
    low, high = estimate.ci95 or (estimate.value, estimate.value)
    return Plot(
        dot=_position(estimate.value, scale),
        low=_position(low, scale),
        high=_position(high, scale),
        start=format_bound(scale[0], bounds),
        end=format_bound(scale[1], bounds),
        words=f"{format_estimate(estimate, bounds)}, "
        f"95 % interval {format_interval(estimate, bounds)}",
    )


def _extent(estimate: Estimate) -> tuple[float, ...]:
    return () if estimate.value is None else (estimate.value, *(estimate.ci95 or ()))


def _position(number: float, scale: tuple[float, float]) -> str:
    start, end = scale
    share = (number - start) / (end - start)
    return f"{min(max(share, 0.0), 1.0) * AXIS_LENGTH:.2f}"
