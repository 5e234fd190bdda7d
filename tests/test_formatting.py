"""How numbers look: digits follow the standard error, nothing is hidden."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.formatting import (
    format_bound,
    format_count,
    format_duration,
    format_estimate,
    format_exceptions,
    format_interval,
    format_rate,
    format_size,
    format_value,
    plural,
)
from pisces_eval.records import Estimate

PERCENT = (0.0, 1.0)


def estimate(
    value: float | None,
    stderr: float | None = None,
    ci95: tuple[float, float] | None = None,
    **counts: int,
) -> Estimate:
    numbers = {"n": 0, "clusters": 0, "unparsed": 0, "guessed": 0, "errors": 0} | counts
    return Estimate(value=value, stderr=stderr, ci95=ci95, method="", **numbers)


@pytest.mark.parametrize(
    ("value", "stderr", "bounds", "text"),
    [
        (0.437, 0.016, PERCENT, "43.7 ± 1.6"),
        (0.437, 0.123, PERCENT, "43.7 ± 12.3"),
        (0.43712, 0.0012, PERCENT, "43.71 ± 0.12"),
        (0.5, 0.000999, PERCENT, "50.00 ± 0.10"),
        (1.0, 0.0, PERCENT, "100.0 ± 0.0"),
        (0.437, None, PERCENT, "43.7 ± —"),
        (1324.4, 23.4, (0.0, 2000.0), "1324 ± 23"),
        (1324.4, 234.0, (0.0, 2000.0), "1324 ± 234"),
        (3.14159, 0.05, None, "3.142 ± 0.050"),
        (3.14159, None, None, "3.14 ± —"),
        (-0.00001, 0.01, PERCENT, "0.0 ± 1.0"),
        (0.5, 1e-12, PERCENT, "50.000000 ± 0.000000"),
        (None, None, PERCENT, "—"),
        (float("nan"), 0.1, PERCENT, "—"),
    ],
)
def test_estimate(
    value: float | None, stderr: float | None, bounds: tuple[float, float] | None, text: str
) -> None:
    assert format_estimate(estimate(value, stderr), bounds) == text


def test_interval_has_the_digits_of_its_estimate() -> None:
    known = estimate(0.437, 0.016, (0.4056, 0.4684))

    assert format_interval(known, PERCENT) == "[40.6, 46.8]"
    assert format_interval(known, None) == "[0.406, 0.468]"
    assert format_interval(estimate(0.437), PERCENT) == "—"


@given(st.floats(0.0, 1.0), st.floats(1e-5, 0.5))
def test_rounding_hides_less_than_a_twentieth_of_the_error(value: float, stderr: float) -> None:
    text = format_estimate(estimate(value, stderr), PERCENT)
    shown, error = map(float, text.split(" ± "))

    assert abs(shown - 100 * value) <= 100 * stderr / 19
    assert abs(error - 100 * stderr) <= 100 * stderr / 19


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6), st.sampled_from([PERCENT, None, (0.0, 9.0)]))
def test_all_numbers_of_an_estimate_have_the_same_decimals(
    value: float, stderr: float, bounds: tuple[float, float] | None
) -> None:
    known = estimate(value, stderr, (value - stderr, value + stderr))
    numbers = re.findall(
        r"-?\d+(?:\.(\d+))?", format_estimate(known, bounds) + format_interval(known, bounds)
    )

    assert len(numbers) == 4
    assert len({len(decimals) for decimals in numbers}) == 1


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0))
def test_zero_has_no_sign(value: float, stderr: float) -> None:
    assert not re.match(r"-0(\.0*)? ", format_estimate(estimate(value, stderr), PERCENT))


def test_bounds_have_the_units_of_the_estimate() -> None:
    assert [format_bound(bound, PERCENT) for bound in PERCENT] == ["0", "100"]
    assert format_bound(2000.0, (0.0, 2000.0)) == "2000"


def test_size_names_clusters_only_where_samples_share_them() -> None:
    assert format_size(estimate(0.5, n=2212, clusters=553)) == "2,212 in 553 clusters"
    assert format_size(estimate(0.5, n=900, clusters=900)) == "900"
    assert format_size(estimate(0.5, n=4, clusters=1)) == "4 in 1 cluster"
    assert format_size(estimate(None)) == "0"


def test_exceptions_are_named_or_none() -> None:
    assert format_exceptions(estimate(0.5)) == "none"
    assert format_exceptions(estimate(0.5, errors=1)) == "1 error"
    assert (
        format_exceptions(estimate(0.5, errors=3, unparsed=1200, guessed=1))
        == "3 errors, 1,200 unparsed, 1 guessed"
    )


def test_counts() -> None:
    assert format_count(2212) == "2,212"
    assert [plural(count, "sample") for count in (0, 1, 2)] == [
        "0 samples",
        "1 sample",
        "2 samples",
    ]


def test_values_of_single_samples_are_short() -> None:
    assert [format_value(value) for value in (1.0, -0.0, 1 / 3)] == ["1", "0", "0.3333"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 m 00 s"),
        (65.2, "1 m 05 s"),
        (3599.4, "59 m 59 s"),
        (3599.6, "1 h 00 m"),
        (7380.0, "2 h 03 m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(0.0, 1e6))
def test_duration_is_close_to_the_truth(seconds: float) -> None:
    unit = {"h": 3600.0, "m": 60.0, "s": 1.0}
    parts = re.findall(r"([\d.]+) ([hms])", format_duration(seconds))
    told = sum(float(number) * unit[name] for number, name in parts)

    assert abs(told - seconds) <= unit[parts[-1][1]] / 2
    assert all(float(number) < 60 for number, name in parts if name != "h")


@pytest.mark.parametrize(
    ("samples", "seconds", "text"),
    [
        (123, 10.0, "12.3/s"),
        (4, 60.0, "4.0/min"),
        (3, 7200.0, "1.5/h"),
        (0, 10.0, "0.0/s"),
        (5, 0.0, "—"),
    ],
)
def test_rate(samples: int, seconds: float, text: str) -> None:
    assert format_rate(samples, seconds) == text
