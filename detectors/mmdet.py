"""GenEval's detector in the original library: mmdet 3.x builds and runs the network itself.

For those who want the reference: the same checkpoint as mask2former, the same detections, slower.
Needs mmdet 3.3 beside mmcv or mmcv-lite; of the latter's missing compiled module nothing is used.
Pictures are prepared as mmdet 2.x does, which GenEval used and from which 3.x's pipeline differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Detector, Look, Plugin, Vocabulary
from pisces_eval.records import Detection, fingerprint
from pisces_eval.store.digest import sha256_of

if TYPE_CHECKING:
    from pisces_eval.detectors._clip import ColorClassifier
    from pisces_eval.detectors._mask2former import Sighting

VERSION = 1
"""Raised when other code than weights and library changes what is reported."""

COLORS_OPTION = ",colors="
DEFAULT_COLORS = "clip"


@dataclass(frozen=True)
class Reference:
    """mmdet's network with the weights of a file."""

    network: Any
    """mmdet.models.detectors.Mask2Former in evaluation mode."""
    file: str
    sha256: str
    """Of the file (hex)."""
    library: str
    """mmdet's version."""

    def look_at(self, look: Look, classes: Sequence[str]) -> Sighting:
        """Objects in one picture; classes name the labels."""
        from pisces_eval.detectors import _mmdet
        from pisces_eval.detectors._mask2former import prepare_exactly

        size = look.image.height, look.image.width
        found = _mmdet.find_instances(self.network, prepare_exactly(look.image), size)
        return _mmdet.sighting(found, classes)


class MmdetDetector:
    """mmdet's Mask2Former and a judge of colours."""

    def __init__(self, reference: Reference, colors: ColorClassifier) -> None:
        from pisces_eval.detectors._openmmlab import CHECKPOINTS

        self._reference = reference
        self._colors = colors
        official = reference.sha256.startswith(CHECKPOINTS)
        self.comparable = official and colors.comparable
        weights = f"the weights of {reference.file} (SHA-256 {reference.sha256[:8]}…)"
        self.notes: tuple[str, ...] = (
            f"detector mmdet {reference.library} has {weights}"
            + ("" if official else ", not the checkpoint GenEval used"),
            *colors.notes,
        )

    def fingerprint(self) -> str:
        """SHA-256 over the file, the library's version, the colour classifier and our code's."""
        reference = self._reference
        return fingerprint(
            ["mmdet", VERSION, reference.library, reference.sha256, self._colors.fingerprint()]
        )

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """Detections that score above 0.05, at most 100 a picture, with masks, best first.

        Raises TaskError for a vocabulary of other than 80 classes.
        """
        from pisces_eval.detectors._openmmlab import LABELS

        if len(vocabulary.classes) != LABELS:
            raise TaskError(
                f"detector mmdet knows COCO's {LABELS} classes, the task asks for "
                f"{len(vocabulary.classes)}; use another detector"
            )
        found: list[tuple[Detection, ...]] = []
        for look in looks:
            seen = self._reference.look_at(look, vocabulary.classes)
            found += self._colors.with_colors([look], [seen.detections], [seen.masks], vocabulary)
        return found


def load(argument: str) -> Detector:
    """The detector with the weights in CHECKPOINT.pth, on the GPU if there is one.

    Raises UserError for a file that is missing, damaged or holds another network,
    EnvironmentFailure if mmdet cannot be imported; so for the colour classifier.
    """
    file, _, colors = argument.partition(COLORS_OPTION)
    path = Path(file)
    if not file or not path.is_file():
        raise UserError(f"detector mmdet: no file {file!r}; write mmdet:CHECKPOINT.pth")
    reference = open_reference(path)
    from pisces_eval.detectors._clip import load_color_classifier

    return MmdetDetector(reference, load_color_classifier(colors or DEFAULT_COLORS))


def open_reference(path: Path) -> Reference:
    """mmdet's network with a checkpoint's weights (mmdet 2.x or 3.x names).

    Raises UserError if the file is damaged or holds another network, EnvironmentFailure if mmdet
    cannot be imported.
    """
    import torch

    from pisces_eval.detectors import _mask2former_weights, _mmdet

    weights = _mask2former_weights.read_torch(path)
    version = _require_mmdet()
    network = _mmdet.build(_mmdet.Architecture())
    _mmdet.load_weights(network, weights, str(path))
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    return Reference(network, path.name, sha256_of(path), version)


def _require_mmdet() -> str:
    """mmdet's version. Raises EnvironmentFailure if it is missing or refuses its company."""
    try:
        import mmdet
    except (ImportError, AssertionError) as error:  # It asserts that mmcv and mmengine suit it.
        raise EnvironmentFailure(
            f'mmdet cannot be imported ({error}): pip install "pisces-eval[mmdet]" into a fresh '
            "environment"
        ) from error
    version: str = mmdet.__version__
    return version


DETECTOR: Plugin[Detector] = Plugin(
    name="mmdet",
    usage="mmdet:CHECKPOINT.pth[,colors=SPEC]",
    summary="The same network in the original library, mmdet 3.3: the reference itself, slower",
    load=load,
    requires=("mmdet", "mmcv", "mmengine"),
    extra="mmdet",
)
