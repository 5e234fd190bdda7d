from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors._clip import BATCH, ColorClassifier, load_color_classifier
from pisces_eval.detectors._clip_towers import (
    OPENAI_ARCHIVE,
    OPENAI_SAFETENSORS,
    require_quick_gelu,
)
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Look, Vocabulary
from pisces_eval.records import Detection

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

VOCABULARY = Vocabulary(classes=("cat", "dog", "umbrella"), colors=("red", "green", "blue"))
RECORDED = Path(__file__).parents[1] / "parity" / "fixtures" / "clip_anytorch_2.6.0.json"
EVERYWHERE = np.ones((8, 8), dtype=np.bool_)
BOX = (0.0, 0.0, 8.0, 8.0)


class FlatTowers:
    """Towers for which a picture is its mean colour, and a text the primary colour it names."""

    def __init__(self, weights: str = "0" * 64) -> None:
        self.weights = weights
        self.batches: list[int] = []
        self.asked: list[list[str]] = []

    def fingerprint(self) -> str:
        return self.weights

    def images(self, pixels: Tensor) -> Tensor:
        import torch

        from pisces_eval.detectors._crops import MEAN, STD

        self.batches.append(len(pixels))
        return 7 * (pixels.mean(dim=(2, 3)) * torch.tensor(STD) + torch.tensor(MEAN))

    def texts(self, prompts: Sequence[str]) -> Tensor:
        import torch

        self.asked.append(list(prompts))
        named = [prompt.removeprefix("a photo of a ") for prompt in prompts]
        return torch.tensor([[3.0 * n.startswith(c) for c in VOCABULARY.colors] for n in named])


def judge(towers: FlatTowers) -> ColorClassifier:
    import torch

    return ColorClassifier(towers, torch.device("cpu"), "clip:toy")


def look(tint: str, *classes: str) -> Look:
    return Look(id=tint, image=Image.new("RGB", (8, 8), tint), color_classes=frozenset(classes))


def seen(label: str, score: float = 0.9) -> Detection:
    return Detection(label=label, score=score, box=BOX)


def colors_of(
    towers: FlatTowers, looks: Sequence[Look], detections: Sequence[tuple[Detection, ...]]
) -> list[list[tuple[float, ...] | None]]:
    masks = [[EVERYWHERE] * len(found) for found in detections]
    colored = judge(towers).with_colors(looks, detections, masks, VOCABULARY)
    return [[detection.colors for detection in found] for found in colored]


def test_a_logit_is_a_hundred_times_the_cosine() -> None:
    [[colors]] = colors_of(FlatTowers(), [look("#0000f0", "dog")], [(seen("dog"),)])
    assert colors == pytest.approx((0, 0, 100), abs=1e-3)


def test_only_objects_that_a_verdict_can_ask_about_get_colours() -> None:
    looks = [look("red", "dog"), look("lime"), look("blue", "dog", "cat")]
    found = [
        (seen("cat"), seen("dog"), seen("dog", 0.05), seen("dog", 0.051)),
        (seen("dog"),),
        (seen("cat"),),
    ]
    result = colors_of(FlatTowers(), looks, found)
    assert [[colors is not None for colors in each] for each in result] == [
        [False, True, False, True],
        [False],
        [True],
    ]


def test_nothing_else_of_a_detection_changes() -> None:
    before = (seen("cat"), seen("dog"), seen("umbrella"))
    [after] = judge(FlatTowers()).with_colors(
        [look("red", "dog")], [before], [[EVERYWHERE] * 3], VOCABULARY
    )
    assert (after[0], after[2]) == (before[0], before[2])
    assert (after[1].label, after[1].score, after[1].box) == ("dog", 0.9, BOX)


def test_each_object_gets_its_own_logits_across_pictures_and_batches() -> None:
    tints = ("red", "lime", "blue") * BATCH
    looks = [look(tint, "dog", "cat") for tint in tints]
    towers = FlatTowers()
    result = colors_of(towers, looks, [(seen("cat"), seen("dog"))] * len(tints))
    best = [[int(np.argmax(colors)) for colors in each if colors] for each in result]
    assert best == [[0, 0], [1, 1], [2, 2]] * BATCH
    assert towers.batches == [BATCH] * 6


def test_the_prompts_are_genevals_with_the_article_a() -> None:
    towers = FlatTowers()
    colors_of(towers, [look("red", "umbrella")], [(seen("umbrella"),)])
    assert towers.asked == [
        [
            "a photo of a red umbrella",
            "a photo of a red-colored umbrella",
            "a photo of a red object",
            "a photo of a green umbrella",
            "a photo of a green-colored umbrella",
            "a photo of a green object",
            "a photo of a blue umbrella",
            "a photo of a blue-colored umbrella",
            "a photo of a blue object",
        ]
    ]


