"""Where things lie in a run folder, and how whole files are put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from pisces_eval.errors import TaskError, UserError
from pisces_eval.records import Manifest, Perception, Response, Results, Sample, Score
from pisces_eval.store.journal import Journal

StructType = TypeVar("StructType", bound=msgspec.Struct)
LOCK_NAME = ".lock"
PART = ".part"
"""What ends the name of a file that is not whole yet."""
BEGINNINGS = {LOCK_NAME, "manifest.json.part", "samples.jsonl", "samples.jsonl.draft"}
"""What a run that was killed before its manifest was written leaves behind."""


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run. Nothing is read or made until asked for."""

    path: Path

    @property
    def manifest(self) -> Path:
        """Plan and provenance."""
        return self.path / "manifest.json"

    @property
    def results(self) -> Path:
        """All numbers."""
        return self.path / "results.json"

    def samples(self, task: str) -> Journal[Sample]:
        """What was asked, written before the first answer."""
        return Journal(self.path / task / "samples.jsonl", Sample)

    def responses(self, task: str) -> Journal[Response]:
        """What the model gave."""
        return Journal(self.path / task / "responses.jsonl", Response)

    def perceptions(self, task: str) -> Journal[Perception]:
        """What the detector saw."""
        return Journal(self.path / task / "detections.jsonl", Perception)

    def scores(self, task: str) -> Journal[Score]:
        """How each sample was judged."""
        return Journal(self.path / task / "scores.jsonl", Score)

    def image(self, task: str, artifact: str) -> Path:
        """Where a drawing or its companion lies. Raises TaskError if it would leave the folder."""
        return self.path / task / "images" / _inside(task, artifact)

    def export(self, task: str, name: str) -> Path:
        """Where a file of the reference scorer lies. Raises TaskError as image does."""
        return self.path / task / _inside(task, name)

    def read_manifest(self) -> Manifest:
        """The manifest. Raises UserError if the folder is no run folder."""
        return self._read(self.manifest, Manifest, "it is no run folder of pisces-eval")

    def read_results(self) -> Results:
        """The results. Raises UserError if the run has not got that far."""
        return self._read(
            self.results, Results, "the run is not finished: run the same command again"
        )

    def refuse_strangers(self) -> None:
        """Raises UserError if a folder without a manifest holds more than a killed start leaves.

        Answers that no manifest vouches for must not pass for those of a new run.
        """
        files = (path for path in self.path.rglob("*") if path.is_file())
        stranger = next((path for path in files if path.name not in BEGINNINGS), None)
        if stranger is not None:
            raise UserError(
                f"{self.path} holds {stranger.relative_to(self.path)} but no manifest.json: it is "
                "no run, or has lost its manifest; choose another --out"
            )

    def _read(self, path: Path, kind: type[StructType], advice: str) -> StructType:
        if not path.is_file():
            raise UserError(f"{path} does not exist; {advice}")
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} cannot be read ({error}); it was changed, or made by another version: "
                "restore it, or start a new run with --out"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one writer. Raises UserError if another process has it."""
        from filelock import FileLock, Timeout

        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UserError(
                f"{self.path} cannot be a run folder: there is a file of that name; "
                "choose another --out"
            ) from error
        lock = FileLock(self.path / LOCK_NAME)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(
                f"another process is writing to {self.path}; wait for it, or choose another --out"
            ) from error
        try:
            yield
        finally:
            # Unlinked while it is held: later, it could be the lock of the next process.
            (self.path / LOCK_NAME).unlink(missing_ok=True)
            lock.release()


def _inside(task: str, name: str) -> PurePosixPath:
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or not inside.parts or "\\" in name:
        raise TaskError(f"task {task} names the file '{name}', which leaves the run folder")
    return inside


def write_whole(path: Path, content: bytes) -> None:
    """Replaces a file so that a reader sees the old or the new one, never half. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def pretty_json(value: Any) -> bytes:
    """A record as indented JSON with a last newline; equal records give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
