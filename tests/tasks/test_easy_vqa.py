"""easy-VQA: rows of the package, questions, and the exact-match protocol."""

from __future__ import annotations

import importlib.metadata
import random
from collections import Counter
from pathlib import Path

import pytest

from pisces_eval.data.images import decode
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Ask, Case, DataRequest, Evidence, Picture
from pisces_eval.records import Response, Sample, Score
from pisces_eval.tasks.easy_vqa import COLORS, SHAPES, TASK

MINI = DataRequest(mini=True)
ROW = {"question": "what?", "answer": "red", "image_id": 7, "image": Picture(b"", "p")}


def cases(where: DataRequest) -> list[Case]:
    rows = TASK.rows(where)
    return [case for number, row in enumerate(rows) for case in TASK.cases(row, number)]


def sample(number: int, gold: str, image_id: int = 0) -> Sample:
    (case,) = TASK.cases({**ROW, "answer": gold, "image_id": image_id}, number)
    return Sample(
        id=case.id,
        kind="ask",
        prompt="",
        reference=dict(case.reference),
        category=case.category,
        cluster=case.cluster,
        request="",
    )


def judge(gold: str, response: str) -> Score:
    evidence = Evidence(Response(id="00000", request="", text=response))
    return TASK.score(sample(0, gold), evidence, "exact-match", random.Random(0))


def test_a_row_becomes_one_question_with_its_picture() -> None:
    (case,) = TASK.cases(ROW, 12)

    assert isinstance(case.request, Ask)
    assert case.request.text == "what?\nAnswer the question using a single word or phrase."
    assert case.request.images == (ROW["image"],)
    assert case.request.max_new_tokens == 16
    assert (case.id, case.cluster, case.gold) == ("00012", "image 7", "red")


@pytest.mark.parametrize(
    ("answer", "category"), [("yes", "yes/no"), ("triangle", "shape"), ("teal", "color")]
)
def test_the_kind_of_question_follows_from_its_answer(answer: str, category: str) -> None:
    (case,) = TASK.cases({**ROW, "answer": answer}, 0)

    assert case.category == category


def test_an_answer_that_is_none_of_the_thirteen_is_refused() -> None:
    with pytest.raises(TaskError, match="easy_vqa row 5: field `answer` is 'purple'"):
        list(TASK.cases({**ROW, "answer": "purple"}, 5))


@pytest.mark.parametrize(
    ("response", "right", "unparsed"),
    [
        ("red", 1.0, False),
        (" Red.\n", 1.0, False),
        ("RED!", 1.0, False),
        ("blue", 0.0, False),
        ("it is red", 0.0, False),
        ("reddish", 0.0, True),
        ("a shape", 0.0, True),
        ("", 0.0, True),
    ],
)
def test_exact_match(response: str, right: float, unparsed: bool) -> None:
    score = judge("red", response)

    assert (score.values, score.unparsed) == ({"accuracy": right}, unparsed)
    assert (score.answer is None) is unparsed


def test_accuracy_overall_and_by_kind_with_images_as_clusters() -> None:
    samples = [sample(0, "red", 1), sample(1, "yes", 1), sample(2, "yes", 2)]
    scores = [judge("red", "red"), judge("yes", "yes"), judge("yes", "no")]

    (accuracy,) = TASK.metrics(samples, scores, "exact-match")

    assert accuracy.name == "accuracy"
    assert accuracy.overall.value == pytest.approx(2 / 3)
    assert accuracy.overall.clusters == 2
    assert {name: group.value for name, group in accuracy.groups.items()} == {
        "color": 1.0,
        "yes/no": 0.5,
    }


def test_mini_needs_no_package_and_is_balanced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", absent)

    found = cases(MINI)

    assert Counter(case.category for case in found) == {"yes/no": 16, "shape": 8, "color": 8}
    assert Counter(case.gold for case in found)["yes"] == 8
    assert {case.gold for case in found} == {"yes", "no", *SHAPES, *COLORS}
    assert not TASK.rows(MINI).comparable


def test_mini_pictures_show_the_colour_that_is_asked_for() -> None:
    from PIL import ImageColor

    asked = [case for case in cases(MINI) if case.category == "color"]

    for case in asked:
        assert isinstance(case.request, Ask)
        image = decode(case.request.images[0])
        assert image.size == (64, 64)
        assert image.getpixel((32, 32)) == ImageColor.getrgb(case.gold)


def absent(name: str) -> None:
    raise importlib.metadata.PackageNotFoundError(name)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", absent)

    with pytest.raises(EnvironmentFailure, match=r'pip install "pisces-eval\[easy-vqa\]"'):
        TASK.rows(DataRequest())


def test_there_are_no_revisions() -> None:
    with pytest.raises(UserError, match="has no revisions"):
        TASK.rows(DataRequest(revision="main"))


def test_a_folder_may_hold_rows_of_the_same_schema(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "rows.jsonl").write_text(
        '{"question": "q", "answer": "no", "image_id": 3, "image": "a.png"}\n'
    )

    (case,) = cases(DataRequest(data_dir=tmp_path))

    assert (case.gold, case.cluster) == ("no", "image 3")


class TestPackage:
    @pytest.fixture(autouse=True)
    def needs_the_package(self) -> None:
        try:
            importlib.metadata.distribution("easy-vqa")
        except importlib.metadata.PackageNotFoundError:
            pytest.skip("easy-vqa is not installed")

    def test_the_test_split_is_whole_and_in_file_order(self) -> None:
        found = cases(DataRequest())

        assert len(found) == TASK.rows(DataRequest()).count == 9673
        assert len({case.cluster for case in found}) == 1000
        # The package's own README counts 7,136 yes/no questions in its test split.
        assert Counter(case.category for case in found)["yes/no"] == 7136
        assert len({case.id for case in found}) == 9673
        assert (found[0].gold, found[0].cluster) == ("triangle", "image 0")

    def test_its_source_names_the_version(self) -> None:
        assert TASK.rows(DataRequest()).source == "package easy-vqa 1.0"

    def test_its_pictures_decode(self) -> None:
        row = next(iter(TASK.rows(DataRequest())))

        assert decode(row["image"]).size == (64, 64)
