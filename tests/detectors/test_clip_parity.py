"""Colours by transformers against clip-anytorch, OpenAI's own code, on a small network by seed.

What clip-anytorch answered is recorded (tests/parity/record_clip.py), so that transformers is held
to it everywhere; where clip-anytorch is installed (tox environment clip) it is asked again.
"""

from __future__ import annotations

import importlib.util
import json
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pisces_eval.detectors._clip import ColorClassifier, load_color_classifier
from pisces_eval.errors import EnvironmentFailure, UserError

pytestmark = pytest.mark.torch

PARITY = Path(__file__).parents[1] / "parity"
RECORDED: dict[str, Any] = json.loads((PARITY / "fixtures/clip_anytorch_2.6.0.json").read_text())
CLOSE = 1e-4


def _installed() -> bool:
    return any(each.name == "clip-anytorch" for each in metadata.distributions())


needs_clip_anytorch = pytest.mark.skipif(
    not _installed(), reason="clip-anytorch is not installed; run tox -e clip"
)


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("made_clip", PARITY / "made_clip.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "tiny"
    made.write_transformers_folder(path, RECORDED["merges"], RECORDED["codes"])
    return path


@pytest.fixture(scope="module")
def by_transformers(folder: Path) -> ColorClassifier:
    return load_color_classifier(f"clip:{folder}")


@pytest.fixture(scope="module")
def by_clip_anytorch(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> ColorClassifier:
    path = tmp_path_factory.mktemp("clip") / "tiny.pt"
    made.write_openai_file(path)
    return load_color_classifier(f"clip-anytorch:{path}")


def logits(judge: ColorClassifier, made: ModuleType) -> np.ndarray:
    colored = judge.with_colors(*made.pictures(), made.VOCABULARY)
    return np.array([[detection.colors for detection in found] for found in colored])


def test_the_recorded_logits_tell_colours_apart() -> None:
    recorded = np.array(RECORDED["logits"])
    assert recorded.shape == (3, 5, 10)
    assert np.ptp(recorded, axis=-1).min() > 1


def test_transformers_gives_the_logits_of_clip_anytorch(
    by_transformers: ColorClassifier, made: ModuleType
) -> None:
    assert np.abs(logits(by_transformers, made) - RECORDED["logits"]).max() <= CLOSE


def test_transformers_splits_each_prompt_as_clip_anytorch_does(folder: Path) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    texts = list(RECORDED["tokens"])
    assert len(texts) == 110
    assert dict(zip(texts, tokenizer(texts).input_ids, strict=True)) == RECORDED["tokens"]


def test_plain_gelu_is_refused(made: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "gelu"
    made.write_transformers_folder(path, RECORDED["merges"], RECORDED["codes"], "gelu")
    with pytest.raises(UserError, match=r"text_config\.hidden_act is 'gelu'"):
        load_color_classifier(f"clip:{path}")


def test_plain_gelu_would_have_moved_the_logits(
    made: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch.nn import GELU

    judge = load_color_classifier(f"clip:{folder}")
    network = judge._towers.network
    for layer in [*network.text_model.encoder.layers, *network.vision_model.encoder.layers]:
        layer.mlp.activation_fn = GELU()
    assert np.abs(logits(judge, made) - RECORDED["logits"]).max() > 100 * CLOSE


@needs_clip_anytorch
def test_clip_anytorch_gives_what_was_recorded(
    by_clip_anytorch: ColorClassifier, made: ModuleType
) -> None:
    assert np.abs(logits(by_clip_anytorch, made) - RECORDED["logits"]).max() <= CLOSE


@needs_clip_anytorch
def test_both_back_ends_give_the_same_logits(
    by_transformers: ColorClassifier, by_clip_anytorch: ColorClassifier, made: ModuleType
) -> None:
    difference = logits(by_transformers, made) - logits(by_clip_anytorch, made)
    assert np.abs(difference).max() <= CLOSE


@needs_clip_anytorch
def test_clip_anytorch_keeps_weights_in_full_precision(
    by_clip_anytorch: ColorClassifier, made: ModuleType
) -> None:
    kept = by_clip_anytorch._towers.network.visual.proj.detach().numpy()
    assert np.array_equal(kept, made.tensors()["visual.proj"])


@needs_clip_anytorch
def test_clip_anytorch_leaves_no_module_behind(by_clip_anytorch: ColorClassifier) -> None:
    import sys

    assert by_clip_anytorch.fingerprint()
    assert not {"clip", "torchvision", "pkg_resources"} & sys.modules.keys()


@needs_clip_anytorch
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_torchscript_program_is_opened_only_if_it_is_openais(
    made: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from pisces_eval.detectors import _clip_anytorch
    from pisces_eval.store.digest import sha256_of

    path = tmp_path / "program.pt"
    torch.jit.save(_program(made.tensors()), path)
    with pytest.raises(UserError, match=r"TorchScript program .* and not OpenAI's"):
        load_color_classifier(f"clip-anytorch:{path}")
    monkeypatch.setattr(_clip_anytorch, "OPENAI_ARCHIVE", sha256_of(path))
    judge = load_color_classifier(f"clip-anytorch:{path}")
    assert np.abs(logits(judge, made) - RECORDED["logits"]).max() <= CLOSE


def _program(tensors: dict[str, np.ndarray]) -> Any:
    """A TorchScript module of modules with these parameters, and OpenAI's three numbers."""
    import torch

    root = torch.nn.Module()
    for name, array in tensors.items():
        *path, last = name.split(".")
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, torch.nn.Module())
            place = getattr(place, part)
        place.register_parameter(last, torch.nn.Parameter(torch.from_numpy(array)))
    for name in ("input_resolution", "context_length", "vocab_size"):
        root.register_buffer(name, torch.tensor(1))
    return torch.jit.script(root)


@needs_clip_anytorch
@pytest.mark.parametrize(
    "content", [b"", b"hello" * 30, b"PK\x03\x04" + bytes(50), b"\x80\x02cos\nsystem\n."]
)
def test_a_damaged_or_hostile_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.pt is no state dict"):
        load_color_classifier(f"clip-anytorch:{path}")


@needs_clip_anytorch
def test_weights_that_are_not_cached_come_with_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pisces_eval.detectors import _clip_anytorch

    monkeypatch.setattr(_clip_anytorch, "DEFAULT_FILE", tmp_path / "ViT-L-14.pt")
    with pytest.raises(EnvironmentFailure, match=r"`curl --create-dirs -o .*ViT-L-14\.pt https:"):
        load_color_classifier("clip-anytorch")


@needs_clip_anytorch
def test_a_state_dict_that_lacks_a_tensor_is_refused(made: ModuleType, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "short.pt"
    tensors = {name: torch.from_numpy(array) for name, array in made.tensors().items()}
    del tensors["visual.ln_post.bias"]
    torch.save(tensors, path)
    with pytest.raises(UserError, match=r"no complete CLIP .*ln_post\.bias"):
        load_color_classifier(f"clip-anytorch:{path}")


@needs_clip_anytorch
def test_another_network_is_refused(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "other.pt"
    torch.save({"layer.weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match=r"no CLIP with a vision transformer"):
        load_color_classifier(f"clip-anytorch:{path}")
