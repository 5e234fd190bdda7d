"""GenEval's detector: Mask2Former Swin-S with OpenMMLab's weights, run by transformers.

Pictures are prepared and answers read as mmdet 2.x does both, never as transformers' own image
processor does; CLIP names the colours. With the checkpoint that GenEval used, verdicts are the
official evaluator's up to rounding in the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisces_eval.errors import EnvironmentFailure, TaskError
from pisces_eval.interfaces import Detector, Downloaded, Look, Plugin, Vocabulary
from pisces_eval.records import Detection, fingerprint

if TYPE_CHECKING:
    from pisces_eval.detectors._clip import ColorClassifier
    from pisces_eval.detectors._mask2former import Segmenter

VERSION = 1
"""Raised when other code than the weights changes what is reported."""

LABELS = 80
META = "hf-meta"
META_REPOSITORY = "facebook/mask2former-swin-small-coco-instance"

COLORS_OPTION = "colors="
DEFAULT_COLORS = "clip"

CUDA_BATCH = 8
"""Pictures of one size that go through the network together on a GPU; a CPU gains nothing."""


@dataclass(frozen=True)
class Identity:
    """Which weights a network has, and what that means for its verdicts."""

    digests: tuple[str, ...]
    """SHA-256 (hex) of the tensors and, where there is one, of the file."""
    note: str
    official: bool
    """Whether GenEval's published numbers were made with these weights."""


class Mask2FormerDetector:
    """Mask2Former and a judge of colours."""

    def __init__(self, segmenter: Segmenter, identity: Identity, colors: ColorClassifier) -> None:
        self._segmenter = segmenter
        self._identity = identity
        self._colors = colors
        self.notes: tuple[str, ...] = (identity.note, *colors.notes)
        self.comparable = identity.official and colors.comparable

    def fingerprint(self) -> str:
        """SHA-256 over weights, colour classifier and code version; batches decide nothing."""
        return fingerprint(
            ["mask2former", VERSION, self._identity.digests, self._colors.fingerprint()]
        )

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """Detections whose class probability exceeds 0.05, at most 100 a picture, with masks.

        Raises TaskError for a vocabulary of other than 80 classes, EnvironmentFailure if the
        network answers with NaN, and what the colour classifier raises.
        """
        if len(vocabulary.classes) != LABELS:
            raise TaskError(
                f"detector mask2former knows COCO's {LABELS} classes, the task asks for "
                f"{len(vocabulary.classes)}; use another detector"
            )
        images = [look.image for look in looks]
        found: dict[int, tuple[Detection, ...]] = {}
        for numbers, sightings in self._segmenter.segment_all(images, vocabulary.classes):
            colored = self._colors.with_colors(
                [looks[number] for number in numbers],
                [sighting.detections for sighting in sightings],
                [sighting.masks for sighting in sightings],
                vocabulary,
            )
            found.update(zip(numbers, colored, strict=True))
        return [found[number] for number in range(len(looks))]


def load(argument: str) -> Detector:
    """The detector with the weights in a file or folder, in the cache, or Meta's.

    Raises UserError for a file or folder that is missing, damaged or holds another network,
    EnvironmentFailure if weights are to be fetched first; so for the colour classifier.
    """
    where, colors = _parse(argument)
    network, identity = _open(where)
    from pisces_eval.detectors._clip import load_color_classifier

    return Mask2FormerDetector(_segmenter(network), identity, load_color_classifier(colors))


def _parse(argument: str) -> tuple[str, str]:
    """(where the weights are, which colour classifier) of WHERE[,colors=SPEC] or colors=SPEC."""
    if argument.startswith(COLORS_OPTION):
        argument = f",{argument}"
    where, _, colors = argument.partition(f",{COLORS_OPTION}")
    return where, colors or DEFAULT_COLORS


def _open(where: str) -> tuple[Any, Identity]:
    """The network and which one it is."""
    from pisces_eval.detectors import _mask2former_fetch, _mask2former_weights, _openmmlab

    if where == META:
        return _open_meta()
    path = Path(where) if where else _mask2former_fetch.cached_checkpoint()
    if not where and not path.is_file():
        raise EnvironmentFailure(
            "detector mask2former has no weights yet: run 'pisces-eval fetch detector:mask2former',"
            f" or download {_mask2former_fetch.GENEVAL.url} and give it as mask2former:FILE.pth"
        )
    if path.is_dir():
        config = _mask2former_weights.folder_config(path)
        weights = _mask2former_weights.read(path / _mask2former_weights.WEIGHTS_FILE)
    else:
        config = _openmmlab.network_config()
        weights = _mask2former_weights.read(path)
    network = _mask2former_weights.build(config, weights, str(path))
    return network, _identity(path.name, weights.origin, weights.digest)


def _identity(name: str, origin: str, digest: str) -> Identity:
    """What the SHA-256 of the published file says."""
    from pisces_eval.detectors import _openmmlab

    official = origin.startswith(_openmmlab.CHECKPOINTS)
    if official:
        note = f"detector mask2former has GenEval's own weights (SHA-256 {origin[:8]}…)"
    else:
        note = (
            f"detector mask2former has the weights of {name} (SHA-256 {origin[:8]}…), "
            "not the checkpoint GenEval used: its scores are a column of their own"
        )
    return Identity((origin, digest), note, official)


def _open_meta() -> tuple[Any, Identity]:
    """Meta's own training of the same network, from the hub's cache."""
    from pisces_eval.detectors import _mask2former_weights

    network = _mask2former_weights.from_hub_cache(META_REPOSITORY)
    digest = _mask2former_weights.digest_of(network.state_dict())
    note = (
        f"detector mask2former:{META} has Meta's weights ({META_REPOSITORY}, CC BY-NC 4.0), "
        "not the checkpoint GenEval used: its scores are a column of their own"
    )
    return network, Identity((digest,), note, official=False)


def _segmenter(network: Any) -> Segmenter:
    """The network on the GPU if there is one, in float32 there too."""
    import torch

    from pisces_eval.detectors._mask2former import Segmenter, prepare_exactly

    if not torch.cuda.is_available():
        return Segmenter(network, prepare_exactly)
    return Segmenter(network.to("cuda"), prepare_exactly, device="cuda", batch=CUDA_BATCH)


def fetch(told: Downloaded) -> Path:
    """Downloads and converts GenEval's checkpoint. Raises EnvironmentFailure, UserError."""
    from pisces_eval.detectors._mask2former_fetch import fetch_checkpoint

    return fetch_checkpoint(told)


def fetched() -> bool:
    """Whether that checkpoint is in the cache."""
    from pisces_eval.detectors._mask2former_fetch import cached_checkpoint

    return cached_checkpoint().is_file()


DETECTOR: Plugin[Detector] = Plugin(
    name="mask2former",
    usage="mask2former[:FILE|FOLDER|hf-meta][,colors=SPEC]",
    summary="GenEval's detector: Mask2Former Swin-S with OpenMMLab's weights, colours by CLIP",
    load=load,
    requires=("torch", "transformers", "pycocotools", "safetensors"),
    fetch=fetch,
    fetched=fetched,
)
