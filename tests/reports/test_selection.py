"""The choice of samples is bounded, even, and the same whatever the order."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.reports._selection import Mark, select
from pisces_eval.reports._verdicts import VERDICTS

MARKS = st.lists(
    st.tuples(st.sampled_from(VERDICTS), st.sampled_from(["", "a", "b"])), max_size=60
).map(lambda pairs: [Mark(f"id-{number}", *pair) for number, pair in enumerate(pairs)])


@given(MARKS, st.integers(0, 40), st.randoms(use_true_random=False))
def test_order_does_not_matter(marks: list[Mark], limit: int, shuffler: random.Random) -> None:
    shuffled = list(marks)
    shuffler.shuffle(shuffled)

    assert select(marks, limit) == select(shuffled, limit)


@given(MARKS, st.integers(0, 40))
def test_takes_as_many_as_it_may(marks: list[Mark], limit: int) -> None:
    chosen = select(marks, limit).ids

    assert len(chosen) == min(limit, len(marks))
    assert chosen <= {mark.id for mark in marks}


@given(MARKS, st.integers(0, 40))
def test_strata_differ_by_one_at_most_unless_exhausted(marks: list[Mark], limit: int) -> None:
    chosen = select(marks, limit).ids
    sizes = Counter((mark.verdict, mark.category) for mark in marks)
    taken = Counter((mark.verdict, mark.category) for mark in marks if mark.id in chosen)
    most = max(taken.values(), default=0)

    assert all(taken[stratum] >= min(size, most - 1) for stratum, size in sizes.items())


def test_rare_errors_are_never_crowded_out() -> None:
    marks = [Mark(f"right-{number}", "right", "") for number in range(1000)]
    marks.append(Mark("the error", "error", ""))

    assert "the error" in select(marks, 1).ids


def test_says_how_many_of_how_many_and_by_which_rule() -> None:
    marks = [Mark(str(number), "right", "") for number in range(2212)]

    assert select(marks, 200).rule == (
        "Showing 200 of 2,212 samples: taken in turn from every verdict and category, errors"
        " first, each in the order of its ids' SHA-256."
    )
    assert select(marks[:1], 200).rule == "Showing all of 1 sample."


def test_counts_the_verdicts_of_all_samples() -> None:
    marks = [Mark("1", "right", ""), Mark("2", "error", ""), Mark("3", "right", "x")]

    assert select(marks, 1).totals == (("error", 1), ("right", 2))