def test_the_texts_of_a_class_are_read_once() -> None:
    towers = FlatTowers()
    classifier = judge(towers)
    for _ in range(2):
        found = [(seen("dog"), seen("cat"), seen("dog"))]
        classifier.with_colors([look("red", "dog", "cat")], found, [[EVERYWHERE] * 3], VOCABULARY)
    assert len(towers.asked) == 2


def test_each_prompt_weighs_the_same_whatever_its_length() -> None:
    import torch

    class Uneven(FlatTowers):
        def texts(self, prompts: Sequence[str]) -> Tensor:
            lengths = torch.tensor([[1000.0 if "object" in prompt else 1.0] for prompt in prompts])
            turned = torch.tensor([["object" in prompt] for prompt in prompts])
            return lengths * torch.where(
                turned, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])
            )

    [[colors]] = colors_of(Uneven(), [look("red", "dog")], [(seen("dog"),)])
    assert colors == pytest.approx([100 * 2 / 5**0.5] * 3, abs=1e-3)


def test_no_objects_need_no_network() -> None:
    towers = FlatTowers()
    assert colors_of(towers, [look("red", "dog"), look("red")], [(), ()]) == [[], []]
    assert (towers.batches, towers.asked) == ([], [])


def test_the_mask_decides_what_is_seen() -> None:
    left = np.zeros((8, 8), dtype=np.bool_)
    left[:, :4] = True
    image = Image.new("RGB", (8, 8), "blue")
    image.paste("red", (0, 0, 4, 8))
    looks = [Look(id="half", image=image, color_classes=frozenset({"dog"}))]
    found = [(Detection(label="dog", score=0.9, box=(0.0, 0.0, 4.0, 8.0)),)]
    [[detection]] = judge(FlatTowers()).with_colors(looks, found, [[left]], VOCABULARY)
    assert detection.colors == pytest.approx((100, 0, 0), abs=1e-3)


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TaskError, match="mask of 4x4"):
        judge(FlatTowers()).with_colors(
            [look("red", "dog")], [(seen("dog"),)], [[EVERYWHERE[:4, :4]]], VOCABULARY
        )


def test_logits_that_are_no_numbers_are_refused() -> None:
    class Broken(FlatTowers):
        def images(self, pixels: Tensor) -> Tensor:
            return super().images(pixels) * float("nan")

    with pytest.raises(EnvironmentFailure, match="numbers that are none"):
        colors_of(Broken(), [look("red", "dog")], [(seen("dog"),)])


@pytest.mark.parametrize("weights", [OPENAI_SAFETENSORS, OPENAI_ARCHIVE])
def test_openais_weights_are_comparable(weights: str) -> None:
    classifier = judge(FlatTowers(weights))
    assert (classifier.comparable, classifier.notes) == (True, ())


def test_other_weights_are_said_aloud() -> None:
    classifier = judge(FlatTowers("deadbeef" * 8))
    assert not classifier.comparable
    assert (
        "clip:toy has other weights than OpenAI's ViT-L/14 (SHA-256 deadbeef…)"
        in (classifier.notes[0])
    )


def test_the_fingerprint_follows_the_weights_and_the_precision() -> None:
    import torch

    first = judge(FlatTowers("1")).fingerprint()
    half = ColorClassifier(FlatTowers("1"), torch.device("cuda"), "clip:toy").fingerprint()
    assert first == judge(FlatTowers("1")).fingerprint()
    assert len({first, half, judge(FlatTowers("2")).fingerprint()}) == 3


def test_an_activation_that_is_not_quick_gelu_is_refused() -> None:
    import torch

    def quick(x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)

    require_quick_gelu([quick, quick], "here")
    for activations in ([quick, torch.nn.GELU()], []):
        with pytest.raises(UserError, match="here: the network's activation is not QuickGELU"):
            require_quick_gelu(activations, "here")


@pytest.mark.parametrize("spec", ["", "clipp", "open_clip:ViT-L-14"])
def test_an_unknown_classifier_is_refused(spec: str) -> None:
    with pytest.raises(UserError, match="no colour classifier"):
        load_color_classifier(spec)


def test_weights_that_are_not_cached_come_with_the_command_that_fetches_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pisces_eval.detectors import _clip_transformers

    monkeypatch.setattr(_clip_transformers, "try_to_load_from_cache", lambda *_: None)
    with pytest.raises(EnvironmentFailure, match="`hf download openai/clip-vit-large-patch14 "):
        load_color_classifier("clip")


