from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _masks, mask2former
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Look, Vocabulary
from pisces_eval.records import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pisces_eval.detectors._mask2former import Segmenter

PARITY = Path(__file__).parents[1] / "parity" / "fixtures"
VOCABULARY = Vocabulary(
    classes=tuple(f"class {number}" for number in range(80)), colors=("red", "green")
)


class CountingColors:
    """Gives each object the share of its mask in the picture as the logit of every colour."""

    notes = ("colours are counted",)

    def __init__(self, comparable: bool = True, version: str = "one") -> None:
        self.comparable = comparable
        self.version = version
        self.batches: list[int] = []

    def fingerprint(self) -> str:
        return self.version

    def with_colors(
        self,
        looks: Sequence[Look],
        detections: Sequence[tuple[Detection, ...]],
        masks: Sequence[Sequence[NDArray[np.bool_]]],
        vocabulary: Vocabulary,
    ) -> Sequence[tuple[Detection, ...]]:
        self.batches.append(len(looks))
        return [
            tuple(
                msgspec.structs.replace(each, colors=(float(mask.sum()),) * len(vocabulary.colors))
                for each, mask in zip(found, arrays, strict=True)
            )
            for found, arrays in zip(detections, masks, strict=True)
        ]


def identity(digest: str = "0" * 64, official: bool = True) -> mask2former.Identity:
    return mask2former.Identity((digest, digest), "weights of a test", official)


def picture(seed: int, width: int, height: int) -> Look:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)
    image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    return Look(id=str(seed), image=image, color_classes=frozenset())


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, small_config: Any, small_tensors: dict[str, Tensor]
) -> Path:
    """A small network in transformers' form."""
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("network")
    small_config.save_pretrained(path)
    save_file(small_tensors, path / "model.safetensors")
    return path


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are fitted within 96 and 160 pixels, to save time."""
    from pisces_eval.detectors import _mask2former

    monkeypatch.setattr(_mask2former, "SHORT_SIDE", 96)
    monkeypatch.setattr(_mask2former, "LONG_SIDE", 160)


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for CLIP; the specs that it is asked for."""
    from pisces_eval.detectors import _clip

    asked: list[str] = []

    def load(spec: str) -> CountingColors:
        asked.append(spec)
        return CountingColors()

    monkeypatch.setattr(_clip, "load_color_classifier", load)
    return asked


@pytest.fixture(scope="module")
def network(small_config: Any, small_tensors: dict[str, Tensor]) -> Any:
    from pisces_eval.detectors import _mask2former_weights

    weights = _mask2former_weights.Weights(small_tensors, "origin", "digest")
    return _mask2former_weights.build(small_config, weights, "here")


def segmenter(network: Any, batch: int) -> Segmenter:
    from pisces_eval.detectors import _mask2former

    return _mask2former.Segmenter(network, _mask2former.prepare_exactly, batch=batch)


def test_naming_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, pisces_eval.detectors.mask2former, pisces_eval.detectors._mask2former_fetch; "
        "print([m for m in ('torch', 'transformers', 'numpy', 'PIL', 'safetensors')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
def test_batches_see_what_single_pictures_show(network: Any) -> None:
    looks = [picture(n, *((90, 70), (64, 64))[n % 2]) for n in range(5)]
    colors = CountingColors()
    alone = mask2former.Mask2FormerDetector(segmenter(network, 1), identity(), CountingColors())
    together = mask2former.Mask2FormerDetector(segmenter(network, 2), identity(), colors)
    ones, many = alone.detect(looks, VOCABULARY), together.detect(looks, VOCABULARY)
    assert colors.batches == [2, 1, 2]
    assert [[(e.label, e.box) for e in seen] for seen in ones] == [
        [(e.label, e.box) for e in seen] for seen in many
    ]
    assert len({each.label for seen in ones for each in seen}) >= 5
    assert sum(each.score > 0.3 for seen in ones for each in seen) >= 5
    for one, other in zip(ones, many, strict=True):
        assert [e.score for e in one] == pytest.approx([e.score for e in other], abs=1e-5)


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
def test_every_detection_keeps_its_contract(network: Any) -> None:
    detector = mask2former.Mask2FormerDetector(segmenter(network, 1), identity(), CountingColors())
    [seen] = detector.detect([picture(1, 50, 130)], VOCABULARY)
    assert 0 < len(seen) <= 100
    for each in seen:
        assert each.label in VOCABULARY.classes
        assert 0.0 <= each.score <= 1.0
        assert each.mask is not None
        mask = _masks.decode(each.mask)
        assert mask.shape == (130, 50)
        assert each.colors == (mask.sum(), mask.sum())
        rows, columns = np.nonzero(mask)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert each.box == (edges if len(rows) else (0, 0, 0, 0))


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 400), (2000, 3)])
def test_pictures_of_extreme_shape_are_looked_at(network: Any, width: int, height: int) -> None:
    detector = mask2former.Mask2FormerDetector(segmenter(network, 1), identity(), CountingColors())
    [seen] = detector.detect([picture(1, width, height)], VOCABULARY)
    assert all(each.mask is not None and each.mask.size == (height, width) for each in seen)


