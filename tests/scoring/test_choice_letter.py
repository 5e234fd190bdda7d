from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.scoring.choice_letter import letters, named_letter

ANIMALS = ("cat", "dog", "fish", "bird")


def test_letters_count_from_a() -> None:
    assert letters(4) == ("A", "B", "C", "D")


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "(B)",
        "B.",
        "B. dog",
        "'B'",
        "Answer: B",
        "The answer is B.",
        "The correct answer is (B) dog.",
        "A dog is shown, so B",
        "I am quite sure it is a DOG",
        "neither (A) nor (C): (B) it is",
    ],
)
def test_styles_that_name_an_option(answer: str) -> None:
    assert named_letter(answer, ANIMALS) == "B"


@pytest.mark.parametrize(
    "answer", ["", "b", "B) dog", "**B**", "dog", "It is a dog.", "Ｂ", "E", "(E)", "I don't know"]
)
def test_styles_that_name_none(answer: str) -> None:
    assert named_letter(answer, ANIMALS) is None


def test_brackets_win_over_bare_letters_wherever_they_stand() -> None:
    assert named_letter("(C) and not A or B at all", ANIMALS) == "C"


def test_the_option_named_last_wins() -> None:
    assert named_letter("A or B", ANIMALS) == "B"
    assert named_letter("it was first a bird and then a cat", ANIMALS) == "A"


def test_rivals_that_only_end_words_rank_in_order_of_letters() -> None:
    assert named_letter("PUB and NASA say so", ANIMALS) == "A"


def test_marks_are_cut_in_one_pass() -> None:
    assert named_letter("A.,", ANIMALS) == "A"
    assert named_letter("A,.", ANIMALS) is None


def test_an_empty_option_is_in_every_sentence() -> None:
    assert named_letter("one two three four five six", ("x y z", "")) == "B"


@given(st.text(), st.lists(st.text(), min_size=1, max_size=30))
def test_any_text_and_any_options_give_a_letter_or_none(answer: str, options: list[str]) -> None:
    assert named_letter(answer, options) in {None, *letters(len(options))}
