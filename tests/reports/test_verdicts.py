"""One word for a score."""

from __future__ import annotations

import pytest

from pisces_eval.records import Estimate, Failure, Metric, Score
from pisces_eval.reports._verdicts import judgement, verdict

NOTHING = Estimate(
    value=None, stderr=None, ci95=None, n=0, clusters=0, unparsed=0, guessed=0, errors=0, method=""
)


def metric(bounds: tuple[float, float] | None, higher: bool = True) -> Metric:
    return Metric(name="m", higher_is_better=higher, bounds=bounds, overall=NOTHING, groups={})


def score(value: float, unparsed: bool = False) -> Score:
    return Score(id="1", protocol="p", values={"m": value}, unparsed=unparsed)


@pytest.mark.parametrize(("value", "word"), [(1.0, "right"), (0.3, "partial"), (0.0, "wrong")])
def test_value_against_bounds(value: float, word: str) -> None:
    assert verdict(score(value), (metric((0.0, 1.0)),)) == word


def test_lower_is_better_turns_the_bounds() -> None:
    assert verdict(score(0.0), (metric((0.0, 1.0), higher=False),)) == "right"


def test_no_bounds_no_verdict() -> None:
    assert verdict(score(1.0), (metric(None),)) == "unjudged"


def test_a_value_of_no_metric_gives_no_verdict() -> None:
    assert verdict(score(1.0), ()) == "unjudged"


def test_a_lucky_guess_is_still_unparsed() -> None:
    assert verdict(score(1.0, unparsed=True), (metric((0.0, 1.0)),)) == "unparsed"


def test_a_failure_is_neither_right_nor_wrong() -> None:
    failed = Score(id="1", protocol="p", failure=Failure(blame="detector", message="no picture"))

    assert verdict(failed, (metric((0.0, 1.0)),)) == "error"
    assert judgement(failed, ()).reason == "detector failed: no picture"


def test_what_makes_a_score_doubtful_stands_with_its_reason() -> None:
    doubtful = Score(id="1", protocol="p", reason="expected dog", flags=("colour undecided",))

    assert judgement(doubtful, ()).reason == "expected dog\ncolour undecided"
