"""What several files of this room share; torch is imported only when a test asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from pisces_eval.data.images import encode_png
from pisces_eval.interfaces import Picture

if TYPE_CHECKING:
    from pisces_eval.models.pisces.adapter import PiscesModel
    from pisces_eval.models.pisces.network import Pisces


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Toy tensors gain nothing from threads, and on a busy machine threads wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def new_network(one_thread: None) -> Callable[..., Pisces]:
    """Makes a toy network with random weights; keywords replace parts of its configuration."""
    import msgspec

    from pisces_eval.models.pisces.network import build, fill_randomly
    from pisces_eval.models.pisces_tiny import TINY

    def make(seed: int = 7, **changes: object) -> Pisces:
        return fill_randomly(build(msgspec.structs.replace(TINY, **changes)), seed)

    return make


@pytest.fixture(scope="session")
def model(one_thread: None) -> PiscesModel:
    """pisces-tiny, for tests that do not change it."""
    from pisces_eval.models.pisces_tiny import MODEL

    return MODEL.load("")


@pytest.fixture(scope="session")
def red() -> Picture:
    return Picture(encode_png(Image.new("RGB", (80, 60), (220, 20, 20))), "red")


@pytest.fixture(scope="session")
def blue() -> Picture:
    return Picture(encode_png(Image.new("RGB", (80, 60), (20, 20, 220))), "blue")
