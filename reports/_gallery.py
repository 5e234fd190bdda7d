"""The sample gallery of one task: what was asked, what came back, how it was judged.

The samples are streamed twice: once to choose which to show, once to make cards of those. Beyond
the cards themselves, only ids are held.
"""

from __future__ import annotations

from dataclasses import dataclass

from pisces_eval.formatting import format_count, plural
from pisces_eval.interfaces import Evidence, Picture, RunView
from pisces_eval.records import Metric, Sample, Score, TaskResult
from pisces_eval.reports._clip import clip
from pisces_eval.reports._pictures import (
    PICTURES_SHOWN,
    Overlay,
    Thumbnail,
    overlay,
    thumbnails,
)
from pisces_eval.reports._selection import Mark, select
from pisces_eval.reports._verdicts import (
    VERDICTS,
    Judgement,
    failure_text,
    judgement,
    verdict,
)

SAMPLES_SHOWN = 200
"""Samples of one task that are embedded at most."""

ProtocolMetrics = dict[str, tuple[Metric, ...]]
"""Protocol to its metrics; the first protocol is the one samples are sorted by."""


@dataclass(frozen=True)
class Card:
    """One sample as the gallery shows it."""

    id: str
    category: str
    verdict: str
    prompt: str
    response: str
    """The text answer, or why there is no answer; empty for a drawing."""
    gold: str
    pictures: tuple[Thumbnail, ...]
    more_pictures: str
    overlay: Overlay | None
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True)
class Choice:
    """One value of a filter and how many cards have it."""

    name: str
    count: str


@dataclass(frozen=True)
class Gallery:
    """The cards of one task with the filters that fit them."""

    rule: str
    """Which samples are shown."""
    totals: str
    """How many of all the task's samples have each verdict."""
    verdicts: tuple[Choice, ...]
    categories: tuple[Choice, ...]
    drawn: bool
    """Whether some card has boxes to hide."""
    cards: tuple[Card, ...]


def gallery(run: RunView, task: str) -> Gallery:
    """The gallery of a task of the run; a picture that is gone leaves a placeholder."""
    metrics = _protocol_metrics(run.results.results, task)
    selection = select(
        (
            Mark(sample.id, _verdict(evidence, scores, metrics), sample.category)
            for sample, evidence, scores in run.samples(task)
        ),
        SAMPLES_SHOWN,
    )
    pictures = run.pictures(task, selection.ids)
    cards = tuple(
        _card(sample, evidence, scores, metrics, pictures.get(sample.id, ()))
        for sample, evidence, scores in run.samples(task)
        if sample.id in selection.ids
    )
    return Gallery(
        rule=selection.rule,
        totals=", ".join(f"{name} {format_count(count)}" for name, count in selection.totals),
        verdicts=_choices([card.verdict for card in cards], VERDICTS),
        categories=_choices(
            [card.category for card in cards],
            tuple(sorted({card.category for card in cards} - {""})),
        ),
        drawn=any(card.overlay for card in cards),
        cards=cards,
    )


def _protocol_metrics(results: tuple[TaskResult, ...], task: str) -> ProtocolMetrics:
    return {result.protocol: result.metrics for result in results if result.task == task}


def _verdict(evidence: Evidence, scores: tuple[Score, ...], metrics: ProtocolMetrics) -> str:
    by_protocol = {score.protocol: score for score in scores}
    leading = next((by_protocol[name] for name in metrics if name in by_protocol), None)
    if leading is None:
        return "error" if evidence.response.failure else "unjudged"
    return verdict(leading, metrics[leading.protocol])


def _card(
    sample: Sample,
    evidence: Evidence,
    scores: tuple[Score, ...],
    metrics: ProtocolMetrics,
    pictures: tuple[Picture, ...],
) -> Card:
    response = evidence.response
    expected = len(sample.images) if sample.kind == "ask" else int(response.failure is None)
    hidden = max(len(pictures), expected) - PICTURES_SHOWN
    return Card(
        id=sample.id,
        category=sample.category,
        verdict=_verdict(evidence, scores, metrics),
        prompt=clip(sample.prompt),
        response=failure_text(response.failure) if response.failure else clip(response.text or ""),
        gold=clip(sample.gold),
        pictures=thumbnails(pictures, expected),
        more_pictures=f"{plural(hidden, 'more picture')} not shown" if hidden > 0 else "",
        overlay=overlay(evidence.perception) if evidence.perception else None,
        judgements=tuple(judgement(score, metrics.get(score.protocol, ())) for score in scores),
    )


def _choices(found: list[str], order: tuple[str, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(name, format_count(found.count(name))) for name in order if name in found)
