"""Detections made elsewhere or in an earlier run, read from a file: no network, no GPU."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pisces_eval.detectors import _recording
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Detector, Look, Plugin, Vocabulary
from pisces_eval.records import Detection, fingerprint

VERSION = 1
"""Raised when the same file comes to mean other detections."""


@dataclass(frozen=True)
class Entry:
    """Where a drawing's line stands, and what decides whether a later one may replace it."""

    number: int
    """Counted from 1."""
    offset: int
    """In bytes."""
    image: str
    failed: bool

    def gives_way_to(self, image: str) -> bool:
        """Whether it was a failure or of another picture, as a resumed run leaves behind."""
        return self.failed or (self.image != "" and image not in ("", self.image))


class ReplayedFailure(Exception):
    """The recorded detector failed on this drawing. It costs this drawing only, then as now."""


class RecordedDetector:
    """Looks detections up by the drawing's id; only an index of the file stays in memory."""

    comparable = False

    def __init__(self, path: Path) -> None:
        """Raises UserError for a file that is not of the form in docs/detections.md."""
        self._path = path
        self._index: dict[str, Entry] = {}
        self._sha256 = self._read_index()
        self.notes: tuple[str, ...] = (
            f"detections replayed from {path.name}: as good as the detector that made them",
        )

    def fingerprint(self) -> str:
        """SHA-256 over the file and the code version."""
        return fingerprint(["recorded", VERSION, self._sha256])

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """The recorded detections of each drawing, in the file's order.

        Raises TaskError, which names file and line, for a drawing that the file lacks, for another
        picture size, and for classes, colours or masks that make no sense; ReplayedFailure for a
        drawing that is recorded as failed.
        """
        missing = [look.id for look in looks if look.id not in self._index]
        if missing:
            raise TaskError(
                f"{self._path} has no line with id {missing[0]!r} "
                f"({len(missing)} of the {len(looks)} drawings in this batch lack one): "
                "add what was detected in it, an empty list included"
            )
        with self._path.open("rb") as file:
            return [self._replay(file, look, vocabulary) for look in looks]

    def _replay(self, file: BinaryIO, look: Look, vocabulary: Vocabulary) -> tuple[Detection, ...]:
        """One drawing's detections."""
        entry = self._index[look.id]
        where = f"{self._path}:{entry.number}"
        file.seek(entry.offset)
        recorded = _recording.parse(file.readline(), where)
        if recorded.failure is not None:
            raise ReplayedFailure(f"{where}: recorded as failed: {recorded.failure.message}")
        if recorded.size != look.image.size:
            raise TaskError(
                f"{where}: recorded for a picture of {recorded.size[0]}x{recorded.size[1]}, but "
                f"{look.id} has {look.image.width}x{look.image.height}"
            )
        return tuple(
            _recording.to_detection(each, vocabulary, f"{where}: detections[{number}]")
            for number, each in enumerate(recorded.detections)
        )

    def _read_index(self) -> str:
        """Checks every line, notes where it stands, and returns the file's SHA-256 (hex)."""
        digest = hashlib.sha256()
        offset = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                where = f"{self._path}:{number}"
                recorded = _recording.parse(line, where)
                earlier = self._index.get(recorded.id)
                if earlier is not None and not earlier.gives_way_to(recorded.image):
                    raise UserError(
                        f"{where}: id {recorded.id!r} stands in line {earlier.number} already"
                    )
                failed = recorded.failure is not None
                self._index[recorded.id] = Entry(number, offset, recorded.image, failed)
                digest.update(line)
                offset += len(line)
        return digest.hexdigest()


def load(argument: str) -> Detector:
    """The detector that replays a file. Raises UserError if it is missing or not of the form."""
    path = Path(argument)
    if not argument or not path.is_file():
        raise UserError(f"detector recorded: no file {argument!r}; write recorded:FILE.jsonl")
    return RecordedDetector(path)


DETECTOR: Plugin[Detector] = Plugin(
    name="recorded",
    usage="recorded:FILE.jsonl",
    summary="detections replayed from a file, such as an earlier run's detections.jsonl",
    load=load,
)
