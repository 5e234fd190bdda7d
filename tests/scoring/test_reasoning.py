from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.scoring.reasoning import TAGS, spoken

PIECES = ["<think>", "</think>", "<th", "ink>", "</", "<analysis>", "</analysis>", "B", " ", "\n"]


def step_by_step(text: str) -> str:
    """The rule as it reads, one block at a time: slow, but plainly right."""
    for opening, closing in TAGS:
        while (start := text.find(opening)) >= 0 and (end := text.find(closing, start)) >= 0:
            text = text[:start] + text[end + len(closing) :]
        if opening not in text:
            text = text.rpartition(closing)[2]
    return text.strip()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (" B ", "B"),
        ("<think>A or B?</think>\nB", "B"),
        ("<analysis>x</analysis>B<think>y</think>", "B"),
        ("it is A</think> B", "B"),
        ("<think>never closed: A", "<think>never closed: A"),
        ("<THINK>A</THINK>B", "<THINK>A</THINK>B"),
        ("<th<think>a</think>ink>b</think>c", "c"),
    ],
)
def test_closed_blocks_are_dropped(answer: str, expected: str) -> None:
    assert spoken(answer) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_result_is_that_of_removing_block_after_block(answer: str) -> None:
    assert spoken(answer) == step_by_step(answer)


def test_a_megabyte_of_blocks_takes_well_under_a_second() -> None:
    started = time.perf_counter()
    assert spoken("<think></think>" * 70_000) == ""
    assert time.perf_counter() - started < 2
