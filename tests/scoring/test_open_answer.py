from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.scoring.open_answer import candidates, is_right, key_phrases, normal_forms


def right(answer: str, *golds: str) -> bool:
    return is_right(candidates(answer), golds)


@pytest.mark.parametrize(
    ("answer", "phrases"),
    [
        ("Kelvin.", ["kelvin"]),
        ("The answer is 5", ["5"]),
        ("It is big. So the result is 5", ["5"]),
        ("It is red\nno signal\nthus blue", ["red", "blue"]),
        ("x = 3\ny = 4", ["4"]),
        ("the answer is :", ["the answer is :"]),
        ("", [""]),
    ],
)
def test_key_phrases_follow_signal_words(answer: str, phrases: list[str]) -> None:
    assert key_phrases(answer) == phrases


def test_an_empty_tail_yields_to_a_later_signal() -> None:
    assert key_phrases("the answer is \nno more") == ["is"]


def test_numbers_are_rounded_and_texts_are_lowered() -> None:
    assert normal_forms(" 1,234.567 ") == (1234.57,)
    assert normal_forms("Mitral Valve") == ("mitral valve",)
    assert normal_forms("B") == (" b", "b ")


def test_candidates_are_phrases_then_their_numbers_each_once() -> None:
    assert candidates("It is 5 kg or 5.004 kg") == ["5 kg or 5.004 kg", 5.0]


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("5", "5"),
        ("5.0", "5"),
        ("5,000 kg", "5000"),
        ("The answer is the Mitral Valve.", "mitral valve"),
        ("x = 2.501", "2.5"),
        ("1e3", "1000"),
        ("infinity", "inf"),
        ("b", "B"),
    ],
)
def test_right_answers(answer: str, gold: str) -> None:
    assert right(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("5kg", "5"),
        ("5%", "0.05"),
        ("-5", "5"),
        ("abc", "b"),
        ("nan", "nan"),
        ("", "5"),
        ("valve", "mitral valve"),
    ],
)
def test_wrong_answers(answer: str, gold: str) -> None:
    assert not right(answer, gold)


def test_any_of_several_golds_will_do() -> None:
    assert right("so it is 3.43", "24/7", "3.429")
    assert not right("so it is 3.43", "24/7")


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_judged(answer: str, golds: list[str]) -> None:
    assert candidates(answer)
    assert right(answer, *golds) in {True, False}


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_a_number_said_in_a_sentence_is_right(number: float) -> None:
    gold = f"{number:.2f}"
    assert right(f"The result is {gold}", gold)
