"""How scores become metrics."""

import pytest

from pisces_eval.records import Failure, Sample, Score
from pisces_eval.scoring.aggregate import metric


def pair(number, value, category="", failure=None, cluster=None, **flags):
    sample = Sample(
        id=str(number),
        kind="ask",
        prompt="?",
        reference={},
        category=category,
        cluster=cluster or str(number),
        request="r",
    )
    values = {} if failure else {"accuracy": value}
    return sample, Score(id=str(number), protocol="p", values=values, failure=failure, **flags)


def aggregate(pairs, **options):
    samples, scores = zip(*pairs, strict=True)
    return metric("accuracy", samples, scores, **options)


def test_failures_are_counted_and_left_out_of_the_mean():
    broken = Failure(blame="model", message="out of memory")
    overall = aggregate([pair(1, 1.0), pair(2, 1.0), pair(3, 0, failure=broken)]).overall
    assert (overall.value, overall.n, overall.errors) == (1.0, 2, 1)


def test_nothing_scored_is_no_number():
    broken = Failure(blame="data", message="torn image")
    assert aggregate([pair(1, 0, failure=broken)]).overall.value is None


def test_macro_weighs_categories_and_micro_weighs_samples():
    pairs = [pair(i, 1.0, "easy") for i in range(3)] + [pair(9, 0.0, "hard")]
    assert aggregate(pairs).overall.value == pytest.approx(0.75)
    assert aggregate(pairs, macro=True).overall.value == pytest.approx(0.5)


def test_groups_keep_the_order_of_first_appearance():
    pairs = [pair(1, 1.0, "zebra"), pair(2, 0.0, "ant"), pair(3, 0.0, "zebra")]
    assert list(aggregate(pairs).groups) == ["zebra", "ant"]


def test_unparsed_and_guessed_answers_are_counted():
    overall = aggregate(
        [pair(1, 0.0, unparsed=True), pair(2, 1.0, unparsed=True, guessed=True)]
    ).overall
    assert (overall.unparsed, overall.guessed, overall.value) == (2, 1, 0.5)


def test_decimals_round_the_value_alone():
    overall = aggregate([pair(1, 1.0), pair(2, 0.0), pair(3, 0.0)], decimals=2).overall
    assert overall.value == 0.33
    assert overall.stderr == pytest.approx(1 / 3)
