"""The four contracts that plug-ins fulfil: Task, Model, Detector, Report.

Data flows one way: a task's rows become cases, a model answers them, a detector looks at what was
drawn, the task scores and aggregates, a report shows. Nothing here imports a heavy library.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from pisces_eval.records import (
    Detection,
    Manifest,
    Metric,
    Perception,
    Response,
    Results,
    Sample,
    Score,
)

if TYPE_CHECKING:
    from PIL.Image import Image

PluginType = TypeVar("PluginType")


@dataclass(frozen=True)
class Picture:
    """An encoded image, in memory or in a file, read only when asked for."""

    source: bytes | Path
    name: str
    """What to call it in an error line."""

    def read(self) -> bytes:
        """The encoded bytes. Raises OSError if the file cannot be read."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) of the encoded bytes."""
        return hashlib.sha256(self.read()).hexdigest()


@dataclass(frozen=True)
class Ask:
    """Look at images, read a text, answer in words."""

    text: str
    images: tuple[Picture, ...] = ()
    max_new_tokens: int = 128
    stop: tuple[str, ...] = ()
    """Generation ends before the first of these."""
    temperature: float = 0.0
    task: str = ""
    id: str = ""
    seed: int = 0
    """Set by the engine from (run seed, task, sample id), as are task and id."""


@dataclass(frozen=True)
class Draw:
    """Draw one picture from a prompt."""

    prompt: str
    artifact: str
    """Where the PNG goes, relative to the task's folder of images; unique in the task."""
    companions: tuple[tuple[str, str], ...] = ()
    """(relative path, text) of files that belong beside the picture."""
    task: str = ""
    id: str = ""
    seed: int = 0


Request = Ask | Draw


@dataclass(frozen=True)
class Case:
    """One sample in its live form: the request with its pictures, and what the scorer needs."""

    id: str
    request: Request
    reference: Mapping[str, Any]
    """JSON types only: it is written to samples.jsonl and is all the scorer gets."""
    cluster: str
    category: str = ""
    gold: str = ""


Row = Mapping[str, Any]
"""One row of a data set; image columns hold a Picture or None."""


@dataclass(frozen=True)
class Rows:
    """Rows that are read when iterated, never all in memory, and the card that names them."""

    load: Callable[[], Iterator[Row]]
    count: int
    source: str
    revision: str | None = None
    notes: tuple[str, ...] = ()
    comparable: bool = True

    def __iter__(self) -> Iterator[Row]:
        return self.load()


@dataclass(frozen=True)
class DataRequest:
    """Where the user wants rows to come from; with nothing set, from the task's own home."""

    mini: bool = False
    data_dir: Path | None = None
    revision: str | None = None
    prompts: Path | None = None
    """For drawings: other wordings of the task's prompts, in its order; None for its own."""


@dataclass(frozen=True)
class Vocabulary:
    """What a detector is to look for. The order of both lists is part of the contract."""

    classes: tuple[str, ...]
    """Detector classes are matched to these by index, never by name."""
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """One drawing to look at."""

    id: str
    image: Image
    """RGB, EXIF orientation applied."""
    color_classes: frozenset[str]
    """Classes whose objects need colour logits."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a sample when it is scored."""

    response: Response
    perception: Perception | None = None


@dataclass(frozen=True)
class TaskInfo:
    """What one wants to know about a benchmark before running it."""

    name: str
    title: str
    kind: str
    """'ask' or 'draw'."""
    summary: str
    homepage: str
    licence: str
    citation: str
    dataset: str
    """Hub id, package or generator."""
    split: str
    protocols: tuple[str, ...]
    """Scorers by name; the first is the default."""
    protocol_note: str
    """What the protocols are and why the default is the default."""
    version: int
    """Raised when a prompt, a scorer or a generation argument changes."""
    vocabulary: Vocabulary | None = None
    """For drawings: what the detector is to look for."""
    published: Mapping[str, float] = field(default_factory=dict)
    """Reported headline figures by model, for scale; sources in the task's file."""


