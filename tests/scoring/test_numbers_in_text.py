from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.scoring.numbers_in_text import numbers_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no number", []),
        ("12 cats, -3 dogs", ["12", "-3"]),
        ("1,234,567 or 12,34", ["1,234,567", "567", "34"]),
        ("-1,000", ["-1,000", "000"]),
        ("3.14 and .5", ["3.14", ".5"]),
        ("1.5e3", ["1.5e3", "1", "3"]),
        ("2E-4x", ["2E-4"]),
        ("5kg 6 kg", ["6"]),
        ("1.2.3", ["1.2", ".3"]),
    ],
)
def test_numbers_as_written(text: str, expected: list[str]) -> None:
    assert numbers_in(text) == expected


@given(st.text(st.sampled_from("0123456789,.-+eE ٣x")) | st.text())
def test_every_number_can_be_read(text: str) -> None:
    for number in numbers_in(text):
        float(number.replace(",", ""))


@pytest.mark.parametrize("unit", ["1", "1.", "111,", "1e", "-", "1e1"])
def test_a_long_text_takes_no_time_squared(unit: str) -> None:
    text = unit * (2**18 // len(unit)) + "x"
    started = time.perf_counter()
    numbers_in(text)
    assert time.perf_counter() - started < 5