@pytest.mark.torch
def test_masks_of_large_pictures_are_enlarged_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from pisces_eval.detectors import _mask2former as module

    generator = torch.Generator().manual_seed(1)
    answer = (
        torch.randn(9, 4, generator=generator) * 3,
        torch.randn(9, 8, 8, generator=generator) * 3,
    )
    geometry = module.Geometry((32, 32), (32, 30), (40, 37))
    at_once = module.find_instances(*answer, geometry, ("a", "b", "c"))
    monkeypatch.setattr(module, "PIXELS_AT_ONCE", 1)
    one_by_one = module.find_instances(*answer, geometry, ("a", "b", "c"))
    assert len(at_once.detections) > 9
    assert one_by_one.detections == at_once.detections


@pytest.mark.torch
def test_normalised_values_are_mmcvs_bit_for_bit() -> None:
    from pisces_eval.detectors._mask2former import prepare_exactly

    levels = np.repeat(np.arange(256, dtype=np.uint8), 4 * 800 * 3).reshape(256 * 4, 800, 3)
    frame = prepare_exactly(Image.fromarray(levels))
    assert frame.content == (1024, 800)
    values = np.ascontiguousarray(frame.pixels.numpy()[0, :, ::4, :1].transpose(1, 2, 0))
    recorded = json.loads((PARITY / "opencv_resize.json").read_text())["normalised"]
    assert hashlib.sha256(values.astype("<f4").tobytes()).hexdigest() == recorded


@pytest.mark.torch
def test_a_picture_stays_rgb_and_is_padded_with_grey_right_and_below() -> None:
    from pisces_eval.detectors._mask2former import prepare_exactly

    frame = prepare_exactly(Image.new("RGB", (1280, 720), (255, 0, 50)))
    assert (frame.content, frame.padded) == ((750, 1333), (768, 1344))
    pixels = frame.pixels.numpy()[0]
    for channel, (mean, deviation, level) in enumerate(
        [(123.675, 58.395, 255), (116.28, 57.12, 0), (103.53, 57.375, 50)]
    ):
        inside, grey = ((value - mean) / deviation for value in (level, 128))
        assert np.abs(pixels[channel, :750, :1333] - inside).max() < 1e-6
        assert np.abs(pixels[channel, 750:] - grey).max() < 1e-6
        assert np.abs(pixels[channel, :, 1333:] - grey).max() < 1e-6


@pytest.mark.torch
@pytest.mark.parametrize("side", [256, 512, 1024])
def test_squares_become_800_pixels_without_padding(side: int) -> None:
    from pisces_eval.detectors._mask2former import prepare_exactly

    frame = prepare_exactly(Image.new("RGB", (side, side)))
    assert frame.content == frame.padded == (800, 800)


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
def test_tf32_is_off_only_while_the_network_works(network: Any) -> None:
    import torch

    seen = []

    def watched(pixel_values: Tensor) -> Any:
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        return network(pixel_values=pixel_values)

    before = torch.backends.cudnn.allow_tf32
    segmenter(watched, 1).segment(picture(1, 32, 32).image, VOCABULARY.classes)
    assert seen == [(False, False)]
    assert torch.backends.cudnn.allow_tf32 is before


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
def test_a_network_that_answers_with_nonsense_is_no_detector(network: Any) -> None:
    import torch

    def broken(pixel_values: Tensor) -> Any:
        answer = network(pixel_values=pixel_values)
        answer.masks_queries_logits[0, 3, 0, 0] = torch.nan
        return answer

    with pytest.raises(EnvironmentFailure, match="numbers that are none; get its weights again"):
        segmenter(broken, 1).segment(picture(1, 32, 32).image, VOCABULARY.classes)


