"""The prompts are the official ones, byte for byte, or none."""

import hashlib
import json
from collections import Counter

import pytest

from pisces_eval.errors import EnvironmentFailure, TaskError
from pisces_eval.tasks.geneval.prompts import (
    METADATA_SHA256,
    PROMPTS_SHA256,
    check_official,
    draw_prompts,
    official_line,
    official_prompts,
    official_row,
    parse_prompt,
)
from pisces_eval.tasks.geneval.vocabulary import CLASSES, COLORS, RELATIONS


def sha256(lines: list[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_class_names_are_the_official_file() -> None:
    expected = "608f6a0e5c8ca1c7a92b818430141fe268c85b7930b50f4160f1d65893b5bacd"
    joined = "\n".join(CLASSES)
    digests = {hashlib.sha256(text.encode()).hexdigest() for text in (joined, joined + "\n")}
    assert expected in digests


def test_metadata_is_byte_for_byte_official() -> None:
    assert sha256([official_line(prompt) for prompt in official_prompts()]) == METADATA_SHA256


def test_prompt_file_is_byte_for_byte_official() -> None:
    assert sha256([prompt.prompt for prompt in official_prompts()]) == PROMPTS_SHA256


def test_tags_come_in_order_with_their_counts() -> None:
    assert list(Counter(prompt.tag for prompt in official_prompts()).items()) == [
        ("single_object", 80),
        ("two_object", 99),
        ("counting", 80),
        ("colors", 94),
        ("position", 100),
        ("color_attr", 100),
    ]


def test_all_prompt_strings_differ() -> None:
    assert len({prompt.prompt for prompt in official_prompts()}) == 553


def test_prompts_keep_to_the_vocabulary() -> None:
    clauses = [c for p in official_prompts() for c in (*p.include, *p.exclude)]
    assert {clause.name for clause in clauses} == set(CLASSES)
    assert {clause.color for clause in clauses if clause.color} == set(COLORS)
    assert {clause.position[0] for clause in clauses if clause.position} == set(RELATIONS)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (
            179,
            '{"tag": "counting", "include": [{"class": "clock", "count": 2}], '
            '"exclude": [{"class": "clock", "count": 3}], "prompt": "a photo of two clocks"}',
        ),
        (
            353,
            '{"tag": "position", "include": [{"class": "teddy bear", "count": 1}, {"class": "dog",'
            ' "count": 1, "position": ["right of", 0]}], '
            '"prompt": "a photo of a dog right of a teddy bear"}',
        ),
    ],
)
def test_official_line(number: int, line: str) -> None:
    assert official_line(official_prompts()[number]) == line


def test_row_goes_to_json_and_back() -> None:
    for prompt in official_prompts():
        assert parse_prompt(json.loads(json.dumps(official_row(prompt)))) == prompt


def test_another_seed_is_refused_with_the_version_of_numpy() -> None:
    np = pytest.importorskip("numpy")
    others = draw_prompts(44, 100)
    assert len(others) == 555
    with pytest.raises(EnvironmentFailure, match=f"numpy {np.__version__} does not draw") as caught:
        check_official(others)
    assert "evaluation_metadata.jsonl" in str(caught.value)


@pytest.mark.parametrize("row", [None, {}, {"tag": "colors", "include": [{"class": "cat"}]}])
def test_bad_row_is_named(row: object) -> None:
    with pytest.raises(TaskError, match=r"no row of GenEval's evaluation_metadata\.jsonl: "):
        parse_prompt(row)
