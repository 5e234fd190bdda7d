"""The colours of objects by CLIP, as GenEval asks for them.

Ten colours stand as ten texts beside the picture of an object; the logit of a colour is a hundred
times the cosine between the two. Sources: the evaluator of djghosh13/geneval @af4902f and the
zero-shot classifier of clip-benchmark 1.4.0, which it calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from pisces_eval.detectors._clip_towers import OPENAI_ARCHIVE, OPENAI_SAFETENSORS, Towers
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.interfaces import Look, Vocabulary
from pisces_eval.records import Detection, fingerprint

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

VERSION = 1
"""Raised when other code than the weights changes a logit."""

PROMPTS = (
    "a photo of a {color} {name}",
    "a photo of a {color}-colored {name}",
    "a photo of a {color} object",
)
"""What one colour of one class is called; the article is always 'a'."""

SCALE = 100.0
"""CLIP's learned temperature, at the bound that training gave it."""

SCORE_FLOOR = 0.05
"""No verdict can ask for the colour of an object that scores no more."""

BATCH = 16
"""Objects that the network sees at once, from one picture or several."""

Colors = tuple[float, ...]
Place = tuple[int, int]
"""Number of the picture, number of the object in it."""


class ColorClassifier:
    """CLIP's picture and text towers as a judge of colours."""

    def __init__(self, towers: Towers, device: torch.device, spec: str) -> None:
        self._towers = towers
        self._device = device
        self._texts: dict[tuple[str, tuple[str, ...]], Tensor] = {}
        self.comparable = towers.weights in (OPENAI_SAFETENSORS, OPENAI_ARCHIVE)
        """Whether the weights are OpenAI's ViT-L/14, known by SHA-256."""
        self.notes: tuple[str, ...] = ()
        """What must be said wherever a verdict of its shows."""
        if not self.comparable:
            self.notes = (
                f"colour classifier {spec} has other weights than OpenAI's ViT-L/14 "
                f"(SHA-256 {towers.weights[:8]}…): its colours are not GenEval's",
            )

    def fingerprint(self) -> str:
        """SHA-256 over towers, precision and code version; the batch size decides nothing."""
        precision = "float16" if self._half else "float32"
        return fingerprint(["clip", VERSION, precision, self._towers.fingerprint()])

    def with_colors(
        self,
        looks: Sequence[Look],
        detections: Sequence[tuple[Detection, ...]],
        masks: Sequence[Sequence[NDArray[np.bool_]]],
        vocabulary: Vocabulary,
    ) -> Sequence[tuple[Detection, ...]]:
        """The detections of each picture, those whose colour can matter with one logit per colour.

        These are the objects of the look's colour classes that score above 0.05. masks holds one
        (height, width) of the whole picture per detection. Raises TaskError if a mask or a box
        does not fit its picture, EnvironmentFailure if a logit is no number.
        """
        places = [
            (picture, number)
            for picture, found in enumerate(detections)
            for number, detection in enumerate(found)
            if detection.label in looks[picture].color_classes and detection.score > SCORE_FLOOR
        ]
        seen: dict[Place, Colors] = {}
        for batch in _batches(places):
            crops = [_crop(looks[i].image, detections[i][j], masks[i][j]) for i, j in batch]
            names = [detections[i][j].label for i, j in batch]
            seen.update(zip(batch, self._logits(crops, names, vocabulary.colors), strict=True))
        return [_colored(picture, found, seen) for picture, found in enumerate(detections)]

    @property
    def _half(self) -> bool:
        """Whether to compute in half precision, as GenEval does on CUDA; never on a CPU."""
        return self._device.type == "cuda"

    def _logits(
        self, crops: Sequence[NDArray[np.float32]], names: Sequence[str], colors: tuple[str, ...]
    ) -> list[Colors]:
        """One logit per colour for each crop (3, 224, 224) of an object of the named class."""
        import numpy as np
        import torch

        pixels = torch.from_numpy(np.stack(crops)).to(self._device)
        half = torch.autocast(self._device.type, dtype=torch.float16, enabled=self._half)
        with torch.inference_mode(), half:
            features = _unit(self._towers.images(pixels))
            texts = torch.stack([self._colors_of(name, colors) for name in names])
            logits = ((SCALE * features)[:, None, :] @ texts)[:, 0, :].float()
        if not torch.isfinite(logits).all():
            raise EnvironmentFailure(
                "the colour classifier answers with numbers that are none; download its weights "
                "again"
            )
        return [tuple(row) for row in logits.tolist()]

    def _colors_of(self, name: str, colors: tuple[str, ...]) -> Tensor:
        """The colours of a class as unit columns (d, colours), computed once."""
        key = (name, colors)
        if key not in self._texts:
            prompts = [each.format(color=color, name=name) for color in colors for each in PROMPTS]
            features = _unit(self._towers.texts(prompts))
            means = features.reshape(len(colors), len(PROMPTS), -1).mean(dim=1)
            self._texts[key] = _unit(means).T
        return self._texts[key]


def load_color_classifier(spec: str) -> ColorClassifier:
    """The classifier named by 'clip', 'clip:FOLDER', 'clip-anytorch' or 'clip-anytorch:FILE.pt'.

    The first two run in transformers, the others in clip-anytorch; without an argument they take
    OpenAI's ViT-L/14 from where it is cached. A GPU is used if there is one. Raises UserError for
    another spec or unfit files, EnvironmentFailure if a package or the cached weights are missing.
    """
    import torch

    name, _, argument = spec.partition(":")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "clip":
        from pisces_eval.detectors import _clip_transformers

        return ColorClassifier(_clip_transformers.load(argument, device), device, spec)
    if name == "clip-anytorch":
        from pisces_eval.detectors import _clip_anytorch

        return ColorClassifier(_clip_anytorch.load(argument, device), device, spec)
    raise UserError(
        f"no colour classifier {spec!r}; write clip, clip:FOLDER, clip-anytorch or "
        "clip-anytorch:FILE.pt"
    )


def _batches(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for start in range(0, len(places), BATCH):
        yield places[start : start + BATCH]


def _crop(image: Image, detection: Detection, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The network's input (3, 224, 224) for one object."""
    from pisces_eval.detectors import _crops

    return _crops.prepare(_crops.cut_out(image, detection.box, mask))


def _unit(features: Tensor) -> Tensor:
    """Rows of length one, in float32 whatever they came in."""
    from torch.nn.functional import normalize

    return normalize(features.float(), dim=-1)


def _colored(
    picture: int, found: Sequence[Detection], seen: Mapping[Place, Colors]
) -> tuple[Detection, ...]:
    """The detections of a picture with the colours that were seen."""
    return tuple(
        msgspec.structs.replace(detection, colors=seen.get((picture, number), detection.colors))
        for number, detection in enumerate(found)
    )
