"""The one formatter of numbers: whatever a person reads of a score or a duration is written here.

A score shows as many digits as its standard error deserves: the error keeps two significant digits
and the value ends at the same decimal. Metrics bounded by 0 and 1 are written in percent points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pisces_eval.records import Estimate

MISSING = "—"
"""Stands for a number that does not exist."""

MOST_DECIMALS = 6
"""However small the standard error, no more decimals than these."""


@dataclass(frozen=True)
class _Notation:
    """How the numbers of one estimate are written: times factor, with so many decimals."""

    factor: float
    decimals: int

    def write(self, number: float | None) -> str:
        if number is None or not math.isfinite(number):
            return MISSING
        rounded = round(number * self.factor, self.decimals)
        return f"{rounded + 0.0:.{self.decimals}f}"  # adding 0.0 turns -0.0 into 0.0


def is_percent(bounds: tuple[float, float] | None) -> bool:
    """Whether a metric with these bounds is written in percent points."""
    return bounds == (0.0, 1.0)


def format_estimate(estimate: Estimate, bounds: tuple[float, float] | None) -> str:
    """Value ± one standard error: '43.7 ± 1.6'; '43.7 ± —' without an error, '—' without a value.

    bounds are the metric's smallest and largest value; (0, 1) means percent points.
    """
    notation = _notation(estimate, bounds)
    value = notation.write(estimate.value)
    return value if value == MISSING else f"{value} ± {notation.write(estimate.stderr)}"


def format_interval(estimate: Estimate, bounds: tuple[float, float] | None) -> str:
    """The 95 % interval with the digits of its estimate: '[40.6, 46.8]', or '—' without one."""
    if estimate.ci95 is None:
        return MISSING
    notation = _notation(estimate, bounds)
    low, high = estimate.ci95
    return f"[{notation.write(low)}, {notation.write(high)}]"


def format_bound(bound: float, bounds: tuple[float, float] | None) -> str:
    """One end of a metric's axis in the units of its estimates: '0', '100', '2000'."""
    return f"{bound * _factor(bounds):.6g}"


def format_size(estimate: Estimate) -> str:
    """Samples scored, and clusters where they differ: '2,212 in 553 clusters'."""
    if estimate.clusters in (0, estimate.n):
        return format_count(estimate.n)
    return f"{format_count(estimate.n)} in {plural(estimate.clusters, 'cluster')}"


def format_exceptions(estimate: Estimate) -> str:
    """What did not go to plan: '3 errors, 2 unparsed, 1 guessed', or 'none'."""
    counts = (
        (estimate.errors, plural(estimate.errors, "error")),
        (estimate.unparsed, f"{format_count(estimate.unparsed)} unparsed"),
        (estimate.guessed, f"{format_count(estimate.guessed)} guessed"),
    )
    return ", ".join(phrase for count, phrase in counts if count) or "none"


def format_count(count: int) -> str:
    """A whole number with thousands set apart: '2,212'."""
    return f"{count:,}"


def plural(count: int, noun: str) -> str:
    """A count and its noun: '1 error', '2,212 errors'."""
    return f"{format_count(count)} {noun}" if count == 1 else f"{format_count(count)} {noun}s"


def format_value(value: float) -> str:
    """One sample's score as it was given, shortened to four significant digits: '0.3333'."""
    return f"{value + 0.0:.4g}"


def format_duration(seconds: float) -> str:
    """A stretch of time, 0 s or more: '12.3 s', '1 m 05 s', '2 h 03 m'."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} m"


def format_rate(samples: int, seconds: float) -> str:
    """Samples per unit of time, the unit that gives at least one: '12.3/s', '4.0/min', '1.5/h'."""
    if seconds <= 0:
        return MISSING
    per_second = samples / seconds
    if samples == 0 or per_second >= 1:
        return f"{per_second:,.1f}/s"
    if per_second * 60 >= 1:
        return f"{per_second * 60:.1f}/min"
    return f"{per_second * 3600:.1f}/h"


def _factor(bounds: tuple[float, float] | None) -> float:
    return 100.0 if is_percent(bounds) else 1.0


def _notation(estimate: Estimate, bounds: tuple[float, float] | None) -> _Notation:
    factor = _factor(bounds)
    fewest = 1 if is_percent(bounds) else 0
    stderr = estimate.stderr
    if stderr is None or not math.isfinite(stderr) or stderr <= 0:
        return _Notation(factor, fewest or 2)
    exponent = int(f"{stderr * factor:.1e}".partition("e")[2])  # after rounding to two digits
    return _Notation(factor, min(max(1 - exponent, fewest), MOST_DECIMALS))
