"""GenEval as a task: rows, cases in the official layout, scores and metrics."""

import json
import random
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Case, DataRequest, Draw, Evidence, Task
from pisces_eval.records import Detection, Failure, Perception, Response, Sample, Score
from pisces_eval.tasks.geneval import TASK

FULL, MINI = DataRequest(), DataRequest(mini=True)


@cache
def cases(where: DataRequest = FULL) -> list[Case]:
    return [case for number, row in enumerate(TASK.rows(where)) for case in TASK.cases(row, number)]


def sample(case: Case) -> Sample:
    assert isinstance(case.request, Draw)
    return Sample(
        id=case.id,
        kind="draw",
        prompt=case.request.prompt,
        reference=json.loads(json.dumps(case.reference)),
        category=case.category,
        cluster=case.cluster,
        artifact=case.request.artifact,
        request="",
    )


def samples_of(*prompts: int) -> list[Sample]:
    every = cases()
    return [sample(every[4 * prompt + image]) for prompt in prompts for image in range(4)]


def score(of: Sample, *detections: Detection, failure: Failure | None = None) -> Score:
    seen = Perception(id=of.id, image="", detections=detections, failure=failure)
    evidence = Evidence(Response(id=of.id, request="", image=""), seen)
    return TASK.score(of, evidence, "official", random.Random(0))


def judged(of: Sample, correct: bool) -> Score:
    values = {"overall": float(correct), "image_accuracy": float(correct)}
    return Score(id=of.id, protocol="official", values=values)


def failed(of: Sample) -> Score:
    failure = Failure(blame="detector", message="out of memory")
    return Score(id=of.id, protocol="official", failure=failure)


def see(label: str, colors: tuple[float, ...] | None = None) -> Detection:
    return Detection(label=label, score=0.95, box=(0, 0, 9, 9), colors=colors)


def test_fulfils_the_contract() -> None:
    task: Task = TASK
    assert (task.info.name, task.info.kind, task.info.protocols) == (
        "geneval",
        "draw",
        ("official", "strict"),
    )


def test_listing_it_imports_nothing_heavy() -> None:
    program = "import sys, pisces_eval.tasks.geneval; print('numpy' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_there_are_2212_drawings_with_names_of_their_own() -> None:
    every = cases()
    assert len(every) == 2212
    assert len({case.id for case in every}) == 2212
    assert len({sample(case).artifact for case in every}) == 2212
    assert len({case.cluster for case in every}) == 553


def test_drawings_lie_in_the_official_layout() -> None:
    case = cases()[4 * 552 + 3]
    assert isinstance(case.request, Draw)
    assert (case.id, case.request.artifact) == ("00552/0003", "00552/samples/0003.png")
    [(path, text)] = case.request.companions
    assert path == "00552/metadata.jsonl"
    assert json.loads(text) == case.reference["row"]
    assert not text.endswith("\n")


def test_rows_are_read_anew_each_time() -> None:
    rows = TASK.rows(FULL)
    assert list(rows) == list(rows)
    assert (rows.count, rows.comparable, rows.notes) == (553, True, ())


def test_mini_holds_two_prompts_of_each_tag_with_two_images_each() -> None:
    mini = cases(MINI)
    assert len(mini) == 24
    assert set(Counter(case.cluster for case in mini).values()) == {2}
    assert set(Counter(case.category for case in mini).values()) == {4}
    assert len({case.category for case in mini}) == 6


def test_mini_is_part_of_the_full_set_under_the_same_names() -> None:
    full = {case.id: case for case in cases()}
    assert all(full[case.id] == case for case in cases(MINI))


def test_mini_says_what_it_is() -> None:
    rows = TASK.rows(MINI)
    assert (rows.count, rows.comparable, rows.source) == (
        12,
        False,
        "mini, original prompts, seed 43",
    )
    assert rows.notes == ("mini data, not comparable",)


def test_data_folder_and_revision_of_other_tasks_change_nothing(tmp_path: Path) -> None:
    where = DataRequest(data_dir=tmp_path / "absent", revision="main")
    assert list(TASK.rows(where)) == list(TASK.rows(FULL))


