"""From a score's values to one word that a reader can sort by."""

from __future__ import annotations

from dataclasses import dataclass

from pisces_eval.formatting import format_value
from pisces_eval.records import Failure, Metric, Score
from pisces_eval.reports._clip import clip

VERDICTS = ("error", "unparsed", "wrong", "partial", "unjudged", "right")
"""All verdicts, what needs a reader's eye first."""


@dataclass(frozen=True)
class Judgement:
    """One sample under one protocol, in words."""

    protocol: str
    verdict: str
    """One of VERDICTS."""
    answer: str
    """What was extracted; empty for nothing."""
    reason: str
    values: str
    """The values as scored: 'accuracy 1, f1 0.5'."""
    guessed: bool


def judgement(score: Score, metrics: tuple[Metric, ...]) -> Judgement:
    """A score in words; metrics are those of its task and protocol, headline first."""
    return Judgement(
        protocol=score.protocol,
        verdict=verdict(score, metrics),
        answer=clip(score.answer or ""),
        reason=failure_text(score.failure) if score.failure else _reason(score),
        values=", ".join(f"{name} {format_value(value)}" for name, value in score.values.items()),
        guessed=score.guessed,
    )


def _reason(score: Score) -> str:
    return clip("\n".join(line for line in (score.reason, *score.flags) if line))


def verdict(score: Score, metrics: tuple[Metric, ...]) -> str:
    """One of VERDICTS, by the first of the metrics that the score carries.

    The best possible value is right, the worst wrong, all between partial. A metric without bounds,
    or no metric at all, leaves the sample unjudged.
    """
    if score.failure:
        return "error"
    if score.unparsed:
        return "unparsed"
    deciding = next((metric for metric in metrics if metric.name in score.values), None)
    if deciding is None or deciding.bounds is None:
        return "unjudged"
    worst, best = deciding.bounds if deciding.higher_is_better else deciding.bounds[::-1]
    value = score.values[deciding.name]
    if value == best:
        return "right"
    return "wrong" if value == worst else "partial"


def failure_text(failure: Failure) -> str:
    """A failure and its blame in words: 'model failed: out of memory'."""
    return f"{failure.blame} failed: {clip(failure.message)}"
