from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pisces_eval.detectors.recorded import DETECTOR, ReplayedFailure
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Look, Vocabulary
from pisces_eval.records import Detection, Failure, Mask, Perception

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
VOCABULARY = Vocabulary(classes=("bench", "dog"), colors=COLORS)
DOCUMENT = Path(__file__).parents[2] / "docs" / "detections.md"
MASK = Mask(size=(6, 8), counts="=4200000;")


def look(identity: str, size: tuple[int, int] = (8, 6)) -> Look:
    return Look(id=identity, image=Image.new("RGB", size), color_classes=frozenset())


def detection(**changes: Any) -> dict[str, Any]:
    return {"label": "dog", "score": 0.5, "box": [1, 1, 4, 5]} | changes


def line(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "size": [8, 6], "detections": [detection()]} | changes


def written(folder: Path, *lines: dict[str, Any]) -> str:
    path = folder / "seen.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return str(path)


def replay(file: str, *identities: str) -> list[tuple[Detection, ...]]:
    return list(DETECTOR.load(file).detect([look(each) for each in identities], VOCABULARY))


def test_the_documented_example_is_understood(tmp_path: Path) -> None:
    example = re.search(r"```jsonl\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    path = tmp_path / "seen.jsonl"
    path.write_text(example.group(1), encoding="utf-8")
    (bench,), (other, dog) = replay(str(path), "00000/0000", "00000/0001")
    assert bench.colors == tuple(float(color == "brown") for color in COLORS)
    assert bench.mask == MASK
    assert other.colors is not None
    assert COLORS[other.colors.index(max(other.colors))] == "brown"
    assert (dog.label, dog.mask, dog.colors) == ("dog", None, None)


def test_a_runs_own_perceptions_are_replayed_unchanged(tmp_path: Path) -> None:
    logits = tuple(-float(number) / 3 for number in range(10))
    seen = (
        Detection(label="dog", score=0.1 + 0.2, box=(2, 1, 6, 5), mask=MASK, colors=logits),
        Detection(label="bench", score=0.0, box=(0, 0, 0, 0), mask=Mask(size=(6, 8), counts="`1")),
    )
    perceptions = [
        Perception(id="00000/0000", image="f" * 64, size=(8, 6), detections=seen),
        Perception(id="00000/0001", image="e" * 64, size=(8, 6)),
    ]
    path = tmp_path / "detections.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in perceptions))
    assert replay(str(path), "00000/0001", "00000/0000") == [(), seen]


def test_it_names_its_file_and_cannot_vouch_for_it(tmp_path: Path) -> None:
    detector = DETECTOR.load(written(tmp_path, line()))
    assert detector.notes == (
        "detections replayed from seen.jsonl: as good as the detector that made them",
    )
    assert not detector.comparable


def test_the_fingerprint_follows_the_content_not_the_name(tmp_path: Path) -> None:
    first = written(tmp_path, line())
    same = tmp_path / "copy.jsonl"
    same.write_bytes(Path(first).read_bytes())
    fingerprint = DETECTOR.load(first).fingerprint()
    assert DETECTOR.load(str(same)).fingerprint() == fingerprint
    assert DETECTOR.load(written(tmp_path, line(id="b"))).fingerprint() != fingerprint


def test_colours_by_name_come_in_the_vocabularys_order(tmp_path: Path) -> None:
    by_name = {color: float(number) for number, color in enumerate(reversed(COLORS))}
    file = written(tmp_path, line(detections=[detection(colors=by_name)]))
    assert replay(file, "a")[0][0].colors == tuple(float(9 - number) for number in range(10))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": [0, 6]}, "size is 0x6"),
        ({"size": [8]}, r"length 2 - at `\$.size`"),
        ({"hight": 6}, "unknown field `hight`"),
        ({"id": 3}, r"`str`, got `int` - at `\$.id`"),
        ({"detections": [detection(score=1.5)]}, r"<= 1.0 - at `\$.detections\[0\].score`"),
        ({"detections": [detection(score=-0.1)]}, r">= 0.0 - at `\$.detections\[0\].score`"),
        ({"detections": [detection(), detection(box=[4, 1, 1, 5])]}, r"detections\[1\].box"),
        ({"detections": [detection(box=[0, 0, 8.5, 5])]}, "within a picture of 8x6"),
        ({"detections": [detection(box=[-1, 0, 8, 5])]}, "within a picture of 8x6"),
        ({"detections": [detection(box=[0, 0, 8])]}, "length 4"),
        (
            {"detections": [detection(mask={"size": [8, 6], "counts": "`1"})]},
            r"mask.size \[8, 6\] is not the picture's",
        ),
    ],
)
def test_a_bad_line_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    file = written(tmp_path, line(id="good"), line(**changes))
    with pytest.raises(UserError, match=rf"seen.jsonl:2: .*{why}") as caught:
        DETECTOR.load(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"label": "sofa"}, "unknown class 'sofa'"),
        ({"colors": "teal"}, "unknown colour 'teal'"),
        ({"colors": [1.0, 2.0]}, "2 logits, the task 10 colours"),
        ({"colors": {"red": 1.0}}, "needs exactly the names red, orange"),
        ({"mask": {"size": [6, 8], "counts": "=4"}}, "cover 17 pixels of 6x8"),
        ({"mask": {"size": [6, 8], "counts": "= "}}, "no run-length character"),
    ],
)
def test_what_the_vocabulary_does_not_know_is_refused(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    file = written(tmp_path, line(detections=[detection(), detection(**changes)]))
    with pytest.raises(TaskError, match=rf"seen.jsonl:1: detections\[1\].*{why}"):
        replay(file, "a")


def test_text_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    path.write_text('{"id": "a", "size": [8, 6]}\nhello\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"seen.jsonl:2: JSON is malformed"):
        DETECTOR.load(str(path))


def test_a_last_line_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = Path(written(tmp_path, line(), line(id="b")))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"seen.jsonl:2: .* is the file cut off"):
        DETECTOR.load(str(path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    path.write_bytes(b'{"id": "\xff\xfe", "size": [8, 6]}\n')
    with pytest.raises(UserError, match=r"seen.jsonl:1: "):
        DETECTOR.load(str(path))


@pytest.mark.parametrize("argument", ["", "nowhere.jsonl"])
def test_a_missing_file_is_refused(argument: str) -> None:
    with pytest.raises(UserError, match=r"recorded:FILE.jsonl"):
        DETECTOR.load(argument)


def test_a_second_line_for_a_drawing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"seen.jsonl:3: id 'a' stands in line 1 already"):
        DETECTOR.load(written(tmp_path, line(), line(id="b"), line()))


@pytest.mark.parametrize(
    "first",
    [
        {"failure": {"blame": "detector", "message": "out of memory"}, "detections": []},
        {"image": "e" * 64, "detections": []},
    ],
    ids=["after a failure", "of another picture"],
)
def test_a_later_look_replaces_an_earlier_one(tmp_path: Path, first: dict[str, Any]) -> None:
    file = written(tmp_path, line(**first), line(image="f" * 64))
    assert len(replay(file, "a")[0]) == 1


def test_a_drawing_without_a_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"seen.jsonl has no line with id 'b' \(1 of the 2"):
        replay(written(tmp_path, line()), "a", "b")


def test_a_drawing_of_another_size_is_refused(tmp_path: Path) -> None:
    detector = DETECTOR.load(written(tmp_path, line()))
    with pytest.raises(TaskError, match=r"seen.jsonl:1: recorded for .* 8x6, but a has 9x6"):
        detector.detect([look("a", (9, 6))], VOCABULARY)


def test_a_recorded_failure_fails_again(tmp_path: Path) -> None:
    failure = msgspec.to_builtins(Failure(blame="detector", message="out of memory"))
    file = written(tmp_path, {"id": "a", "failure": failure})
    with pytest.raises(ReplayedFailure, match=r"seen.jsonl:1: recorded as failed: out of memory"):
        replay(file, "a")


@given(damage=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_is_read_or_refused_in_one_line(tmp_path: Path, damage: st.DataObject) -> None:
    content = bytearray(Path(written(tmp_path, line(), line(id="b"))).read_bytes())
    for _ in range(damage.draw(st.integers(1, 4))):
        place = damage.draw(st.integers(0, len(content) - 1))
        content[place] = damage.draw(st.integers(0, 255))
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(content)
    try:
        replay(str(path), "a")
    except (UserError, TaskError) as error:
        assert "damaged.jsonl" in str(error)
        assert "\n" not in str(error)
