"""Weights of a Mask2Former network: read from a file, checked name by name, put into the network.

Nothing in a checkpoint is executed: PyTorch files are read with weights_only, the rest is
safetensors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pisces_eval.detectors import _openmmlab
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.store.digest import sha256_of

TORCH_SUFFIXES = (".pth", ".pt", ".bin")
SAFETENSORS_SUFFIX = ".safetensors"

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
"""What a folder in transformers' form holds."""

SEED = 553
"""For the initial values, all of which are then replaced."""

ORIGIN, DIGEST = "source_sha256", "tensors_sha256"
"""Entries that a converted file has in its header: what it was made from, and its own content."""

OPTIONAL = frozenset(
    {
        "criterion.empty_weight",
        "model.pixel_level_module.encoder.swin.layernorm.weight",
        "model.pixel_level_module.encoder.swin.layernorm.bias",
    }
)
"""In transformers' network, but never used when it detects; mmdet has no such thing."""

REFUSED = re.compile(r"Unsupported (global|class)")
"""What weights_only says of objects that only unpickling, which may run code, could make."""


@dataclass(frozen=True)
class Weights:
    """A network's tensors and where they come from."""

    tensors: Mapping[str, Tensor]
    """float32, under transformers 5.x's names."""
    origin: str
    """SHA-256 (hex) of the file they were published in; of a converted file, the original's."""
    digest: str
    """SHA-256 (hex) over names, shapes and values, whatever file they lie in."""


def read(path: Path) -> Weights:
    """The weights in a .pth file of OpenMMLab, or a safetensors file under either's names.

    Raises UserError if the file is missing, damaged, of another kind, or holds objects.
    """
    if not path.is_file():
        raise UserError(f"detector mask2former: no file {str(path)!r}; write mask2former:FILE.pth")
    header: dict[str, str] = {}
    if path.suffix in TORCH_SUFFIXES:
        tensors = read_torch(path)
    elif path.suffix == SAFETENSORS_SUFFIX:
        tensors, header = _read_safetensors(path)
    else:
        raise UserError(
            f"{path}: a checkpoint is a .pth or .safetensors file, or a folder with {CONFIG_FILE} "
            f"and {WEIGHTS_FILE}"
        )
    if _openmmlab.is_mmdet(tensors):
        tensors = _openmmlab.from_mmdet(tensors)
    current = {name: each.float() for name, each in _openmmlab.to_current(tensors).items()}
    digest = digest_of(current)
    if header.get(DIGEST, digest) != digest:
        raise UserError(f"{path} was changed after it was converted; delete it and fetch it again")
    return Weights(current, header.get(ORIGIN) or sha256_of(path), digest)


def read_torch(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file, as its 'state_dict' entry or as the whole."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if not REFUSED.search(str(error)):
            raise UserError(f"{path} is damaged or no PyTorch checkpoint; get it again") from error
        raise UserError(
            f"{path} holds objects besides tensors, which could run code when read; where you "
            'trust it, run: python -c "import torch; torch.save(torch.load('
            f"{str(path)!r}, weights_only=False)['state_dict'], 'weights.pth')\" "
            "and give mask2former:weights.pth"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise UserError(f"{path} is damaged or no PyTorch checkpoint; get it again") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, Mapping) or not state or not all(map(_is_entry, state.items())):
        raise UserError(f"{path} holds no network: expected tensors by name or a 'state_dict'")
    return dict(state)


def _is_entry(entry: tuple[object, object]) -> bool:
    """Whether a dictionary's entry is a named tensor."""
    return isinstance(entry[0], str) and isinstance(entry[1], Tensor)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the header's text entries."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no safetensors file; get it again") from error


def convert(source: Path, target: Path, config: Any) -> None:
    """Writes OpenMMLab's .pth as safetensors with transformers 4.x's names.

    Raises UserError as read and check do; then nothing is written.
    """
    state = _openmmlab.from_mmdet(read_torch(source))
    current = _openmmlab.to_current(state)
    with torch.device("meta"):
        check(current, _new_network(config), str(source))
    header = {ORIGIN: sha256_of(source), DIGEST: digest_of(current), "format": "pt"}
    unfinished = target.with_name(target.name + ".part")
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, unfinished, header)
    unfinished.replace(target)


