from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pisces_eval.errors import EnvironmentFailure, PiscesEvalError, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from pisces_eval.detectors._mask2former_weights import Weights

pytestmark = pytest.mark.torch

META = {"CLASSES": ("person", "bicycle"), "epoch": 50, "config": "model = dict()", "seed": None}
"""What OpenMMLab writes beside the weights."""


def read(path: Path) -> Weights:
    from pisces_eval.detectors import _mask2former_weights

    return _mask2former_weights.read(path)


def save(path: Path, state: dict[str, Tensor], **entries: Any) -> Path:
    """A checkpoint in the old serialisation, as OpenMMLab publishes them."""
    import torch

    content = {"meta": META, "state_dict": state, **entries}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def complaint(action: Callable[[], object]) -> str:
    """The one line that an action fails with."""
    with pytest.raises(PiscesEvalError) as failure:
        action()
    assert "\n" not in str(failure.value)
    return str(failure.value)


@pytest.fixture(scope="module")
def older_names(small_tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights by transformers 4.x's names."""
    pairs = (
        (r"(pixel_level_module\.encoder)\.swin\.", r"\1."),
        (r"attention\.q_proj", "attention.self.query"),
        (r"attention\.k_proj", "attention.self.key"),
        (r"attention\.v_proj", "attention.self.value"),
        (r"attention\.o_proj", "attention.output.dense"),
        (r"attention\.relative_position_bias\.", "attention.self."),
        (r"mlp\.fc1", "intermediate.dense"),
        (r"mlp\.fc2", "output.dense"),
    )
    state = {}
    for name, tensor in small_tensors.items():
        for pattern, old in pairs:
            name = re.sub(pattern, old, name)
        state[name] = tensor
    return state


def test_every_form_gives_the_same_weights(
    tmp_path: Path,
    small_tensors: dict[str, Tensor],
    older_names: dict[str, Tensor],
    mmdet2: dict[str, Tensor],
    mmdet3: dict[str, Tensor],
) -> None:
    import torch
    from safetensors.torch import save_file

    save(tmp_path / "old.pth", mmdet2)
    save(tmp_path / "new.pth", mmdet3)
    torch.save(mmdet2, tmp_path / "bare.pth")
    save_file(mmdet2, tmp_path / "mmdet.safetensors")
    save_file(older_names, tmp_path / "v4.safetensors")
    save_file(small_tensors, tmp_path / "v5.safetensors")
    found = {path.name: read(path) for path in tmp_path.iterdir()}
    assert {each.digest for each in found.values()} == {found["v5.safetensors"].digest}
    assert len({each.origin for each in found.values()}) == 6
    assert found["old.pth"].tensors.keys() == small_tensors.keys()


def test_the_digest_tells_one_changed_number(
    tmp_path: Path, small_tensors: dict[str, Tensor]
) -> None:
    from safetensors.torch import save_file

    changed = copy.deepcopy(small_tensors)
    changed["class_predictor.bias"][7] += 1e-3
    save_file(small_tensors, tmp_path / "one.safetensors")
    save_file(changed, tmp_path / "other.safetensors")
    one, other = read(tmp_path / "one.safetensors"), read(tmp_path / "other.safetensors")
    assert one.digest != other.digest


def test_a_built_network_holds_the_weights_and_the_random_state_is_left(
    tmp_path: Path,
    small_config: Any,
    small_tensors: dict[str, Tensor],
    mmdet2: dict[str, Tensor],
) -> None:
    import torch

    from pisces_eval.detectors import _mask2former_weights

    weights = read(save(tmp_path / "x.pth", mmdet2))
    before = torch.get_rng_state()
    network = _mask2former_weights.build(small_config, weights, "x.pth")
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.training
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in small_tensors.items())


def test_a_converted_file_remembers_its_origin_and_transformers_reads_it(
    tmp_path: Path,
    small_config: Any,
    small_tensors: dict[str, Tensor],
    older_names: dict[str, Tensor],
    mmdet2: dict[str, Tensor],
) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import Mask2FormerForUniversalSegmentation

    from pisces_eval.detectors import _mask2former_weights

    source = save(tmp_path / "x.pth", mmdet2)
    target = tmp_path / "model.safetensors"
    _mask2former_weights.convert(source, target, small_config)
    before, after = read(source), read(target)
    assert (after.origin, after.digest) == (before.origin, before.digest)
    assert load_file(target).keys() == older_names.keys()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "x.pth"]

    small_config.save_pretrained(tmp_path)
    network = Mask2FormerForUniversalSegmentation.from_pretrained(tmp_path)
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in small_tensors.items())


