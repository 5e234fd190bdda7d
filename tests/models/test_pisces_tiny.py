from __future__ import annotations

import pytest

from pisces_eval.errors import UserError
from pisces_eval.models.pisces_tiny import MODEL


def test_it_takes_no_argument() -> None:
    with pytest.raises(UserError, match="takes no argument, but was given 'folder'"):
        MODEL.load("folder")


@pytest.mark.torch
def test_it_says_that_its_scores_mean_nothing(model) -> None:
    assert model.notes == (
        "pisces-tiny has random weights: its scores only show that the harness works",
    )
    assert model.capabilities == MODEL.capabilities == {"answer", "draw"}


@pytest.mark.torch
def test_it_is_the_same_model_whatever_the_global_random_state(model) -> None:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        assert MODEL.load("").fingerprint() == model.fingerprint()


@pytest.mark.torch
def test_it_is_the_same_model_on_every_machine(model) -> None:
    """Recorded once; it changes only if the toy model is changed on purpose."""
    recorded = "5d0461d3b24d7641353c20b83d017474b3ed9eae57d53516dda04c46b0422653"
    assert model.fingerprint() == recorded
