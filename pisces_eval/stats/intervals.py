"""Means, their standard errors and their 95 % intervals.

Sources: Miller 2024 (arXiv 2411.00640) for clustered errors of evaluation scores; Wilson 1927 for
the interval of a proportion, with the effective sample size of Korn and Graubard 1998 where samples
are clustered; Zou and Donner 2008 (MOVER) for the interval of a weighted sum of estimates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
UPPER_TAIL = 1 - (1 - CONFIDENCE) / 2


class Interval(NamedTuple):
    """A mean with its error; stderr and ends are None where they cannot be known."""

    value: float
    stderr: float | None
    ends: tuple[float, float] | None
    n: int
    clusters: int
    method: str


def clustered_stderr(values: NDArray[np.float64], codes: NDArray[np.intp]) -> float | None:
    """Cluster-robust standard error of the mean of values (shape (n,)).

    sqrt(G/(G-1) · Σ_g (Σ_{i in g} (s_i - mean))² / n²) with G clusters; codes (shape (n,)) number
    each sample's cluster from 0. With every cluster of one sample this is the ordinary
    sqrt(Σ (s_i - mean)² / (n(n-1))). None for a single cluster: it says nothing about variation.
    """
    clusters = int(codes.max()) + 1
    if clusters < 2:
        return None
    sums = np.bincount(codes, weights=values - values.mean(), minlength=clusters)
    return math.sqrt(clusters / (clusters - 1) * float(np.square(sums).sum())) / len(values)


def mean_interval(
    values: Sequence[float], clusters: Sequence[str], bounds: tuple[float, float] | None
) -> Interval:
    """Mean of values (length n ≥ 1) with a cluster-robust error; clusters has one name a value.

    Values that are all 0 or 1 get a Wilson interval on the effective sample size, so that 0 of 24
    does not claim certainty; others get mean ± t · stderr, cut at bounds. Raises ValueError if the
    lengths differ or there is nothing to average.
    """
    if not len(values) or len(values) != len(clusters):
        raise ValueError("values and clusters must have one, and the same, length")
    array = np.asarray(values, dtype=np.float64)
    names, codes = np.unique(np.asarray(clusters), return_inverse=True)
    value, groups = float(array.mean()), len(names)
    stderr = clustered_stderr(array, codes)
    error = "clustered stderr" if groups < len(array) else "stderr of the mean"
    if np.isin(array, (0.0, 1.0)).all():
        quantile = normal_quantile() if groups == len(array) else student_quantile(groups - 1)
        ends = wilson(value, effective_size(value, stderr, len(array), groups), quantile)
        return Interval(value, stderr, ends, len(array), groups, f"{error}, Wilson interval")
    if stderr is None:
        return Interval(value, None, None, len(array), groups, "one cluster: no error known")
    reach = student_quantile(groups - 1) * stderr
    ends = _cut((value - reach, value + reach), bounds)
    return Interval(value, stderr, ends, len(array), groups, f"{error}, t interval")


def stratified_interval(strata: Sequence[Interval], bounds: tuple[float, float] | None) -> Interval:
    """The unweighted mean of strata, as of GenEval's six tags: strata are fixed, never clusters.

    stderr = sqrt(Σ stderr_h²) / H; the interval combines the strata's intervals by MOVER:
    value ∓ sqrt(Σ (mean_h - end_h)²) / H. Raises ValueError without strata.
    """
    if not strata:
        raise ValueError("a macro mean needs at least one stratum")
    count = len(strata)
    value = float(np.mean([s.value for s in strata]))
    errors = [s.stderr for s in strata if s.stderr is not None]
    stderr = math.hypot(*errors) / count if len(errors) == count else None
    known = [s.ends for s in strata if s.ends is not None]
    ends = None
    if len(known) == count:
        below = math.hypot(*(s.value - low for s, (low, _) in zip(strata, known, strict=True)))
        above = math.hypot(*(high - s.value for s, (_, high) in zip(strata, known, strict=True)))
        ends = _cut((value - below / count, value + above / count), bounds)
    return Interval(
        value,
        stderr,
        ends,
        sum(s.n for s in strata),
        sum(s.clusters for s in strata),
        f"mean of {count} strata, clustered stderr, MOVER interval",
    )


def effective_size(value: float, stderr: float | None, n: int, clusters: int) -> float:
    """How many independent samples a clustered proportion is worth, between 1 and n.

    p(1-p)/stderr² + 1, which is n itself for unclustered samples. At p = 0 or 1, where the
    data cannot show the correlation inside clusters, the number of clusters (the cautious choice).
    """
    if stderr is None or value in (0.0, 1.0):
        return float(clusters)
    if stderr == 0.0:
        return float(n)
    return min(float(n), value * (1 - value) / stderr**2 + 1)


def wilson(value: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion of n samples; inside [0, 1] by construction."""
    square = quantile**2
    centre = (value + square / (2 * n)) / (1 + square / n)
    reach = quantile / (1 + square / n) * math.sqrt(value * (1 - value) / n + square / (4 * n**2))
    # Rounding may leave the point estimate a hair outside at 0 and 1.
    return max(0.0, min(value, centre - reach)), min(1.0, max(value, centre + reach))


def normal_quantile() -> float:
    """The two-sided 95 % quantile of the normal distribution."""
    return NormalDist().inv_cdf(UPPER_TAIL)


def student_quantile(df: int) -> float:
    """The two-sided 95 % quantile of Student's t with df degrees of freedom; normal below 1."""
    if df < 1:
        return normal_quantile()
    from scipy.special import stdtrit

    return float(stdtrit(df, UPPER_TAIL))


def _cut(ends: tuple[float, float], bounds: tuple[float, float] | None) -> tuple[float, float]:
    if bounds is None:
        return ends
    return max(bounds[0], ends[0]), min(bounds[1], ends[1])