def test_a_whole_snapshot_in_the_cache_is_used(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    from pisces_eval.detectors import _clip_transformers

    save_file(weights(), tiny / "model.safetensors")
    monkeypatch.setattr(
        _clip_transformers, "try_to_load_from_cache", lambda _, name: str(tiny / name)
    )
    cached, named = load_color_classifier("clip"), load_color_classifier(f"clip:{tiny}")
    assert cached.fingerprint() == named.fingerprint()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        load_color_classifier(f"clip:{tmp_path}")


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"model_type": "siglip"}', "model_type is 'siglip', not 'clip'"),
        ('{"model_type": "clip", "text_config": 3}', "text_config"),
        (
            '{"model_type": "clip", "text_config": {"eos_token_id": 5}}',
            "eos_token_id is not one of",
        ),
        (
            '{"model_type": "clip", "vision_config": {"hidden_act": "gelu"}}',
            "vision_config.hidden_act is 'gelu'",
        ),
    ],
)
def test_an_unfit_configuration_is_refused(config: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=complaint) as caught:
        load_color_classifier(f"clip:{tmp_path}")
    assert "\n" not in str(caught.value)


TINY = """{
  "model_type": "clip", "projection_dim": 4,
  "text_config": {"hidden_size": 4, "intermediate_size": 4, "num_attention_heads": 1,
                  "num_hidden_layers": 1, "vocab_size": 8},
  "vision_config": {"hidden_size": 4, "intermediate_size": 4, "num_attention_heads": 1,
                    "num_hidden_layers": 1, "image_size": 224, "patch_size": 224}
}"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a network's configuration and tokeniser, but no weights yet."""
    (tmp_path / "config.json").write_text(TINY)
    recorded = json.loads(RECORDED.read_text())
    (tmp_path / "vocab.json").write_text(json.dumps(recorded["codes"]))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *recorded["merges"]]))
    return tmp_path


def weights() -> dict[str, Tensor]:
    from transformers import CLIPConfig, CLIPModel

    state = CLIPModel(CLIPConfig.from_dict(json.loads(TINY))).state_dict()
    return {name: tensor.contiguous() for name, tensor in state.items()}


def test_positions_in_old_files_are_left_aside(tiny: Path) -> None:
    import torch
    from safetensors.torch import save_file

    old = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    save_file(weights() | old, tiny / "model.safetensors")
    assert not load_color_classifier(f"clip:{tiny}").comparable


def test_a_file_that_lacks_a_tensor_is_refused(tiny: Path) -> None:
    from safetensors.torch import save_file

    short = weights()
    del short["visual_projection.weight"]
    save_file(short, tiny / "model.safetensors")
    with pytest.raises(UserError, match=r"lacks tensor visual_projection\.weight \(1 in all\)"):
        load_color_classifier(f"clip:{tiny}")


def test_a_file_with_a_foreign_tensor_is_refused(tiny: Path) -> None:
    from safetensors.torch import save_file

    extra = weights()
    extra["stranger"] = extra["logit_scale"].clone()
    save_file(extra, tiny / "model.safetensors")
    with pytest.raises(UserError, match="holds an unknown tensor stranger"):
        load_color_classifier(f"clip:{tiny}")


def test_a_tensor_of_another_shape_is_refused(tiny: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file(
        weights() | {"visual_projection.weight": torch.zeros(4, 5)}, tiny / "model.safetensors"
    )
    with pytest.raises(UserError, match=r"does not fit its config\.json: .*visual_projection"):
        load_color_classifier(f"clip:{tiny}")


def test_a_truncated_file_is_refused(tiny: Path) -> None:
    from safetensors.torch import save_file

    path = tiny / "model.safetensors"
    save_file(weights(), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="missing or damaged"):
        load_color_classifier(f"clip:{tiny}")


def test_a_tokeniser_that_cannot_be_read_is_refused(tiny: Path) -> None:
    from safetensors.torch import save_file

    save_file(weights(), tiny / "model.safetensors")
    (tiny / "vocab.json").write_text("{")
    with pytest.raises(UserError, match="its tokeniser cannot be read"):
        load_color_classifier(f"clip:{tiny}")


def test_another_tokeniser_is_refused(tiny: Path) -> None:
    from safetensors.torch import save_file

    save_file(weights(), tiny / "model.safetensors")
    (tiny / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(UserError, match="its tokeniser is not CLIP's"):
        load_color_classifier(f"clip:{tiny}")


def test_clip_anytorch_that_is_not_installed_comes_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pisces_eval.detectors import _clip_anytorch

    monkeypatch.setattr(_clip_anytorch, "PACKAGE", "no-such-distribution")
    with pytest.raises(EnvironmentFailure, match=r'pip install "pisces-eval\[clip\]"'):
        load_color_classifier("clip-anytorch")


def test_naming_a_classifier_loads_no_heavy_library() -> None:
    program = (
        "import sys, pisces_eval.detectors._clip\n"
        "print({'torch', 'transformers', 'numpy', 'PIL'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "set()"