def test_a_converted_file_that_changed_is_refused(
    tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> None:
    from pisces_eval.detectors import _mask2former_weights

    target = tmp_path / "x.safetensors"
    _mask2former_weights.convert(save(tmp_path / "x.pth", mmdet2), target, small_config)
    content = bytearray(target.read_bytes())
    content[-5] ^= 1
    target.write_bytes(content)
    assert "was changed after it was converted" in complaint(lambda: read(target))


@pytest.mark.parametrize("name", ["zip.pth", "old.pth", "x.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_named(
    tmp_path: Path, mmdet2: dict[str, Tensor], name: str, share: float
) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / name
    if name == "zip.pth":
        torch.save({"state_dict": mmdet2}, path)
    elif name == "old.pth":
        save(path, mmdet2)
    else:
        save_file(mmdet2, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    line = complaint(lambda: read(path))
    assert line.startswith(f"{path} is damaged or no ")


@pytest.mark.parametrize("name", ["page.pth", "page.safetensors"])
def test_an_error_page_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("<html><body>404 Not Found</body></html>")
    assert "is damaged or no" in complaint(lambda: read(path))


class Trap:
    """Unpickling this would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return (Path.touch, (self.trace,))


def test_objects_are_never_unpickled(tmp_path: Path, mmdet2: dict[str, Tensor]) -> None:
    trace = tmp_path / "trace"
    path = save(tmp_path / "x.pth", mmdet2, message=Trap(trace))
    line = complaint(lambda: read(path))
    assert not trace.exists()
    assert "holds objects besides tensors" in line
    assert "torch.save(torch.load(" in line


def test_the_remedy_for_objects_works(tmp_path: Path, mmdet2: dict[str, Tensor]) -> None:
    import torch

    path = save(tmp_path / "x.pth", mmdet2, time=datetime(2022, 5, 4))
    line = complaint(lambda: read(path))
    command = re.search(r'python -c "(.*)" and give', line)
    assert command is not None
    cleaned = tmp_path / "weights.pth"
    exec(command[1].replace("'weights.pth'", repr(str(cleaned))), {"torch": torch})
    plain = save(tmp_path / "plain.pth", mmdet2)
    assert read(cleaned).digest == read(plain).digest


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}, {"state_dict": {"a": "b"}}])
def test_a_file_without_tensors_is_no_network(tmp_path: Path, content: object) -> None:
    import torch

    torch.save(content, tmp_path / "x.pth")
    assert "holds no network" in complaint(lambda: read(tmp_path / "x.pth"))


def test_other_files_and_missing_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").touch()
    assert "a .pth or .safetensors file" in complaint(lambda: read(tmp_path / "x.onnx"))
    assert "no file" in complaint(lambda: read(tmp_path / "y.pth"))


def architecture_complaint(tmp_path: Path, config: Any, state: dict[str, Tensor]) -> str:
    from pisces_eval.detectors import _mask2former_weights

    weights = read(save(tmp_path / "x.pth", state))
    line = complaint(lambda: _mask2former_weights.build(config, weights, "x.pth"))
    assert line.startswith("x.pth is not a Mask2Former of this configuration: ")
    return line


def test_a_resnet_mask2former_is_another_architecture(
    tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> None:
    import torch

    state = {name: each for name, each in mmdet2.items() if not name.startswith("backbone.")}
    state["backbone.conv1.weight"] = torch.zeros(64, 3, 7, 7)
    line = architecture_complaint(tmp_path, small_config, state)
    assert "1 tensors without a place (backbone.conv1.weight)" in line
    assert "tensors missing (model.pixel_level_module.encoder.swin.embeddings" in line


def test_any_other_network_is_named(tmp_path: Path, small_config: Any) -> None:
    import torch

    line = architecture_complaint(tmp_path, small_config, {"fc.weight": torch.zeros(3, 3)})
    assert "1 tensors without a place (fc.weight)" in line


def test_a_missing_tensor_is_named(
    tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> None:
    state = {name: each for name, each in mmdet2.items() if name != "panoptic_head.cls_embed.bias"}
    line = architecture_complaint(tmp_path, small_config, state)
    assert "1 tensors missing (class_predictor.bias)" in line


def test_a_tensor_of_another_shape_is_named(
    tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> None:
    import torch

    state = {**mmdet2, "panoptic_head.cls_embed.bias": torch.zeros(134)}
    line = architecture_complaint(tmp_path, small_config, state)
    assert "1 tensors of another shape (class_predictor.bias (134,) instead of (81,))" in line


def test_nothing_is_converted_that_does_not_fit(
    tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> None:
    import torch

    from pisces_eval.detectors import _mask2former_weights

    source = save(tmp_path / "x.pth", {**mmdet2, "backbone.extra": torch.zeros(1)})
    target = tmp_path / "x.safetensors"
    line = complaint(lambda: _mask2former_weights.convert(source, target, small_config))
    assert "1 tensors without a place (backbone.extra)" in line
    assert not target.exists()


def folder_complaint(folder: Path) -> str:
    from pisces_eval.detectors import _mask2former_weights

    (folder / "model.safetensors").touch()
    return complaint(lambda: _mask2former_weights.folder_config(folder))


def test_a_folder_without_config_or_weights_is_named(tmp_path: Path) -> None:
    from pisces_eval.detectors import _mask2former_weights

    assert "has no config.json" in folder_complaint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "config.json").write_text("{}")
    line = complaint(lambda: _mask2former_weights.folder_config(tmp_path))
    assert "has no model.safetensors" in line


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("not json", "cannot be read as JSON"),
        ("{}", "describes None on None"),
        ('{"model_type": "clip"}', "describes 'clip' on None"),
        (
            '{"model_type": "mask2former", "backbone_config": {"model_type": "resnet"}}',
            "describes 'mask2former' on 'resnet'",
        ),
    ],
)
def test_a_folder_of_another_model_is_named(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert what in folder_complaint(tmp_path)


def test_a_network_of_other_classes_is_named(tmp_path: Path, small_config: Any) -> None:
    panoptic = copy.deepcopy(small_config)
    panoptic.num_labels = 133
    panoptic.save_pretrained(tmp_path)
    assert "knows 133 classes, GenEval needs COCO's 80" in folder_complaint(tmp_path)


def hub_cache(folder: Path, repository: str) -> Path:
    """The folder in a hub cache where one snapshot of the repository lies."""
    home = folder / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    return snapshot


def test_a_published_network_comes_from_the_hub_cache_only(
    tmp_path: Path,
    small_config: Any,
    older_names: dict[str, Tensor],
    small_tensors: dict[str, Tensor],
) -> None:
    import torch
    from safetensors.torch import save_file

    from pisces_eval.detectors import _mask2former_weights

    cache, repository = tmp_path / "hub", "someone/mask2former"
    line = complaint(lambda: _mask2former_weights.from_hub_cache(repository, cache))
    assert "run 'hf download someone/mask2former'" in line

    snapshot = hub_cache(cache, repository)
    small_config.save_pretrained(snapshot)
    save_file(older_names, snapshot / "model.safetensors", {"format": "pt"})
    state = _mask2former_weights.from_hub_cache(repository, cache).state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in small_tensors.items())

    older_names = {name: each for name, each in older_names.items() if name[:5] != "class"}
    save_file(older_names, snapshot / "model.safetensors", {"format": "pt"})
    line = complaint(lambda: _mask2former_weights.from_hub_cache(repository, cache))
    assert "2 tensors are missing (class_predictor.bias)" in line


def test_failures_blame_the_right_one(tmp_path: Path) -> None:
    from pisces_eval.detectors import _mask2former_weights

    with pytest.raises(EnvironmentFailure):
        _mask2former_weights.from_hub_cache("someone/mask2former", tmp_path)
    with pytest.raises(UserError):
        read(tmp_path / "missing.pth")