def test_another_number_of_classes_is_refused() -> None:
    detector = mask2former.Mask2FormerDetector(
        None,  # type: ignore[arg-type]
        identity(),
        CountingColors(),
    )
    with pytest.raises(TaskError, match="80 classes, the task asks for 2; use another detector"):
        detector.detect([], Vocabulary(classes=("cat", "dog"), colors=()))


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("colors", [True, False])
def test_only_the_official_pair_is_comparable(weights: bool, colors: bool) -> None:
    detector = mask2former.Mask2FormerDetector(
        None,  # type: ignore[arg-type]
        identity(official=weights),
        CountingColors(comparable=colors),
    )
    assert detector.comparable is (weights and colors)
    assert detector.notes == ("weights of a test", "colours are counted")


def test_the_fingerprint_changes_with_weights_and_colours() -> None:
    def fingerprint(digest: str, version: str) -> str:
        return mask2former.Mask2FormerDetector(
            None,  # type: ignore[arg-type]
            identity(digest),
            CountingColors(version=version),
        ).fingerprint()

    assert len({fingerprint(d, v) for d in "ab" for v in "cd"}) == 4
    assert fingerprint("a", "c") == fingerprint("a", "c")


@pytest.mark.torch
@pytest.mark.parametrize(
    ("origin", "official", "note"),
    [
        ("743b7d99" + "0" * 56, True, "GenEval's own weights (SHA-256 743b7d99…)"),
        ("c9d0c4f2" + "0" * 56, True, "GenEval's own weights (SHA-256 c9d0c4f2…)"),
        ("0" * 8 + "743b7d99" * 7, False, "x.pth (SHA-256 00000000…), not the checkpoint GenEval"),
    ],
)
def test_genevals_files_are_known_by_digest(origin: str, official: bool, note: str) -> None:
    found = mask2former._identity("x.pth", origin, "digest")
    assert found.official is official
    assert note in found.note


@pytest.mark.torch
@pytest.mark.usefixtures("small_sizes")
def test_a_folder_is_loaded_and_detects(folder: Path, clip: list[str]) -> None:
    detector = mask2former.DETECTOR.load(str(folder))
    assert clip == ["clip"]
    assert not detector.comparable
    assert "not the checkpoint GenEval used" in detector.notes[0]
    assert detector.detect([picture(1, 64, 48)], VOCABULARY)[0]
    assert mask2former.DETECTOR.load(str(folder)).fingerprint() == detector.fingerprint()


@pytest.mark.torch
def test_the_colour_classifier_can_be_chosen(folder: Path, clip: list[str]) -> None:
    mask2former.DETECTOR.load(f"{folder},colors=clip-anytorch:some/FILE,with.pt")
    assert clip == ["clip-anytorch:some/FILE,with.pt"]


@pytest.mark.torch
@pytest.mark.parametrize("argument", ["", "colors=clip"])
def test_without_weights_it_says_how_to_get_them(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PISCES_EVAL_CACHE", str(tmp_path))
    with pytest.raises(EnvironmentFailure) as failure:
        mask2former.DETECTOR.load(argument)
    line = str(failure.value)
    assert "run 'pisces-eval fetch detector:mask2former'" in line
    assert "https://download.openmmlab.com/mmdetection/v2.0/mask2former/" in line
    assert "mask2former:FILE.pth" in line
    assert "\n" not in line


@pytest.mark.torch
def test_a_cached_checkpoint_of_another_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_tensors: dict[str, Tensor]
) -> None:
    from safetensors.torch import save_file

    monkeypatch.setenv("PISCES_EVAL_CACHE", str(tmp_path))
    save_file(small_tensors, tmp_path / "mask2former-743b7d99.safetensors")
    with pytest.raises(UserError, match=r"not a Mask2Former of this configuration: .*shape"):
        mask2former.DETECTOR.load("")


@pytest.mark.torch
def test_metas_weights_have_a_name_of_their_own(
    network: Any, clip: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pisces_eval.detectors import _mask2former_weights

    asked = []

    def from_hub_cache(repository: str) -> Any:
        asked.append(repository)
        return network

    monkeypatch.setattr(_mask2former_weights, "from_hub_cache", from_hub_cache)
    detector = mask2former.DETECTOR.load("hf-meta")
    assert asked == ["facebook/mask2former-swin-small-coco-instance"]
    assert clip == ["clip"]
    assert not detector.comparable
    assert "not the checkpoint GenEval used" in detector.notes[0]


@pytest.mark.torch
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file '.*x\.pth'; write mask2former:FILE\.pth"):
        mask2former.DETECTOR.load(str(tmp_path / "x.pth"))
