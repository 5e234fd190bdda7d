"""CLIP by clip-anytorch, OpenAI's own code for any torch, from OpenAI's file of weights.

Of the package only the network (model.py) and the tokeniser (simple_tokenizer.py) run. They are
executed from their files, because importing the package imports torchvision and pkg_resources for
a picture transform that we replace; beside a torch of another build torchvision fails, and breaks
transformers with it. So neither need be installed, and nothing is put in their place.
"""

from __future__ import annotations

import importlib.util
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from pisces_eval.detectors._clip_towers import OPENAI_ARCHIVE, require_quick_gelu
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.records import fingerprint
from pisces_eval.store.digest import sha256_of

PACKAGE = "clip-anytorch"
INSTALL = f'pip install "pisces-eval[clip]" && pip install --no-deps {PACKAGE}==2.6.0'
ADDRESS = f"https://openaipublic.azureedge.net/clip/models/{OPENAI_ARCHIVE}/ViT-L-14.pt"
DEFAULT_FILE = Path("~/.cache/clip/ViT-L-14.pt")
"""Where the package itself keeps the file."""

SETTINGS = ("input_resolution", "context_length", "vocab_size")
"""Numbers among the tensors of OpenAI's archives; the shapes say the same."""


@dataclass(frozen=True)
class AnytorchTowers:
    """A clip.model.CLIP in evaluation mode, in float32, with its tokeniser."""

    network: Any
    tokenizer: Any
    weights: str
    version: str
    device: torch.device

    def fingerprint(self) -> str:
        """SHA-256 over the package's version, which holds the tokeniser, and the weights."""
        return fingerprint([PACKAGE, self.version, self.weights])

    def images(self, pixels: Tensor) -> Tensor:
        """Features (n, d) of pictures (n, 3, 224, 224)."""
        features: Tensor = self.network.encode_image(pixels)
        return features

    def texts(self, prompts: Sequence[str]) -> Tensor:
        """Features (n, d) of n texts, padded to the longest: no token sees what follows it."""
        features: Tensor = self.network.encode_text(self.tokens(prompts).to(self.device))
        return features

    def tokens(self, prompts: Sequence[str]) -> Tensor:
        """Token numbers (n, longest): start, text, end, and zeros behind the end."""
        codes = self.tokenizer.encoder
        start, end = codes["<|startoftext|>"], codes["<|endoftext|>"]
        rows = [[start, *self.tokenizer.encode(prompt), end] for prompt in prompts]
        longest = max(len(row) for row in rows)
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def load(argument: str, device: torch.device) -> AnytorchTowers:
    """The towers in a file of weights, or with an empty argument in the package's cache.

    Raises UserError if the file is missing, not to be trusted or no CLIP ViT, EnvironmentFailure
    if the package or the file in its cache is missing.
    """
    version, sources = _package()
    path = Path(argument) if argument else DEFAULT_FILE.expanduser()
    if not path.is_file():
        if argument:
            raise UserError(f"{path}: no such file; write clip-anytorch:FILE.pt")
        raise EnvironmentFailure(
            f"the colour classifier's weights are not at {path}; run "
            f"`curl --create-dirs -o {path} {ADDRESS}`"
        )
    digest = sha256_of(path)
    tensors = {name: tensor.float() for name, tensor in _tensors(path, digest).items()}
    return AnytorchTowers(
        network=_network(_run(sources / "model.py"), tensors, path).to(device),
        tokenizer=_run(sources / "simple_tokenizer.py").SimpleTokenizer(),
        weights=digest,
        version=version,
        device=device,
    )


def _package() -> tuple[str, Path]:
    """The installed package's version and its folder."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise EnvironmentFailure(
            f"colour classifier clip-anytorch is not installed: {INSTALL}"
        ) from None
    return distribution.version, Path(str(distribution.locate_file("clip")))


def _run(source: Path) -> ModuleType:
    """A module of the package, executed from its file and registered nowhere."""
    spec = importlib.util.spec_from_file_location(f"_clip_anytorch_{source.stem}", source)
    if spec is None or spec.loader is None or not source.is_file():
        raise EnvironmentFailure(f"{source} is missing; install {PACKAGE} again: {INSTALL}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise EnvironmentFailure(f"{PACKAGE} needs more: {error}; {INSTALL}") from error
    return module


def _tensors(path: Path, digest: str) -> Mapping[str, Tensor]:
    """The tensors in a file, by name.

    A TorchScript archive is a program, so only the one that OpenAI published is opened; anything
    else must be a plain state dict, of which tensors alone are read.
    """
    if _is_program(path):
        if digest != OPENAI_ARCHIVE:
            raise UserError(
                f"{path} is a TorchScript program (SHA-256 {digest[:8]}…) and not OpenAI's "
                f"({OPENAI_ARCHIVE[:8]}…); give that file, or a plain state dict from torch.save"
            )
        archive: Any = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        return dict(archive.state_dict())
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, LookupError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is no state dict of tensors; download it again") from error
    if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
        raise UserError(f"{path} holds more than tensors; give a plain state dict from torch.save")
    return tensors


def _is_program(path: Path) -> bool:
    """Whether a file is a TorchScript archive: they alone have a record of constants."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _network(module: ModuleType, tensors: Mapping[str, Tensor], path: Path) -> Any:
    """The package's network with these weights, in float32.

    The package rounds weights to half precision as it builds; they are put back as they were.
    """
    weights = {name: tensor for name, tensor in tensors.items() if name not in SETTINGS}
    if "visual.proj" not in weights:
        raise UserError(f"{path} is no CLIP with a vision transformer: it lacks visual.proj")
    try:
        network = module.build_model(dict(weights)).float()
        network.load_state_dict(weights)
    except (KeyError, IndexError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path} is no complete CLIP with a vision transformer: {why}") from error
    blocks = [*network.transformer.resblocks, *network.visual.transformer.resblocks]
    require_quick_gelu((block.mlp.gelu for block in blocks), PACKAGE)
    return network.eval()
