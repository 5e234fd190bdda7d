"""Other wordings are first-class, and never pass for the original."""

import json

import pytest

from pisces_eval.errors import UserError
from pisces_eval.interfaces import DataRequest
from pisces_eval.tasks.geneval import TASK
from pisces_eval.tasks.geneval.prompts import official_line, official_prompts


@pytest.fixture
def rewritten(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("".join(f"{p.prompt}, in detail\n" for p in official_prompts()))
    return path


def first_case(where):
    return next(iter(TASK.cases(next(iter(TASK.rows(where))), 0)))


def test_the_wording_is_drawn_and_recorded(rewritten):
    case = first_case(DataRequest(prompts=rewritten))
    assert case.request.prompt == "a photo of a bench, in detail"
    assert json.loads(dict(case.request.companions)["00000/metadata.jsonl"])["prompt"] == (
        "a photo of a bench, in detail"
    )


def test_the_rule_stays_the_official_one(rewritten):
    original, other = first_case(DataRequest()), first_case(DataRequest(prompts=rewritten))
    assert {**original.reference["row"], "prompt": ""} == {**other.reference["row"], "prompt": ""}


def test_the_variant_stands_in_the_result(rewritten):
    rows = TASK.rows(DataRequest(prompts=rewritten))
    assert "long.txt, SHA-256 " in rows.source
    assert "a column of their own" in rows.notes[0]
    assert not rows.comparable


def test_mini_takes_its_rows_of_the_variant(rewritten):
    rows = TASK.rows(DataRequest(mini=True, prompts=rewritten))
    assert all(row["row"]["prompt"].endswith(", in detail") for row in rows)


def test_the_official_metadata_is_a_variant_too(tmp_path):
    path = tmp_path / "evaluation_metadata.jsonl"
    path.write_text("".join(official_line(p) + "\n" for p in official_prompts()))
    assert first_case(DataRequest(prompts=path)).request.prompt == "a photo of a bench"


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("p.txt", lambda lines: lines[1:], "has 552 lines; GenEval has 553"),
        ("p.txt", lambda lines: [" ", *lines[1:]], "line 1 is empty; 'a photo of a bench' needs"),
        ("p.jsonl", lambda lines: ["{", *lines[1:]], "line 1 is no JSON object"),
        ("p.jsonl", lambda lines: ["{}", *lines[1:]], 'line 1 lacks "prompt"'),
        (
            "p.jsonl",
            lambda lines: [lines[0].replace("bench", "cow"), *lines[1:]],
            "line 1: its include is not that of",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, name, edit, words):
    lines = [official_line(prompt) for prompt in official_prompts()]
    path = tmp_path / name
    path.write_text("".join(line + "\n" for line in edit(lines)))
    with pytest.raises(UserError, match=words):
        TASK.rows(DataRequest(prompts=path))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none.txt cannot be read"):
        TASK.rows(DataRequest(prompts=tmp_path / "none.txt"))
