"""Our Mask2Former in transformers against mmdet 3.3.0: recorded, and live where it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _masks
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.interfaces import Look
from pisces_eval.records import Mask

if TYPE_CHECKING:
    from pisces_eval.detectors._mask2former import Frame, Sighting
    from pisces_eval.detectors.mmdet import Reference

pytestmark = [
    pytest.mark.torch,
    # What mmdet 3.3.0 says beside today's torch and mmcv.
    pytest.mark.filterwarnings("ignore:`torch.jit.*is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning"),
    pytest.mark.filterwarnings("ignore:``MultiScaleDeformableAttention:ImportWarning"),
]

HERE = Path(__file__).parent
FIXTURE = HERE / "fixtures" / "mmdet_mask2former_3.3.0.json"
RECORDING: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=case["name"]) for case in RECORDING["cases"]]

made = SimpleNamespace(**runpy.run_path(str(HERE / "made_mask2former.py")))

CLASSES = tuple(f"class {number}" for number in range(made.SMALL["classes"]))
FLOOR = 0.05
"""Scores that mmdet reports above this, we report too."""


@dataclass(frozen=True)
class Instance:
    """One object, from either side."""

    label: str
    score: float
    box: tuple[float, ...]
    mask: np.ndarray


@pytest.fixture(scope="module")
def network() -> Any:
    """The small network of the recording, in transformers, by our key map."""
    return converted(made.weights(RECORDING["shapes"]))


def converted(weights: dict[str, np.ndarray]) -> Any:
    import torch
    from transformers import Mask2FormerForUniversalSegmentation

    from pisces_eval.detectors import _openmmlab

    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    network = Mask2FormerForUniversalSegmentation(small_config()).eval()
    outcome = network.load_state_dict(
        _openmmlab.to_current(_openmmlab.from_mmdet(state)), strict=False
    )
    assert outcome.unexpected_keys == []
    assert all(
        name.endswith(("relative_position_index", "empty_weight")) or ".swin.layernorm." in name
        for name in outcome.missing_keys
    )
    return network


def small_config() -> Any:
    from transformers import Mask2FormerConfig, SwinConfig

    sizes = made.SMALL
    backbone = SwinConfig(
        embed_dim=sizes["swin_width"],
        depths=list(sizes["swin_depths"]),
        num_heads=list(sizes["swin_heads"]),
        window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    return Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=sizes["width"],
        mask_feature_size=sizes["width"],
        hidden_dim=sizes["width"],
        num_attention_heads=sizes["heads"],
        encoder_layers=sizes["encoder_layers"],
        encoder_feedforward_dim=sizes["encoder_feedforward"],
        decoder_layers=sizes["decoder_layers"] + 1,
        dim_feedforward=sizes["decoder_feedforward"],
        num_queries=sizes["queries"],
        num_labels=sizes["classes"],
        dropout=0.0,
    )


def prepared(case: dict[str, Any]) -> Frame:
    """The case's picture, at its own sizes instead of GenEval's 800 and 1333."""
    from pisces_eval.detectors import _mask2former

    pixels = made.picture(case["name"], case["width"], case["height"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_mask2former, "SHORT_SIDE", case["short"])
        patch.setattr(_mask2former, "LONG_SIDE", case["long"])
        return _mask2former.prepare_exactly(Image.fromarray(pixels))


def found(network: Any, case: dict[str, Any]) -> list[Instance]:
    from pisces_eval.detectors._mask2former import Segmenter

    pixels = made.picture(case["name"], case["width"], case["height"])
    segmenter = Segmenter(network, lambda _: prepared(case))
    return from_sighting(segmenter.segment(Image.fromarray(pixels), CLASSES))


def from_sighting(sighting: Sighting) -> list[Instance]:
    return [
        Instance(detection.label, detection.score, detection.box, mask)
        for detection, mask in zip(sighting.detections, sighting.masks, strict=True)
    ]


def from_recording(case: dict[str, Any]) -> list[Instance]:
    size = (case["height"], case["width"])
    masks = [_masks.decode(Mask(size=size, counts=counts)) for counts in case["masks"]]
    return [
        Instance(CLASSES[label], score, tuple(box), masks[mask])
        for label, score, box, mask in case["instances"]
    ]


def assert_same(ours: list[Instance], theirs: list[Instance]) -> None:
    """One to one: label and box equal, score within 1e-4, mask IoU at least 0.999."""
    left = [instance for instance in theirs if instance.score > FLOOR]
    for instance in ours:
        twin = next((other for other in left if are_same(instance, other)), None)
        assert twin is not None or instance.score <= FLOOR, f"only ours: {instance}"
        left = [other for other in left if other is not twin]
    assert left == []


def are_same(ours: Instance, theirs: Instance) -> bool:
    return (
        ours.label == theirs.label
        and ours.box == theirs.box
        and abs(ours.score - theirs.score) <= 1e-4
        and overlap(ours.mask, theirs.mask) >= 0.999
    )


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def test_recording_has_many_objects_of_several_classes() -> None:
    above = [
        (case["name"], row[0])
        for case in RECORDING["cases"]
        for row in case["instances"]
        if row[1] > 0.3
    ]
    assert len(above) >= 40
    assert len({label for _, label in above}) >= 4


@pytest.mark.parametrize("case", CASES)
def test_pictures_are_prepared_to_the_same_bytes(case: dict[str, Any]) -> None:
    frame = prepared(case)
    assert [list(frame.content), list(frame.padded)] == [case["content"], case["padded"]]
    pixels = np.ascontiguousarray(frame.pixels.numpy())
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == case["pixels_sha256"]


@pytest.mark.parametrize("case", CASES[:3])
def test_logits_agree_in_float64(network: Any, case: dict[str, Any]) -> None:
    import copy

    import torch

    with torch.inference_mode():
        answer = copy.deepcopy(network).double()(pixel_values=prepared(case).pixels.double())
    classes = answer.class_queries_logits.flatten().numpy()
    masks = answer.masks_queries_logits.flatten().numpy()
    sampled = masks[:: len(masks) // RECORDING["mask_logits"]]
    assert np.abs(classes - case["class_logits"]).max() <= 1e-6
    assert np.abs(sampled - case["mask_logits"]).max() <= 1e-6


@pytest.mark.parametrize("case", CASES)
def test_detections_are_the_references(network: Any, case: dict[str, Any]) -> None:
    assert_same(found(network, case), from_recording(case))


def test_a_wrong_order_of_merged_pixels_would_show(network: Any) -> None:
    import copy

    import torch

    spoilt = copy.deepcopy(network)
    with torch.no_grad():
        for name, tensor in spoilt.named_parameters():
            if "downsample.reduction" in name:
                tensor.copy_(tensor.roll(1, dims=-1))
    case = RECORDING["cases"][0]
    with pytest.raises(AssertionError):
        assert_same(found(spoilt, case), from_recording(case))


live = pytest.mark.skipif(
    importlib.util.find_spec("mmdet") is None, reason="mmdet is installed in tox's mmdet only"
)
"""For tests that run GenEval's own network, Swin-S with random weights, in both libraries."""


