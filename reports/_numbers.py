"""Results as rows of finished text: no number without error, interval, n and caveats."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from pisces_eval.formatting import (
    format_estimate,
    format_exceptions,
    format_interval,
    format_size,
)
from pisces_eval.interfaces import RunView
from pisces_eval.records import Estimate, Metric, TaskResult
from pisces_eval.reports._plot import Plot, plot, scale_of

NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class NumberRow:
    """One estimate, ready to be shown."""

    label: str
    score: str
    interval: str
    size: str
    exceptions: str
    method: str
    status: str
    """What must be said beside the number; empty if nothing."""
    marker: str
    """The status in two words; empty if there is none."""
    plot: Plot | None


@dataclass(frozen=True)
class HeadlineRow:
    """The headline metric of one task under one protocol."""

    task: str
    protocol: str
    number: NumberRow


@dataclass(frozen=True)
class MetricTable:
    """One metric of one task under one protocol, overall and by category."""

    protocol: str
    metric: str
    direction: str
    overall: NumberRow
    groups: tuple[NumberRow, ...]


@dataclass(frozen=True)
class Caveat:
    """A note, and what it is about."""

    text: str
    subjects: tuple[str, ...]


def headline_rows(results: tuple[TaskResult, ...]) -> tuple[HeadlineRow, ...]:
    """The first metric of every result, in order; a result without metrics has no row."""
    return tuple(
        HeadlineRow(
            result.task,
            result.protocol,
            _number_row(
                result.metrics[0].name, result.metrics[0].overall, result.metrics[0], result
            ),
        )
        for result in results
        if result.metrics
    )


def metric_tables(result: TaskResult) -> tuple[MetricTable, ...]:
    """One table per metric, in order."""
    return tuple(
        MetricTable(
            protocol=result.protocol,
            metric=metric.name,
            direction="higher is better" if metric.higher_is_better else "lower is better",
            overall=_number_row("overall", metric.overall, metric, result),
            groups=tuple(
                _number_row(category, estimate, metric, result)
                for category, estimate in metric.groups.items()
            ),
        )
        for metric in result.metrics
    )


def status(result: TaskResult) -> str:
    """All that must be said beside a number of this result, on one line; empty if nothing."""
    return "; ".join(_remarks(result))


def caveats(run: RunView) -> tuple[Caveat, ...]:
    """Every note of the model, the detector and the tasks once, with those it is about."""
    identity = run.manifest.identity
    subjects: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for note in identity.model.notes:
        subjects[note]["model"] = None
    for note in identity.detector.notes if identity.detector else ():
        subjects[note]["detector"] = None
    for result in run.results.results:
        for note in _remarks(result):
            subjects[note][result.task] = None
    return tuple(Caveat(text, tuple(about)) for text, about in subjects.items())


def _remarks(result: TaskResult) -> tuple[str, ...]:
    alarms = tuple(f"alarm: {line}" for line in result.alarms)
    said = any(NOT_COMPARABLE in note.lower() for note in result.notes)
    unsaid = () if result.comparable or said else (NOT_COMPARABLE,)
    return (*alarms, *unsaid, *result.notes)


def _marker(result: TaskResult) -> str:
    if not result.comparable:
        return NOT_COMPARABLE
    return "see note" if _remarks(result) else ""


def _number_row(label: str, estimate: Estimate, metric: Metric, result: TaskResult) -> NumberRow:
    return NumberRow(
        label=label,
        score=format_estimate(estimate, metric.bounds),
        interval=format_interval(estimate, metric.bounds),
        size=format_size(estimate),
        exceptions=format_exceptions(estimate),
        method=estimate.method,
        status=status(result),
        marker=_marker(result),
        plot=plot(estimate, metric.bounds, scale_of(metric)),
    )
