from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

FIXTURE = Path(__file__).parents[1] / "parity" / "fixtures" / "mmdet_mask2former_names_3.3.0.json"

UNUSED = {
    "criterion.empty_weight",
    "model.pixel_level_module.encoder.swin.layernorm.weight",
    "model.pixel_level_module.encoder.swin.layernorm.bias",
}


@pytest.fixture(scope="module")
def swin_small() -> dict[str, Tensor]:
    """The real network's tensors in name and shape, as mmdet 3.3.0 has them."""
    import torch

    shapes = json.loads(FIXTURE.read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def to_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    from pisces_eval.detectors import _openmmlab

    return _openmmlab.to_current(_openmmlab.from_mmdet(state))


def shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_all_649_tensors_fill_the_network_of_760(swin_small: dict[str, Tensor]) -> None:
    import torch
    from transformers import Mask2FormerForUniversalSegmentation

    from pisces_eval.detectors import _openmmlab

    with torch.device("meta"):
        network = Mask2FormerForUniversalSegmentation(_openmmlab.network_config())
    expected = shapes(network.state_dict())
    assert (len(swin_small), len(expected)) == (649, 760)
    assert shapes(to_transformers(swin_small)) == {
        name: shape for name, shape in expected.items() if name not in UNUSED
    }


def test_no_value_is_lost_or_doubled(swin_small: dict[str, Tensor]) -> None:
    kept = [each for name, each in swin_small.items() if "relative_position_index" not in name]
    assert len(swin_small) - len(kept) == 24
    converted = to_transformers(swin_small).values()
    assert sum(each.numel() for each in converted) == sum(each.numel() for each in kept)


def test_180_names_are_older_in_genevals_file(
    swin_small: dict[str, Tensor], older_name: Any
) -> None:
    older = {older_name(name): tensor for name, tensor in swin_small.items()}
    assert len(older.keys() - swin_small.keys()) == 180
    assert shapes(to_transformers(older)) == shapes(to_transformers(swin_small))


@pytest.mark.parametrize("version", ["mmdet2", "mmdet3"])
def test_random_weights_come_back_as_they_were(
    version: str, small_tensors: dict[str, Tensor], request: pytest.FixtureRequest
) -> None:
    import torch

    back = to_transformers(request.getfixturevalue(version))
    assert back.keys() == small_tensors.keys()
    for name, tensor in small_tensors.items():
        assert torch.equal(back[name], tensor), name


def test_names_of_transformers_5_stay(small_tensors: dict[str, Tensor]) -> None:
    from pisces_eval.detectors import _openmmlab

    assert _openmmlab.to_current(small_tensors).keys() == small_tensors.keys()


def test_what_has_no_counterpart_keeps_its_name() -> None:
    import torch

    strangers = {
        "backbone.layer1.0.conv1.weight": torch.zeros(2),
        "backbone.norm4.weight": torch.zeros(2),
        "panoptic_head.transformer_decoder.layers.x.norms.0.weight": torch.zeros(2),
    }
    assert to_transformers(strangers).keys() == strangers.keys()


def test_a_tensor_that_cannot_be_cut_is_left_for_the_check() -> None:
    import torch

    odd = {
        "backbone.stages.0.blocks.0.attn.w_msa.qkv.bias": torch.zeros(4),
        "panoptic_head.transformer_decoder.layers.0.self_attn.attn.in_proj_bias": torch.zeros(()),
        "backbone.stages.0.downsample.norm.weight": torch.zeros(6),
    }
    assert sorted(tuple(each.shape) for each in to_transformers(odd).values()) == [(), (4,), (6,)]
