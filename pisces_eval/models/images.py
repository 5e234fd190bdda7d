"""images:FOLDER scores pictures that were drawn elsewhere and saved in GenEval's official layout.

    FOLDER/00000/metadata.jsonl          optional: the row of the prompt, as one JSON object
    FOLDER/00000/samples/0000.png        0001.png … one picture per sample

Folder and file names are numbers of any width: GenEval's own scripts write 0000.png in one place
and 00000.png in another (github.com/djghosh13/geneval). Other files are ignored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pisces_eval.errors import ModelError, TaskError, UserError
from pisces_eval.interfaces import Ask, Draw, Model, Picture, Plugin, Request
from pisces_eval.store.digest import sha256_of

if TYPE_CHECKING:
    from PIL.Image import Image

_ROW = re.compile(r"[0-9]+")
_SAMPLE = re.compile(r"([0-9]+)\.png")
_ARTIFACT = re.compile(r"([0-9]+)/samples/([0-9]+)\.png")
_METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class _RowFolder:
    """One prompt's folder and its pictures by number."""

    path: Path
    samples: dict[int, Path]


class DrawnElsewhere:
    """A model that hands out the pictures of one folder."""

    capabilities = frozenset({"draw"})
    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        """Look the layout over. Raises UserError if it is missing or names a picture twice."""
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder of images; write images:FOLDER")
        self._rows = _scan(folder)
        if not self._rows:
            raise UserError(f"{folder}: no folder named by a row number in it (00000, 00001, …)")

    def fingerprint(self) -> str:
        """SHA-256 (hex) over row and sample numbers and the files' digests, in number order."""
        digest = hashlib.sha256()
        for row, folder in sorted(self._rows.items()):
            for number, path in sorted(folder.samples.items()):
                digest.update(f"{row:05}/samples/{number:04}.png {_sha256(path)}\n".encode())
        return digest.hexdigest()

    def missing(self, cases: Iterable[tuple[str, Request]]) -> list[str]:
        """One phrase for each row without a folder and each picture that is not in its folder.

        Raises UserError if a metadata.jsonl holds another prompt than the row of its number.
        """
        # A dict keeps the first mention's place and says a row without a folder only once.
        phrases: dict[str, None] = {}
        for task, request in cases:
            if isinstance(request, Draw):
                phrases.update(dict.fromkeys(self._lacking(task, request)))
        return list(phrases)

    def answer(self, requests: Sequence[Ask]) -> list[str]:
        """Never: raises ModelError."""
        raise ModelError("a folder of images answers no questions")

    def draw(self, requests: Sequence[Draw]) -> list[Image]:
        """The saved pictures as RGB.

        Raises UserError if one is missing or of another prompt, ModelError if it is unreadable.
        """
        return [self._picture(request) for request in requests]

    def _lacking(self, task: str, request: Draw) -> Iterator[str]:
        row, number = _place(request)
        folder = self._rows.get(row)
        if folder is None:
            yield f"{row:05}: no folder"
            return
        _check_metadata(folder.path, row, task, request)
        if number not in folder.samples:
            yield f"{row:05}: image {number} is missing (samples/{number:04}.png)"

    def _picture(self, request: Draw) -> Image:
        from pisces_eval.data.images import decode

        for phrase in self._lacking(request.task, request):
            raise UserError(f"images: {phrase}")
        row, number = _place(request)
        path = self._rows[row].samples[number]
        try:
            return decode(Picture(path, str(path)))
        except TaskError as error:
            raise ModelError(str(error)) from error


def _scan(folder: Path) -> dict[int, _RowFolder]:
    """The rows of a layout by number."""
    rows: dict[int, _RowFolder] = {}
    for path in sorted(folder.iterdir()):
        if not (_ROW.fullmatch(path.name) and path.is_dir()):
            continue
        number = int(path.name)
        if number in rows:
            raise UserError(f"{path}: row {number} is also {rows[number].path.name}; keep one")
        rows[number] = _RowFolder(path, _samples(path / "samples"))
    return rows


def _samples(folder: Path) -> dict[int, Path]:
    """The pictures of one row by number; none if there is no such folder."""
    samples: dict[int, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = _SAMPLE.fullmatch(path.name)
        if name is None:
            continue
        number = int(name[1])
        if number in samples:
            raise UserError(f"{path}: image {number} is also {samples[number].name}; keep one")
        samples[number] = path
    return samples


def _place(request: Draw) -> tuple[int, int]:
    """Row and sample number of a drawing. Raises UserError for a task of another layout."""
    place = _ARTIFACT.fullmatch(request.artifact)
    if place is None:
        raise UserError(
            f"images:FOLDER holds GenEval's layout; task {request.task} wants {request.artifact}"
        )
    return int(place[1]), int(place[2])


def _check_metadata(folder: Path, row: int, task: str, request: Draw) -> None:
    """Refuse a folder whose metadata.jsonl, if it has one, is not the row's."""
    wanted = [text for path, text in request.companions if path.endswith(f"/{_METADATA}")]
    path = folder / _METADATA
    if not wanted or not path.exists():
        return
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path}: not one JSON object ({error}); write it again") from error
    if found != msgspec.json.decode(wanted[0]):
        raise UserError(
            f"{path} is another prompt than {task}'s row {row}; draw it again from that row"
        )


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _load(argument: str) -> Model:
    """The folder as a model. Raises UserError if it is not such a folder."""
    if not argument:
        raise UserError("model images needs a folder of drawings: write images:FOLDER")
    return DrawnElsewhere(Path(argument))


MODEL: Plugin[Model] = Plugin(
    name="images",
    usage="images:FOLDER",
    summary="pictures drawn elsewhere, in GenEval's official layout",
    load=_load,
    capabilities=frozenset({"draw"}),
    requires=("PIL",),
)
