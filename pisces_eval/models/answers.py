"""answers:FILE.jsonl scores answers that were given elsewhere.

One JSON object a line, with these fields and no others:

    {"id": "validation_Art_1", "text": "B", "task": "mmmu_val"}

``id`` is the sample's id and ``text`` the model's whole answer. ``task`` is optional: a line
without it serves any task that has the id, and a line with it goes before one without. Lines whose
id no task asks for are ignored; empty lines too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pisces_eval.errors import ModelError, UserError
from pisces_eval.interfaces import Ask, Draw, Model, Plugin, Request

if TYPE_CHECKING:
    from PIL.Image import Image

_Key = tuple[str, str]
"""Task, or the empty string for any, and sample id."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer as it is written in the file."""

    id: str
    text: str
    task: str = ""


class GivenElsewhere:
    """A model that repeats the answers of one file."""

    capabilities = frozenset({"answer"})
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Read the file. Raises UserError that names the line if one cannot be used."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
        self._path = path
        self._fingerprint = hashlib.sha256(content).hexdigest()
        self._texts = _parse(content, path)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the file's bytes."""
        return self._fingerprint

    def missing(self, cases: Iterable[tuple[str, Request]]) -> list[str]:
        """One phrase for each question that the file does not answer."""
        return [
            f"{task}: no answer for {request.id}"
            for task, request in cases
            if isinstance(request, Ask) and self._find(task, request.id) is None
        ]

    def answer(self, requests: Sequence[Ask]) -> list[str]:
        """The file's texts. Raises UserError for a question that it does not answer."""
        return [self._answer(request) for request in requests]

    def draw(self, requests: Sequence[Draw]) -> list[Image]:
        """Never: raises ModelError."""
        raise ModelError("a file of answers draws no pictures")

    def _answer(self, request: Ask) -> str:
        text = self._find(request.task, request.id)
        if text is None:
            raise UserError(f"{self._path}: no answer for {request.id} of {request.task}")
        return text

    def _find(self, task: str, sample: str) -> str | None:
        return self._texts.get((task, sample), self._texts.get(("", sample)))


def _parse(content: bytes, path: Path) -> dict[_Key, str]:
    """The texts of all lines. Raises UserError for a bad line or two that contradict each other."""
    decoder = msgspec.json.Decoder(_Line)
    texts: dict[_Key, str] = {}
    first: dict[_Key, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            parsed = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{path}:{number}: {error}") from error
        key = (parsed.task, parsed.id)
        if texts.setdefault(key, parsed.text) != parsed.text:
            raise UserError(
                f"{path}:{number}: another text for {parsed.id} than line {first[key]}; keep one"
            )
        first.setdefault(key, number)
    return texts


def _load(argument: str) -> Model:
    """The file as a model. Raises UserError if it cannot be used."""
    if not argument:
        raise UserError("model answers needs a file: write answers:FILE.jsonl")
    return GivenElsewhere(Path(argument))


MODEL: Plugin[Model] = Plugin(
    name="answers",
    usage="answers:FILE.jsonl",
    summary="answers given elsewhere: lines of id, text and, if need be, task",
    load=_load,
    capabilities=frozenset({"answer"}),
)