def folder_config(folder: Path) -> Any:
    """transformers.Mask2FormerConfig of a folder.

    Raises UserError if a file is missing, or it is not Mask2Former on Swin with GenEval's classes.
    """
    from transformers import Mask2FormerConfig

    missing = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder} has no {missing[0]}; write mask2former:FILE.pth or a folder")
    try:
        fields, _ = Mask2FormerConfig.get_config_dict(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / CONFIG_FILE} cannot be read as JSON; get it again") from error
    backbone = fields.get("backbone_config") or {}
    kind = (fields.get("model_type"), backbone.get("model_type"))
    if kind != ("mask2former", "swin"):
        raise UserError(
            f"{folder / CONFIG_FILE} describes {kind[0]!r} on {kind[1]!r}, not 'mask2former' on "
            "'swin'; give another folder"
        )
    config = Mask2FormerConfig.from_dict(fields)
    if config.num_labels != _openmmlab.LABELS:
        raise UserError(
            f"{folder / CONFIG_FILE}: the network knows {config.num_labels} classes, "
            f"GenEval needs COCO's {_openmmlab.LABELS}"
        )
    return config


def from_hub_cache(repository: str, cache: Path | None = None) -> Any:
    """A published transformers.Mask2FormerForUniversalSegmentation, weights only.

    Nothing is downloaded: raises EnvironmentFailure, which says how, if the cache (the hub's own
    unless given) lacks it, and UserError if tensors are missing.
    """
    from transformers import Mask2FormerForUniversalSegmentation

    try:
        network, report = Mask2FormerForUniversalSegmentation.from_pretrained(
            repository,
            cache_dir=cache,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except OSError as error:
        raise EnvironmentFailure(
            f"{repository} is not in the hub's cache: run 'hf download {repository}', "
            "or give the folder that holds it as mask2former:FOLDER"
        ) from error
    lacking = sorted(set(report["missing_keys"]) - OPTIONAL)
    if lacking:
        raise UserError(f"{repository}: {len(lacking)} tensors are missing ({lacking[0]})")
    return network.eval()


def build(config: Any, weights: Weights, where: str) -> Any:
    """transformers.Mask2FormerForUniversalSegmentation with these weights, to detect with.

    The global random state is left as it was. Raises UserError as check does, naming where.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        network = _new_network(config)
    check(weights.tensors, network, where)
    network.load_state_dict(dict(weights.tensors), strict=False, assign=True)
    return network.eval()


def _new_network(config: Any) -> Any:
    from transformers import Mask2FormerForUniversalSegmentation

    return Mask2FormerForUniversalSegmentation(config)


def check(tensors: Mapping[str, Tensor], network: Any, where: str) -> None:
    """Raises UserError unless every tensor has its place and every place its tensor."""
    expected = network.state_dict()
    surplus = [name for name in tensors if name not in expected]
    lacking = [name for name in expected if name not in tensors and name not in OPTIONAL]
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    complaints = [
        f"{len(names)} {what} ({names[0]})"
        for what, names in (
            ("tensors without a place", surplus),
            ("tensors missing", lacking),
            ("tensors of another shape", misshapen),
        )
        if names
    ]
    if complaints:
        raise UserError(
            f"{where} is not a Mask2Former of this configuration: {', '.join(complaints)}; "
            "give OpenMMLab's mask2former_swin-s, or a folder with its own config.json"
        )


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) over names, shapes and float32 values, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].float().contiguous()
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(values.numpy().data)
    return digest.hexdigest()
