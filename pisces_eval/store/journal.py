"""Append-only JSON lines that survive a kill at any byte."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, Protocol, TypeVar

import msgspec

from pisces_eval.errors import UserError

SYNC_SECONDS = 1.0
"""At most this much work is lost if the machine itself loses power; a killed process loses none."""


class Identified(Protocol):
    """A record that names its sample."""

    @property
    def id(self) -> str:
        """The sample's id."""
        ...


class _Id(msgspec.Struct):
    """The id of any record: an index need not decode the rest."""

    id: str


RecordType = TypeVar("RecordType", bound=Identified)
Decoded = TypeVar("Decoded")


class Journal(Generic[RecordType]):
    """One file of records of one type. A later line for an id replaces an earlier one."""

    def __init__(self, path: Path, record_type: type[RecordType]) -> None:
        self.path = path
        self._decoder = msgspec.json.Decoder(record_type)

    def __iter__(self) -> Iterator[RecordType]:
        """All whole lines, in the order of the file. Raises UserError for a line it cannot read."""
        for _, record in self._scan(self._decoder):
            yield record

    def index(self) -> dict[str, int]:
        """Sample id to the byte offset of its newest line."""
        return {record.id: offset for offset, record in self._scan(msgspec.json.Decoder(_Id))}

    def read(self, offsets: Sequence[int | None]) -> Iterator[RecordType | None]:
        """The records at these offsets, in the order asked for; None gives None."""
        with self.path.open("rb") as file:
            for offset in offsets:
                if offset is None:
                    yield None
                    continue
                file.seek(offset)
                yield self._decode(self._decoder, file.readline(), f"at byte {offset}")

    def append(self) -> Appender:
        """Opens the file to add lines, after cutting off a last line torn by a kill."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return Appender(self.path)

    def _scan(self, decoder: msgspec.json.Decoder[Decoded]) -> Iterator[tuple[int, Decoded]]:
        if not self.path.exists():
            return
        offset = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                yield offset, self._decode(decoder, line, f"line {number}")
                offset += len(line)

    def _decode(self, decoder: msgspec.json.Decoder[Decoded], line: bytes, where: str) -> Decoded:
        try:
            return decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.path} {where} cannot be read ({error}); the file was changed by something "
                "else: restore it, or start a new run with --out"
            ) from error


class Appender:
    """Adds lines to a journal; every batch is one write, forced to the disk once a second."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("ab")
        _cut_torn_line(path)
        self._synced = time.monotonic()

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._sync()
        finally:
            self._file.close()

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        """Adds one line a record. Raises OSError if the disk is full."""
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        self._file.write(lines)
        self._file.flush()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            file.truncate(end)
