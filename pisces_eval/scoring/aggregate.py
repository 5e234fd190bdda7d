"""From the scores of samples to a metric with its estimates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pisces_eval.records import Estimate, Metric, Sample, Score
from pisces_eval.stats.intervals import Interval, mean_interval, stratified_interval

Pair = tuple[Sample, Score]


def metric(
    name: str,
    samples: Sequence[Sample],
    scores: Sequence[Score],
    *,
    macro: bool = False,
    decimals: int | None = None,
    higher_is_better: bool = True,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Metric:
    """The mean of score.values[name], overall and by category.

    samples and scores are parallel. Failed scores are counted as errors and left out of the mean;
    scores that do not carry the metric are not its business. macro takes the unweighted mean of the
    category means (GenEval's rule) instead of the mean over samples. decimals rounds values as a
    reference scorer does; errors and intervals are never rounded.
    """
    pairs = [
        pair
        for pair in zip(samples, scores, strict=True)
        if pair[1].failure or name in pair[1].values
    ]
    groups: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair[0].category].append(pair)
    intervals = {category: _interval(name, group, bounds) for category, group in groups.items()}
    if macro:
        known = [interval for interval in intervals.values() if interval is not None]
        overall = stratified_interval(known, bounds) if known else None
    else:
        overall = _interval(name, pairs, bounds)
    return Metric(
        name=name,
        higher_is_better=higher_is_better,
        bounds=bounds,
        overall=_estimate(overall, pairs, decimals),
        groups={
            category: _estimate(intervals[category], group, decimals)
            for category, group in groups.items()
            if category
        },
    )


def _interval(
    name: str, pairs: Sequence[Pair], bounds: tuple[float, float] | None
) -> Interval | None:
    scored = [(sample, score) for sample, score in pairs if score.failure is None]
    if not scored:
        return None
    values = [score.values[name] for _, score in scored]
    return mean_interval(values, [sample.cluster for sample, _ in scored], bounds)


def _estimate(interval: Interval | None, pairs: Sequence[Pair], decimals: int | None) -> Estimate:
    scores = [score for _, score in pairs]
    counts = {
        "unparsed": sum(score.unparsed for score in scores),
        "guessed": sum(score.guessed for score in scores),
        "errors": sum(score.failure is not None for score in scores),
    }
    if interval is None:
        return Estimate(
            value=None, stderr=None, ci95=None, n=0, clusters=0, method="nothing scored", **counts
        )
    return Estimate(
        value=interval.value if decimals is None else round(interval.value, decimals),
        stderr=interval.stderr,
        ci95=interval.ends,
        n=interval.n,
        clusters=interval.clusters,
        method=interval.method,
        **counts,
    )
