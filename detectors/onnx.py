"""Detectors of the YOLOX family from an ONNX file, run by onnxruntime on the CPU: boxes, no masks.

Their scores are not GenEval's and are never shown in its column. The file must hold an export with
raw outputs, YOLOX's default: one input 1x3xHxW, one output 1xNx(5 + classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisces_eval.detectors import _palette
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.interfaces import Detector, Look, Plugin, Vocabulary
from pisces_eval.records import Detection, fingerprint
from pisces_eval.store.digest import sha256_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

VERSION = 1
"""Raised when other code than the file changes what is reported."""

SCORE_FLOOR = 0.05
OVERLAP = 0.45
"""Of two boxes of one class with a larger intersection over union only the better stays (YOLOX)."""


@dataclass(frozen=True)
class Network:
    """An ONNX file, opened and found to be of the YOLOX form."""

    path: Path
    sha256: str
    session: Any
    """onnxruntime.InferenceSession."""
    input_name: str
    height: int
    width: int
    classes: int

    def answer(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The raw output (cells, 5 + classes) for one input (1, 3, height, width).

        Raises EnvironmentFailure if it is not finite or its probabilities are none.
        """
        import numpy as np

        from pisces_eval.detectors import _yolox

        raw: NDArray[np.float32] = self.session.run(None, {self.input_name: pixels})[0][0]
        probabilities = raw[:, _yolox.BOX_FIELDS - 1 :]
        if not np.isfinite(raw).all() or probabilities.min() < 0 or probabilities.max() > 1:
            raise EnvironmentFailure(
                f"{self.path}: the output holds probabilities outside 0 to 1; "
                "export YOLOX with sigmoid scores"
            )
        return raw


class OnnxDetector:
    """A YOLOX network as detector."""

    comparable = False

    def __init__(self, network: Network) -> None:
        self._network = network
        self.notes: tuple[str, ...] = (
            f"detector onnx:{network.path.name} is not GenEval's: "
            "its scores are a column of their own",
            _palette.NOTE,
        )

    def fingerprint(self) -> str:
        """SHA-256 over the file, the settings and the code version."""
        return fingerprint(["onnx", VERSION, SCORE_FLOOR, OVERLAP, self._network.sha256])

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """Detections above 0.05 without masks, best first, one picture at a time.

        Raises UserError if the network has another number of classes than the vocabulary,
        EnvironmentFailure if it answers with nonsense, TaskError for a colour without tint.
        """
        if len(vocabulary.classes) != self._network.classes:
            raise UserError(
                f"{self._network.path}: the network knows {self._network.classes} classes, the "
                f"task asks for {len(vocabulary.classes)}; use a network trained on those"
            )
        return [
            _palette.with_colors(look, self._find(look, vocabulary.classes), vocabulary.colors)
            for look in looks
        ]

    def _find(self, look: Look, classes: Sequence[str]) -> list[Detection]:
        """Objects in one picture, boxes in its own pixels; none of the padding alone."""
        from pisces_eval.detectors import _yolox

        network = self._network
        framed = _yolox.letterbox(look.image, network.height, network.width)
        boxes, scores = _yolox.decode(network.answer(framed.pixels), network.height, network.width)
        found = []
        for label, name in enumerate(classes):
            likely = scores[:, label] > SCORE_FLOOR
            candidates, confidences = boxes[likely], scores[likely, label]
            for index in _yolox.suppress(candidates, confidences, OVERLAP):
                box = _clipped(candidates[index] / framed.ratio, look.image)
                if box[0] < box[2] and box[1] < box[3]:
                    found.append(Detection(label=name, score=float(confidences[index]), box=box))
        return sorted(found, key=lambda detection: -detection.score)


def _clipped(box: NDArray[np.float64], image: Image) -> tuple[float, float, float, float]:
    """The part of a box that lies within the picture; turned round if there is none."""
    left, top, right, bottom = box.tolist()
    return (
        max(left, 0.0),
        max(top, 0.0),
        min(right, float(image.width)),
        min(bottom, float(image.height)),
    )


def load(argument: str) -> Detector:
    """The detector in an ONNX file.

    Raises UserError if the file is missing, damaged or of another form, EnvironmentFailure if
    onnxruntime is not installed.
    """
    path = Path(argument)
    if not argument or not path.is_file():
        raise UserError(f"detector onnx: no file {argument!r}; write onnx:MODEL.onnx")
    session = _open(path)
    input_name, height, width = _input_form(path, session)
    return OnnxDetector(
        Network(
            path=path,
            sha256=sha256_of(path),
            session=session,
            input_name=input_name,
            height=height,
            width=width,
            classes=_class_count(path, session, height, width),
        )
    )


def _open(path: Path) -> Any:
    """An onnxruntime session on the CPU."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as failures
    except ImportError:
        raise EnvironmentFailure(
            'detector onnx needs onnxruntime: pip install "pisces-eval[onnx]"'
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except (
        failures.Fail,
        failures.InvalidArgument,
        failures.InvalidGraph,
        failures.InvalidProtobuf,
        failures.NoModel,
        failures.NotImplemented,
        failures.RuntimeException,
    ) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path} is no ONNX model that onnxruntime can run: {why}") from error


def _input_form(path: Path, session: Any) -> tuple[str, int, int]:
    """Name, height and width of the one input; raises UserError unless it is float32 1x3xHxW."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if [each.type for each in inputs] == ["tensor(float)"] else []
    match shape:
        case [1 | str() | None, 3, int(height), int(width)] if _divides(height, width):
            return inputs[0].name, height, width
    raise UserError(
        f"{path}: expected one float32 input 1x3xHxW with sides that 32 divides, as YOLOX has; "
        f"found {[(each.name, each.type, each.shape) for each in inputs]}"
    )


def _divides(height: int, width: int) -> bool:
    """Whether the coarsest grid fits."""
    from pisces_eval.detectors._yolox import STRIDES

    return all(side > 0 and side % STRIDES[-1] == 0 for side in (height, width))


def _class_count(path: Path, session: Any, height: int, width: int) -> int:
    """Classes of the one output; raises UserError unless its shape is 1xNx(5 + classes)."""
    from pisces_eval.detectors import _yolox

    outputs = session.get_outputs()
    cells = _yolox.cell_count(height, width)
    shape = outputs[0].shape if len(outputs) == 1 else []
    match shape:
        case [1 | str() | None, int(found), int(fields)] if (
            found == cells and fields > _yolox.BOX_FIELDS
        ):
            return fields - _yolox.BOX_FIELDS
    raise UserError(
        f"{path}: expected one raw YOLOX output 1x{cells}x(5 + classes) for an input of "
        f"{height}x{width}; found {[(each.name, each.shape) for each in outputs]}"
    )


DETECTOR: Plugin[Detector] = Plugin(
    name="onnx",
    usage="onnx:MODEL.onnx",
    summary="YOLOX-type detector from an ONNX file, on the CPU; boxes only, own numbers",
    load=load,
    requires=("onnxruntime",),
    extra="onnx",
)
