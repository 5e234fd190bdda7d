"""Closed forms, bounds and coverage of the estimates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.stats.intervals import (
    mean_interval,
    normal_quantile,
    stratified_interval,
    student_quantile,
    wilson,
)


def names(n):
    return [str(i) for i in range(n)]


def test_singletons_give_the_ordinary_standard_error():
    values = [0.2, 0.9, 0.4, 0.7]
    expected = np.std(values, ddof=1) / math.sqrt(4)
    assert mean_interval(values, names(4), None).stderr == pytest.approx(expected, rel=1e-12)


def test_copies_inside_clusters_add_no_information():
    values, clusters = [0.1, 0.5, 0.9], names(3)
    once = mean_interval(values, clusters, None)
    fourfold = mean_interval(values * 4, clusters * 4, None)
    assert fourfold.stderr == pytest.approx(once.stderr, rel=1e-12)
    assert (fourfold.n, fourfold.clusters) == (12, 3)


def test_wilson_matches_a_published_example():
    # Newcombe 1998 (Statistics in Medicine 17:857), table I: 81 of 263.
    low, high = wilson(81 / 263, 263, normal_quantile())
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_zero_right_answers_do_not_claim_certainty():
    interval = mean_interval([0.0] * 24, names(24), (0, 1))
    assert interval.ends is not None
    assert interval.ends[0] == 0.0
    assert 0.1 < interval.ends[1] < 0.2


def test_one_cluster_has_no_standard_error():
    assert mean_interval([0.3, 0.4], ["same", "same"], None).stderr is None


def test_student_quantile_tends_to_the_normal():
    assert student_quantile(4) == pytest.approx(2.7764451, abs=1e-6)
    assert student_quantile(10**7) == pytest.approx(normal_quantile(), abs=1e-5)


def test_macro_mean_weighs_strata_equally_and_adds_their_variances():
    large = mean_interval([0.0, 1.0] * 50, names(100), (0, 1))
    small = mean_interval([1.0, 1.0, 1.0, 0.0], names(4), (0, 1))
    macro = stratified_interval([large, small], (0, 1))
    assert macro.value == pytest.approx((0.5 + 0.75) / 2)
    assert macro.stderr == pytest.approx(math.hypot(large.stderr, small.stderr) / 2)


def test_empty_input_is_refused():
    with pytest.raises(ValueError, match="length"):
        mean_interval([], [], None)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60),
)
def test_intervals_of_proportions_stay_inside_and_hold_the_value(rows):
    interval = mean_interval([float(v) for v, _ in rows], [str(c) for _, c in rows], (0, 1))
    assert interval.ends is not None
    low, high = interval.ends
    assert 0 <= low <= interval.value <= high <= 1


def test_the_95_percent_interval_covers_95_percent():
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        # 60 prompts with 4 images each; a prompt's own difficulty correlates its images.
        difficulty = rng.beta(3, 2, size=60)
        values = (rng.random((60, 4)) < difficulty[:, None]).astype(float).ravel()
        clusters = np.repeat(np.arange(60), 4).astype(str).tolist()
        low, high = mean_interval(values.tolist(), clusters, (0, 1)).ends
        hits += low <= 0.6 <= high
    assert 0.935 <= hits / 2000 <= 0.965
