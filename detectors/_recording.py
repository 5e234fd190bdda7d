"""The form of recorded detections: JSON lines as in a run's detections.jsonl, one drawing a line.

docs/detections.md describes it for people. A line is a records.Perception in which the picture's
digest may be missing and colours may be written as logits in order, as logits by name, or as one
word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from pisces_eval.detectors._masks import run_lengths
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Vocabulary
from pisces_eval.records import Detection, Failure, Mask, Record

Colors = tuple[float, ...] | dict[str, float] | str | None


class RecordedDetection(Record, frozen=True, kw_only=True):
    """One object as it stands in the file."""

    label: str
    score: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    box: tuple[float, float, float, float]
    mask: Mask | None = None
    colors: Colors = None


class RecordedPerception(Record, frozen=True, kw_only=True):
    """One line of the file."""

    id: str
    image: str = ""
    size: tuple[int, int] = (0, 0)
    detections: tuple[RecordedDetection, ...] = ()
    failure: Failure | None = None


def parse(line: bytes, where: str) -> RecordedPerception:
    """One line, checked where no vocabulary is needed. Raises UserError that begins with where."""
    try:
        recorded = msgspec.json.decode(line, type=RecordedPerception)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        cut = "" if line.endswith(b"\n") else " (the line has no end: is the file cut off?)"
        raise UserError(f"{where}: {error}{cut}") from error
    for problem in _problems(recorded):
        raise UserError(f"{where}: {problem}")
    return recorded


def _problems(recorded: RecordedPerception) -> Iterator[str]:
    """What is wrong with the sizes of picture, boxes and masks."""
    width, height = recorded.size
    if recorded.failure is None and (width < 1 or height < 1):
        yield f"size is {width}x{height}; write the picture's [width, height]"
    for number, detection in enumerate(recorded.detections):
        left, top, right, bottom = detection.box
        if not (0 <= left <= right <= width and 0 <= top <= bottom <= height):
            yield (
                f"detections[{number}].box {list(detection.box)} is no [x1, y1, x2, y2] "
                f"within a picture of {width}x{height}"
            )
        if detection.mask is not None and detection.mask.size != (height, width):
            yield (
                f"detections[{number}].mask.size {list(detection.mask.size)} is not the picture's "
                f"[height, width] [{height}, {width}]"
            )


def to_detection(recorded: RecordedDetection, vocabulary: Vocabulary, where: str) -> Detection:
    """The object in the vocabulary's terms. Raises TaskError that begins with where."""
    if recorded.label not in vocabulary.classes:
        raise TaskError(f"{where}: unknown class {recorded.label!r}; use the task's class names")
    if recorded.mask is not None:
        _check_runs(recorded.mask, where)
    return Detection(
        label=recorded.label,
        score=recorded.score,
        box=recorded.box,
        mask=recorded.mask,
        colors=_logits(recorded.colors, vocabulary.colors, where),
    )


def _check_runs(mask: Mask, where: str) -> None:
    """Raises TaskError unless the run lengths cover the mask exactly."""
    try:
        run_lengths(mask)
    except ValueError as error:
        raise TaskError(f"{where}.mask.counts: {error}") from error


def _logits(recorded: Colors, colors: tuple[str, ...], where: str) -> tuple[float, ...] | None:
    """One logit per colour, in order; a lone word becomes 1 among zeros."""
    match recorded:
        case None:
            return None
        case str(word):
            if word not in colors:
                raise TaskError(f"{where}.colors: unknown colour {word!r}; use {', '.join(colors)}")
            return tuple(float(color == word) for color in colors)
        case dict(by_name):
            if by_name.keys() != set(colors):
                raise TaskError(f"{where}.colors needs exactly the names {', '.join(colors)}")
            return tuple(by_name[color] for color in colors)
        case _:
            if len(recorded) != len(colors):
                raise TaskError(
                    f"{where}.colors has {len(recorded)} logits, the task {len(colors)} colours"
                )
            return recorded
