"""CLIP from a transformers folder or from the hub's cache; nothing in it is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from pisces_eval.detectors._clip_towers import require_quick_gelu
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.records import fingerprint
from pisces_eval.store.digest import sha256_of

REPOSITORY = "openai/clip-vit-large-patch14"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json")
"""The first alone makes a tokeniser, and so do the next two together."""

POSITIONS = ".embeddings.position_ids"
"""0, 1, 2, …: transformers before 4.31 wrote them into files of weights."""

QUICK_GELU = "quick_gelu"

SPLIT = ("a photo of a red-colored car", [49406, 320, 1125, 539, 320, 736, 268, 11775, 1615, 49407])
"""A prompt and its codes in CLIP's tokeniser, start and end included (clip-anytorch 2.6.0)."""

ENDS = (2, 49407)
"""How configurations name the end of a text: 2 is an old mistake that transformers allows for."""

COPY = f"write clip:FOLDER with a copy of {REPOSITORY}"


@dataclass(frozen=True)
class TransformersTowers:
    """A transformers.CLIPModel in evaluation mode, in float32, with its tokeniser."""

    network: Any
    tokenizer: Any
    weights: str
    settings: tuple[str, ...]
    """SHA-256 of the configuration and of each of the tokeniser's files."""
    device: torch.device

    def fingerprint(self) -> str:
        """SHA-256 over the weights, the configuration and the tokeniser's files."""
        return fingerprint(["transformers", self.weights, self.settings])

    def images(self, pixels: Tensor) -> Tensor:
        """Features (n, d) of pictures (n, 3, 224, 224)."""
        pooled = self.network.vision_model(pixel_values=pixels).pooler_output
        features: Tensor = self.network.visual_projection(pooled)
        return features

    def texts(self, prompts: Sequence[str]) -> Tensor:
        """Features (n, d) of n texts.

        They are padded to the longest, not to 77 tokens: no token of CLIP's text tower sees what
        follows it.
        """
        tokens = self.tokenizer(list(prompts), padding=True, return_tensors="pt").input_ids
        pooled = self.network.text_model(input_ids=tokens.to(self.device)).pooler_output
        features: Tensor = self.network.text_projection(pooled)
        return features


def load(argument: str, device: torch.device) -> TransformersTowers:
    """The towers in a folder, or with an empty argument OpenAI's ViT-L/14 in the hub's cache.

    Raises UserError if the folder lacks a file or holds another kind of network,
    EnvironmentFailure if the cache does not hold the weights.
    """
    folder = Path(argument) if argument else _cached()
    config = _config(folder)
    found = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    return TransformersTowers(
        network=_network(folder / WEIGHTS_FILE, config).to(device),
        tokenizer=_tokenizer(folder),
        weights=sha256_of(folder / WEIGHTS_FILE),
        settings=tuple(sha256_of(path) for path in (folder / CONFIG_FILE, *found)),
        device=device,
    )


def _cached() -> Path:
    """The folder of the snapshot in the hub's cache, with all files that are needed."""
    files = (CONFIG_FILE, *TOKENIZER_FILES, WEIGHTS_FILE)
    paths = {name: try_to_load_from_cache(REPOSITORY, name) for name in files}
    if missing := [name for name, path in paths.items() if not isinstance(path, str)]:
        raise EnvironmentFailure(
            f"the colour classifier {REPOSITORY} is not in the hub's cache (no {missing[0]}); run "
            f"`hf download {REPOSITORY} {' '.join(files)}`, or name a folder that holds these "
            "files: clip:FOLDER"
        )
    return Path(str(paths[WEIGHTS_FILE])).parent


def _config(folder: Path) -> CLIPConfig:
    """The network's configuration, found to be CLIP with QuickGELU in both towers."""
    path = folder / CONFIG_FILE
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}); {COPY}") from error
    if settings.get("model_type") != "clip":
        raise UserError(f"{path}: model_type is {settings.get('model_type')!r}, not 'clip'; {COPY}")
    try:
        config = CLIPConfig.from_dict(settings)
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}; {COPY}") from error
    for tower in ("text_config", "vision_config"):
        activation = getattr(config, tower).hidden_act
        if activation != QUICK_GELU:
            raise UserError(
                f"{path}: {tower}.hidden_act is {activation!r}; OpenAI's CLIP was trained with "
                f"{QUICK_GELU!r}, and any other scores colours wrongly"
            )
    if config.text_config.eos_token_id not in ENDS:
        raise UserError(f"{path}: text_config.eos_token_id is not one of {ENDS}; {COPY}")
    return config


def _tokenizer(folder: Path) -> Any:
    """The tokeniser, found to split a prompt as CLIP's does."""
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the tokenizers library raises nothing narrower
        why = " ".join(str(error).split())
        raise UserError(f"{folder}: its tokeniser cannot be read ({why}); {COPY}") from error
    prompt, codes = SPLIT
    if tokenizer(prompt).input_ids != codes:
        raise UserError(f"{folder}: its tokeniser is not CLIP's; {COPY}")
    return tokenizer


def _network(path: Path, config: CLIPConfig) -> Any:
    """The network with every one of its weights from the file, and no tensor left over."""
    with torch.device("meta"):
        network: Any = CLIPModel(config)
    tensors = _tensors(path)
    for verb, names in (
        ("lacks", network.state_dict().keys() - tensors.keys()),
        ("holds an unknown", tensors.keys() - network.state_dict().keys()),
    ):
        if names:
            raise UserError(f"{path}: {verb} tensor {min(names)} ({len(names)} in all); {COPY}")
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path} does not fit its {CONFIG_FILE}: {why}") from error
    for tower in (network.text_model, network.vision_model):
        count = tower.embeddings.position_embedding.num_embeddings
        tower.embeddings.position_ids = torch.arange(count)[None]
    layers = [*network.text_model.encoder.layers, *network.vision_model.encoder.layers]
    require_quick_gelu((layer.mlp.activation_fn for layer in layers), str(path.parent))
    return network.eval()


def _tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a file in float32; positions that old files count out are left aside."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: missing or damaged ({error}); {COPY}") from error
    return {name: tensors[name].float() for name in tensors if not name.endswith(POSITIONS)}
