"""Our task mmmu against what lmms-eval 0.7.3 made of the same rows and answers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from pisces_eval.interfaces import Ask, Case, Evidence, Picture
from pisces_eval.records import Response, Sample, Score
from pisces_eval.tasks.mmmu import TASK
from pisces_eval.tasks.mmmu.question import IMAGE_COLUMNS

FIXTURE = Path(__file__).parent / "fixtures" / "mmmu_lmms_eval_0.7.3.json"


@pytest.fixture(scope="module")
def recording() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def cases(recording: dict[str, Any]) -> list[Case]:
    pictures = {column: Picture(b"", column) for column in IMAGE_COLUMNS}
    rows = [{**row, **pictures} for row in recording["cases"]]
    return [case for number, row in enumerate(rows) for case in TASK.cases(row, number)]


@pytest.fixture(scope="module")
def samples(cases: list[Case]) -> list[Sample]:
    return [
        Sample(
            id=case.id,
            kind="ask",
            prompt=request(case).text,
            reference=dict(case.reference),
            gold=case.gold,
            category=case.category,
            cluster=case.cluster,
            request="",
        )
        for case in cases
    ]


@pytest.fixture(scope="module")
def scores(recording: dict[str, Any], samples: list[Sample]) -> list[Score]:
    rng = random.Random(0)
    return [
        TASK.score(
            sample,
            Evidence(Response(id=sample.id, request="", text=row["response"])),
            "lmms-eval",
            rng,
        )
        for sample, row in zip(samples, recording["cases"], strict=True)
    ]


def request(case: Case) -> Ask:
    assert isinstance(case.request, Ask)
    return case.request


def test_recording_covers_both_kinds_of_question_and_guesses(recording: dict[str, Any]) -> None:
    rows = recording["cases"]
    assert len(rows) >= 600
    assert sum(row["guessed"] for row in rows) >= 50
    assert sum(row["correct"] for row in rows if row["question_type"] == "open") >= 50


def test_prompts_are_the_references_byte_for_byte(
    recording: dict[str, Any], cases: list[Case]
) -> None:
    expected = [row["prompt"] for row in recording["cases"]]
    assert [request(case).text for case in cases] == expected


def test_pictures_are_shown_in_the_references_order(
    recording: dict[str, Any], cases: list[Case]
) -> None:
    expected = [[f"image_{k}" for k in row["shown"]] for row in recording["cases"]]
    assert [[picture.name for picture in request(case).images] for case in cases] == expected


def test_generation_arguments_are_the_references(
    recording: dict[str, Any], cases: list[Case]
) -> None:
    (arguments,) = recording["generation_arguments"]
    asked = {(request(case).max_new_tokens, request(case).stop) for case in cases}
    assert asked == {(arguments["max_new_tokens"], tuple(arguments["until"]))}


def test_each_answer_is_judged_as_by_the_reference(
    recording: dict[str, Any], scores: list[Score]
) -> None:
    expected = [(row["id"], row["correct"], row["guessed"]) for row in recording["cases"]]
    ours = [(score.id, bool(score.values["mmmu_acc"]), score.guessed) for score in scores]
    assert ours == expected


def test_letters_are_the_references_random_guesses_included(
    recording: dict[str, Any], scores: list[Score]
) -> None:
    pairs = [pair for pair in zip(recording["cases"], scores, strict=True) if pair[0]["letter"]]
    assert [score.answer for _, score in pairs] == [row["letter"] for row, _ in pairs]


def test_number_is_the_references_to_the_last_digit_on_every_recorded_prefix(
    recording: dict[str, Any], samples: list[Sample], scores: list[Score]
) -> None:
    ours = {}
    for count in map(int, recording["mmmu_acc_of_first"]):
        headline = TASK.metrics(samples[:count], scores[:count], "lmms-eval")[0]
        ours[str(count)] = headline.overall.value
    assert ours == recording["mmmu_acc_of_first"]