class Task(Protocol):
    """A benchmark: where rows come from, how they become requests, how responses become scores."""

    @property
    def info(self) -> TaskInfo:
        """What it is."""
        ...

    def rows(self, where: DataRequest) -> Rows:
        """Rows in the benchmark's order. Raises TaskError, EnvironmentFailure or UserError."""
        ...

    def cases(self, row: Row, number: int) -> Iterable[Case]:
        """The cases of one row (its 0-based number). Raises TaskError for a bad row."""
        ...

    def look(self, sample: Sample) -> frozenset[str]:
        """For drawings: the classes whose colours the verdict may ask for."""
        ...

    def score(self, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random) -> Score:
        """Judge one sample. rng is one stream per task and protocol, consumed in sample order."""
        ...

    def metrics(
        self, samples: Sequence[Sample], scores: Sequence[Score], protocol: str
    ) -> tuple[Metric, ...]:
        """Aggregate; samples and scores are parallel; failed scores are counted, not averaged."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """A task whose verdict hangs on numbers that one may turn, without model or detector."""

    @property
    def options(self) -> Mapping[str, float]:
        """Name to value; the reference scorer's values unless tuned."""
        ...

    def tuned(self, options: Mapping[str, float]) -> Task:
        """The task with other values. Raises UserError for an unknown name or an unfit value."""
        ...


@runtime_checkable
class Exports(Protocol):
    """A task that also writes the files of its reference scorer."""

    def exports(self, judged: Iterable[tuple[Sample, Evidence]]) -> Iterator[tuple[str, str]]:
        """(path relative to the task's folder, text) of each file."""
        ...


@runtime_checkable
class Watchful(Protocol):
    """A task that knows what broken scores look like."""

    def alarms(self, samples: Sequence[Sample], scores: Sequence[Score]) -> tuple[str, ...]:
        """One line for each thing that looks wrong; samples and scores are parallel."""
        ...


class Model(Protocol):
    """The model under test. Batching, seeds, retries, journals and progress are the engine's."""

    @property
    def capabilities(self) -> frozenset[str]:
        """A subset of {'answer', 'draw'}."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said wherever a number of this model shows; usually empty."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over all that decides its answers: weights, code version, settings."""
        ...

    def answer(self, requests: Sequence[Ask]) -> Sequence[str]:
        """One text per request, in order, independent of what else is in the batch."""
        ...

    def draw(self, requests: Sequence[Draw]) -> Sequence[Image]:
        """One RGB image per request, in order, decided by the request's prompt and seed alone."""
        ...


@runtime_checkable
class Replays(Protocol):
    """A model that repeats what was made elsewhere, and so can tell beforehand what it lacks."""

    def missing(self, cases: Iterable[tuple[str, Request]]) -> list[str]:
        """What it has no answer for, one clear phrase each, of (task name, request) pairs."""
        ...


class Detector(Protocol):
    """Finds objects, their masks and their colours in drawings."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said wherever its name shows."""
        ...

    @property
    def comparable(self) -> bool:
        """False for stand-ins whose verdicts are no GenEval numbers."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over weights, settings and code version."""
        ...

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """Detections of each drawing, those above 0.05 at least, in the order of looks."""
        ...


@dataclass(frozen=True)
class RunView:
    """A finished run as a report sees it."""

    path: Path
    manifest: Manifest
    results: Results
    samples: Callable[[str], Iterator[tuple[Sample, Evidence, tuple[Score, ...]]]]
    """Task name to its samples, streamed in order."""
    pictures: Callable[[str, frozenset[str]], Mapping[str, tuple[Picture, ...]]]
    """(task name, sample ids) to the pictures shown or drawn; ids without are left out."""


class Report(Protocol):
    """One output format."""

    @property
    def name(self) -> str:
        """How it is asked for."""
        ...

    @property
    def filename(self) -> str:
        """Its file in the run folder."""
        ...

    def render(self, run: RunView) -> str:
        """The whole file as text."""
        ...


Downloaded = Callable[[int, "int | None"], None]
"""Told (bytes so far, bytes in all or None if unknown)."""


@dataclass(frozen=True)
class Plugin(Generic[PluginType]):
    """How a model or detector is named and made; cheap to import, heavy only in load."""

    name: str
    usage: str
    """How it is written on the command line: 'images:FOLDER'."""
    summary: str
    load: Callable[[str], PluginType]
    """Takes what stands after the first colon, or the empty string."""
    capabilities: frozenset[str] = frozenset()
    """For models: what it can do, without loading it; empty if only loading tells."""
    requires: tuple[str, ...] = ()
    """Importable modules it needs beyond the core."""
    extra: str = ""
    """The extra of this distribution that installs them."""
    fetch: Callable[[Downloaded], Path] | None = None
    """Brings what load needs onto this machine and returns where it lies; None if nothing."""
    fetched: Callable[[], bool] = lambda: True
    """Whether what load needs by default is here."""