@pytest.mark.parametrize(
    ("number", "gold"),
    [
        (179, "2 clock"),
        (260, "1 pink car"),
        (353, "1 teddy bear, 1 dog right of the teddy bear"),
    ],
)
def test_gold_says_what_must_be_seen(number: int, gold: str) -> None:
    assert cases()[4 * number].gold == gold


@pytest.mark.parametrize(
    ("number", "classes"),
    [(0, set()), (353, set()), (260, {"car"}), (453, {"wine glass", "apple"})],
)
def test_colors_are_asked_for_where_a_clause_names_one(number: int, classes: set[str]) -> None:
    assert TASK.look(samples_of(number)[0]) == classes


def test_correct_drawing() -> None:
    result = score(samples_of(179)[0], see("clock"), see("clock"), see("person"))
    assert set(result.values.values()) == {1.0}
    assert (result.answer, result.reason) == ("1 person, 2 clock", "")


def test_wrong_drawing_has_the_official_reason() -> None:
    result = score(samples_of(179)[0])
    assert set(result.values.values()) == {0.0}
    assert (result.answer, result.reason) == ("nothing", "expected clock>=2, found 0")


def test_failed_look_is_no_verdict() -> None:
    failure = Failure(blame="detector", message="out of memory")
    result = score(samples_of(0)[0], failure=failure)
    assert (result.values, result.failure) == ({}, failure)


def test_failed_drawing_is_no_verdict() -> None:
    first = samples_of(0)[0]
    failure = Failure(blame="model", message="refused")
    evidence = Evidence(Response(id=first.id, request="", failure=failure))
    assert TASK.score(first, evidence, "official", random.Random(0)).failure == failure


def test_drawing_that_nobody_looked_at_is_no_verdict() -> None:
    first = samples_of(0)[0]
    evidence = Evidence(Response(id=first.id, request="", image=""))
    result = TASK.score(first, evidence, "official", random.Random(0))
    assert result.failure is not None
    assert result.failure.blame == "detector"


def test_missing_colors_name_the_drawing() -> None:
    with pytest.raises(TaskError, match="geneval 00260/0000: recorded detections of 'car'"):
        score(samples_of(260)[0], see("car"))


def test_overall_is_the_unweighted_mean_of_the_tags() -> None:
    samples = samples_of(0, 1, 179)
    right = [True, True, True, True, True, True, True, False, False, False, True, False]
    scores = [judged(s, r) for s, r in zip(samples, right, strict=True)]
    overall, images, prompts = TASK.metrics(samples, scores, "official")
    assert [m.name for m in (overall, images, prompts)] == [
        "overall",
        "image_accuracy",
        "prompt_any",
    ]
    assert list(overall.groups) == ["single_object", "counting"]
    assert overall.groups["single_object"].value == pytest.approx(7 / 8)
    assert overall.groups["counting"].value == pytest.approx(1 / 4)
    assert overall.overall.value == pytest.approx((7 / 8 + 1 / 4) / 2)
    assert images.overall.value == pytest.approx(8 / 12)
    assert prompts.overall.value == pytest.approx(1.0)
    assert (overall.overall.n, overall.overall.clusters, prompts.overall.n) == (12, 3, 3)


def test_prompt_without_a_correct_image_does_not_count() -> None:
    samples = samples_of(0, 1)
    scores = [judged(s, s.id == "00000/0003") for s in samples]
    assert TASK.metrics(samples, scores, "official")[2].overall.value == pytest.approx(0.5)


def test_failures_are_counted_and_left_out() -> None:
    samples = samples_of(0, 1)
    scores = [failed(s) if s.cluster == "00001" else judged(s, True) for s in samples]
    scores[0] = failed(samples[0])
    overall, _, prompts = TASK.metrics(samples, scores, "official")
    assert (overall.overall.value, overall.overall.n, overall.overall.errors) == (1.0, 3, 5)
    assert (prompts.overall.value, prompts.overall.n, prompts.overall.errors) == (1.0, 1, 1)
