"""Seeds and fingerprints of requests."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Ask, Case, Draw, Picture
from pisces_eval.run.requests import derive_seed, request_fingerprint, seeded, write_down


def ask(**changes):
    return dataclasses.replace(Ask(text="why?", images=(Picture(b"1", "one"),)), **changes)


@given(st.integers(), st.text(), st.text())
def test_seeds_are_63_bit_and_repeat(seed, task, sample):
    assert 0 <= derive_seed(seed, task, sample) < 2**63
    assert derive_seed(seed, task, sample) == derive_seed(seed, task, sample)


def test_seeds_differ_by_run_task_and_sample():
    assert (
        len(
            {
                derive_seed(*key)
                for key in [(1, "a", "b"), (2, "a", "b"), (1, "ab", ""), (1, "a", "c")]
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "how?"},
        {"images": (Picture(b"2", "one"),)},
        {"images": ()},
        {"max_new_tokens": 1},
        {"stop": (".",)},
        {"temperature": 0.5},
        {"seed": 1},
    ],
)
def test_a_request_fingerprint_sees_all_that_the_model_sees(changes):
    assert request_fingerprint(ask()) != request_fingerprint(ask(**changes))


def test_a_request_fingerprint_does_not_see_what_a_picture_is_called():
    assert request_fingerprint(ask()) == request_fingerprint(ask(images=(Picture(b"1", "two"),)))


def test_a_drawing_is_known_by_prompt_and_seed():
    draw = Draw(prompt="a cat", artifact="0.png")
    assert request_fingerprint(draw) == request_fingerprint(dataclasses.replace(draw, artifact="1"))
    assert request_fingerprint(draw) != request_fingerprint(dataclasses.replace(draw, seed=1))


def test_the_model_gets_task_id_and_seed():
    request = seeded(Case(id="7", request=ask(), reference={}, cluster="7"), "toy", 42)
    assert (request.task, request.id, request.seed) == ("toy", "7", derive_seed(42, "toy", "7"))


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 201, "a\n"])
def test_unfit_sample_ids_are_refused(name):
    with pytest.raises(TaskError, match="ids are 1 to 200"):
        write_down(Case(id=name, request=ask(), reference={}, cluster="1"), "toy")


def test_a_missing_image_file_is_named(tmp_path):
    lost = Picture(tmp_path / "lost.png", "lost.png")
    with pytest.raises(TaskError, match=r"sample 1: an image cannot be read: .*lost.png"):
        write_down(Case(id="1", request=ask(images=(lost,)), reference={}, cluster="1"), "toy")
