from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.errors import ModelError, UserError
from pisces_eval.interfaces import Ask, Draw, Model, Replays
from pisces_eval.models.answers import MODEL, _parse


def given_by(tmp_path: Path, *lines: str) -> Model:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return MODEL.load(str(path))


def ask(sample: str, task: str = "pope") -> Ask:
    return Ask(text="?", id=sample, task=task)


def test_answers_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    model = given_by(tmp_path, '{"id": "1", "text": "yes"}', "", '{"id": "2", "text": "nö\\n"}\n')
    assert model.answer([ask("2"), ask("1")]) == ["nö\n", "yes"]


def test_a_line_of_the_task_goes_before_one_of_any(tmp_path: Path) -> None:
    model = given_by(
        tmp_path, '{"id": "1", "text": "no", "task": "pope"}', '{"id": "1", "text": "B"}'
    )
    assert model.answer([ask("1", "pope"), ask("1", "mmmu")]) == ["no", "B"]


def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    model = given_by(
        tmp_path, '{"id": "1", "text": "", "task": "pope"}', '{"id": "1", "text": "B"}'
    )
    assert model.answer([ask("1")]) == [""]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    model = given_by(tmp_path, '{"id": "1", "text": "yes", "task": "pope"}')
    assert isinstance(model, Replays)
    cases = [("pope", ask("1")), ("pope", ask("2")), ("mmmu", ask("1", "mmmu"))]
    assert model.missing([*cases, ("geneval", Draw(prompt="a", artifact="a.png"))]) == [
        "pope: no answer for 2",
        "mmmu: no answer for 1",
    ]


def test_answering_what_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no answer for 7 of pope"):
        given_by(tmp_path, '{"id": "1", "text": "yes"}').answer([ask("7")])


def test_it_draws_nothing(tmp_path: Path) -> None:
    model = given_by(tmp_path, '{"id": "1", "text": "yes"}')
    assert model.capabilities == MODEL.capabilities == {"answer"}
    with pytest.raises(ModelError):
        model.draw([Draw(prompt="a", artifact="a.png")])


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "2"}',
        '{"text": "yes"}',
        '{"id": 2, "text": "yes"}',
        '{"id": "2", "text": null}',
        '{"id": "2", "response": "yes"}',
        '{"id": "2", "text": "yes", "score": 1}',
        '["2", "yes"]',
        '{"id": "2", "text": "ye',
    ],
)
def test_bad_lines_are_named_by_file_and_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError) as caught:
        given_by(tmp_path, '{"id": "1", "text": "yes"}', "", line)
    assert "answers.jsonl:3: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b'{"id": "1", "text": "\xff"}')
    with pytest.raises(UserError, match=r"answers\.jsonl:1: "):
        MODEL.load(str(path))


def test_two_texts_for_one_question_are_refused(tmp_path: Path) -> None:
    first, second = '{"id": "1", "text": "yes"}', '{"id": "1", "text": "no"}'
    with pytest.raises(UserError, match=r"answers\.jsonl:3: another text for 1 than line 1"):
        given_by(tmp_path, first, first, second)


def test_the_same_text_twice_is_accepted(tmp_path: Path) -> None:
    line = '{"id": "1", "text": "yes"}'
    assert given_by(tmp_path, line, line).answer([ask("1")]) == ["yes"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.jsonl: cannot be read"):
        MODEL.load(str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(UserError, match=r"answers:FILE\.jsonl"):
        MODEL.load("")


def test_the_fingerprint_changes_with_any_byte(tmp_path: Path) -> None:
    texts = ('{"id": "1", "text": "yes"}', '{"id": "1", "text": "yes"} ')
    assert len({given_by(tmp_path, text).fingerprint() for text in texts}) == 2


@given(st.dictionaries(st.text(), st.text()))
def test_all_that_json_can_write_is_read(answers: dict[str, str]) -> None:
    lines = [json.dumps({"id": sample, "text": text}) for sample, text in answers.items()]
    parsed = _parse("\n".join(lines).encode(), Path("f"))
    assert parsed == {("", sample): text for sample, text in answers.items()}


@given(st.binary(max_size=60))
def test_garbage_is_refused_in_one_line_or_read(content: bytes) -> None:
    try:
        _parse(content, Path("f"))
    except UserError as error:
        assert str(error).startswith("f:")
        assert "\n" not in str(error)