@pytest.fixture(scope="module")
def swin_s() -> dict[str, np.ndarray]:
    """A weight for each of the 649 tensors but the 24 index tables, under mmdet 3.x's names."""
    from pisces_eval.detectors import _mmdet

    network = _mmdet.build(_mmdet.Architecture())
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert len(shapes) == 649
    return made.weights(shapes)


@pytest.fixture(scope="module")
def checkpoint(swin_s: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a file as GenEval downloads: names of mmdet 2.x."""
    path = tmp_path_factory.mktemp("mmdet") / "mask2former_swin-s.pth"
    save({older(name): array for name, array in swin_s.items()}, path)
    return path


def save(weights: dict[str, np.ndarray], path: Path) -> None:
    import torch

    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    torch.save({"meta": {"CLASSES": ("person",)}, "state_dict": state}, path)


def older(name: str) -> str:
    """mmdet 2.x's name of what 3.x calls name."""
    encoder = ("pixel_decoder.encoder.layers", {"self_attn": "attentions.0", "ffn": "ffns.0"})
    decoder = (
        "transformer_decoder.layers",
        {"cross_attn": "attentions.0", "self_attn": "attentions.1", "ffn": "ffns.0"},
    )
    for layers, renames in (encoder, decoder):
        for new, old in renames.items():
            name = re.sub(rf"({layers}\.\d+)\.{new}\.", rf"\1.{old}.", name)
    return name


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Reference:
    from pisces_eval.detectors.mmdet import open_reference

    return open_reference(checkpoint)


@live
def test_older_names_differ_in_180_places(swin_s: dict[str, np.ndarray]) -> None:
    assert sum(older(name) != name for name in swin_s) == 180


@live
def test_each_tensor_of_an_older_file_reaches_mmdets_network(
    swin_s: dict[str, np.ndarray], reference: Reference
) -> None:
    state = reference.network.state_dict()
    learned = {name for name in state if not name.endswith(made.BUFFERS)}
    assert learned == set(swin_s)
    assert all(np.array_equal(state[name].numpy(), array) for name, array in swin_s.items())


@live
def test_a_newer_file_gives_the_same_network(
    swin_s: dict[str, np.ndarray], reference: Reference, tmp_path: Path
) -> None:
    from pisces_eval.detectors.mmdet import open_reference

    save(swin_s, tmp_path / "newer.pth")
    newer = open_reference(tmp_path / "newer.pth").network.state_dict()
    state = reference.network.state_dict()
    assert all((newer[name] == state[name]).all() for name in state)


@live
def test_a_tensor_too_few_is_refused(swin_s: dict[str, np.ndarray], tmp_path: Path) -> None:
    from pisces_eval.detectors.mmdet import open_reference

    *kept, lost = swin_s
    save({name: swin_s[name] for name in kept}, tmp_path / "short.pth")
    with pytest.raises(UserError, match=re.escape(f"1 tensors missing ({lost})")):
        open_reference(tmp_path / "short.pth")


@live
def test_a_compiled_operation_says_that_it_is_not_there() -> None:
    from pisces_eval.detectors import _mmdet

    _mmdet.build(_mmdet.Architecture(**made.SMALL))
    from mmcv.ops.nms import ext_module

    with pytest.raises(EnvironmentFailure, match="operation nms is not installed"):
        ext_module.nms()


@pytest.fixture(scope="module")
def ours(checkpoint: Path) -> Any:
    """The same file through our own path."""
    from pisces_eval.detectors import _mask2former_weights, _openmmlab

    weights = _mask2former_weights.read(checkpoint)
    return _mask2former_weights.build(_openmmlab.network_config(), weights, str(checkpoint))


@live
@pytest.mark.parametrize(("width", "height"), [(640, 480), (512, 512)])
def test_one_file_gives_one_set_of_detections(
    ours: Any, reference: Reference, width: int, height: int
) -> None:
    from pisces_eval.detectors._mask2former import Segmenter, prepare_exactly

    image = Image.fromarray(made.picture("live", width, height))
    classes = tuple(f"class {number}" for number in range(80))
    theirs = from_sighting(reference.look_at(Look("", image, frozenset()), classes))
    assert len(theirs) >= 10
    assert_same(from_sighting(Segmenter(ours, prepare_exactly).segment(image, classes)), theirs)


@live
def test_logits_of_swin_s_agree_in_float64(ours: Any, reference: Reference) -> None:
    import copy

    import torch

    pixels = torch.from_numpy(made.spread("pixels", 3 * 256 * 320).reshape(1, 3, 256, 320))
    double = copy.deepcopy(reference.network).double()
    with torch.inference_mode():
        classes, masks = double.panoptic_head(double.extract_feat(pixels), [])
        answer = copy.deepcopy(ours).double()(pixel_values=pixels)
    # mmdet keeps its position codes in float32 even here, so the last digits need not agree.
    for mine, theirs in (
        (answer.class_queries_logits, classes[-1]),
        (answer.masks_queries_logits, masks[-1]),
    ):
        assert (mine - theirs).abs().max() <= 1e-6 * theirs.abs().max()
