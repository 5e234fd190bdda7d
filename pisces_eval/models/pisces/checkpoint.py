"""A checkpoint is a folder with config.json and model.safetensors; nothing in it is executed."""

from __future__ import annotations

from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pisces_eval.errors import UserError
from pisces_eval.models.pisces.config import PiscesConfig
from pisces_eval.models.pisces.network import Pisces, build

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


def save(network: Pisces, folder: Path) -> None:
    """Write a network into a folder, which is made if need be. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    config = msgspec.json.format(msgspec.json.encode(network.config), indent=2)
    (folder / CONFIG_FILE).write_bytes(config + b"\n")
    tensors = {name: tensor.contiguous() for name, tensor in network.tensors().items()}
    save_file(tensors, folder / WEIGHTS_FILE)


def load(folder: Path) -> Pisces:
    """The network in a folder, ready for inference.

    Raises UserError if a file is missing, damaged, or does not fit the other.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such checkpoint folder")
    network = build(_read_config(folder / CONFIG_FILE))
    _read_weights(network.tensors(), folder / WEIGHTS_FILE)
    return network


def _read_config(path: Path) -> PiscesConfig:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PiscesConfig)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: {error}") from error


def _read_weights(tensors: dict[str, Tensor], path: Path) -> None:
    """Copy a file's tensors into the network's, one at a time."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; a checkpoint needs it")
    try:
        with safe_open(path, framework="pt") as file:
            _match("lacks", tensors.keys() - file.keys(), path)
            _match("holds an unknown", file.keys() - tensors.keys(), path)
            for name, tensor in tensors.items():
                _copy(file.get_tensor(name), tensor, f"{path}: tensor {name}")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged or unreadable ({error}); copy it again") from error


def _match(verb: str, names: set[str], path: Path) -> None:
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise UserError(
            f"{path}: {verb} tensor {min(names)}{more}; it does not belong to its {CONFIG_FILE}"
        )


def _copy(source: Tensor, target: Tensor, where: str) -> None:
    if source.shape != target.shape:
        raise UserError(f"{where} is {_shape(source)}, but {CONFIG_FILE} asks for {_shape(target)}")
    if source.dtype != target.dtype:
        raise UserError(f"{where} is {source.dtype}; weights must be {target.dtype}")
    target.copy_(source)


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape)
