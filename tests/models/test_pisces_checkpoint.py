from __future__ import annotations

import json
from pathlib import Path

import pytest

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Ask, Draw
from pisces_eval.models.pisces import MODEL

pytestmark = pytest.mark.torch


@pytest.fixture
def network(new_network):
    return new_network()


@pytest.fixture
def folder(network, tmp_path: Path) -> Path:
    from pisces_eval.models.pisces.checkpoint import save

    save(network, tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def rewrite(folder: Path, change) -> None:
    """Change the tensors of a checkpoint."""
    from safetensors.torch import load, save

    path = folder / "model.safetensors"
    tensors = load(path.read_bytes())
    change(tensors)
    path.write_bytes(save(tensors))


def refused(folder: Path) -> str:
    """The one line that loading fails with."""
    with pytest.raises(UserError) as caught:
        MODEL.load(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_checkpoint_brings_back_the_same_model(network, folder: Path) -> None:
    from pisces_eval.models.pisces.adapter import PiscesModel

    saved, loaded = PiscesModel(network), MODEL.load(str(folder))
    ask, draw = Ask(text="What?"), Draw(prompt="a cat", artifact="", seed=5)
    assert loaded.fingerprint() == saved.fingerprint()
    assert loaded.answer([ask]) == saved.answer([ask])
    assert loaded.draw([draw])[0].tobytes() == saved.draw([draw])[0].tobytes()
    assert loaded.notes == ()


def test_saving_twice_writes_the_same_bytes(network, folder: Path, tmp_path: Path) -> None:
    from pisces_eval.models.pisces.checkpoint import save

    save(network, tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_loading_leaves_the_global_random_state_alone(folder: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    MODEL.load(str(folder))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_missing_folder_or_file_is_named(folder: Path, tmp_path: Path) -> None:
    assert "no such checkpoint folder" in refused(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    assert "model.safetensors: no such file" in refused(folder)
    (folder / "config.json").unlink()
    assert "config.json: cannot be read" in refused(folder)


def test_an_argument_is_needed() -> None:
    with pytest.raises(UserError, match="pisces:FOLDER"):
        MODEL.load("")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pool_stride": "4"}, "pool_stride"),
        ({"colour": 1}, "colour"),
        ({"pool_stride": 3}, "multiple of pool_stride"),
    ],
)
def test_a_bad_configuration_is_refused(folder: Path, change, told: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert told in refused(folder)


def test_a_torn_configuration_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text('{"pool_stride":')
    assert "config.json: " in refused(folder)


def test_missing_tensors_are_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.pop("text_head.weight"))
    assert "lacks tensor text_head.weight" in refused(folder)


def test_unknown_tensors_are_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.update(a=tensors["text_head.weight"].clone()))
    assert "unknown tensor a;" in refused(folder)


def test_tensors_of_another_shape_are_named(folder: Path) -> None:
    rewrite(
        folder,
        lambda tensors: tensors.update({"text_head.weight": tensors["text_head.weight"][:5]}),
    )
    assert "text_head.weight is 5x64, but config.json asks for 262x64" in refused(folder)


def test_tensors_of_another_type_are_named(folder: Path) -> None:
    rewrite(
        folder,
        lambda tensors: tensors.update({"text_head.weight": tensors["text_head.weight"].half()}),
    )
    assert "text_head.weight is torch.float16" in refused(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, 200_000])
def test_a_truncated_file_is_refused(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert "damaged" in refused(folder)


def test_a_file_that_is_no_safetensors_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x80\x04pickle" * 50)
    assert "damaged" in refused(folder)
