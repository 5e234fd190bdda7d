"""What a run writes down.

Every record is frozen, refuses unknown fields, and goes to JSON and back without loss. This module
imports nothing of ours: any other program may read a run folder with these few types alone.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1
"""Version of every file in a run folder; a change that old readers cannot read raises it."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of all records."""


def fingerprint(value: object) -> str:
    """SHA-256 (hex) of a value's canonical JSON: keys sorted, no spaces, shortest floats, UTF-8."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


class Failure(Record, frozen=True, kw_only=True):
    """Why a sample has no answer or no score: a third state, neither right nor wrong."""

    blame: Literal["data", "model", "detector"]
    message: str


class Sample(Record, frozen=True, kw_only=True):
    """One question or one picture to draw, as a scorer and a reader need it: no image bytes."""

    id: str
    """Unique in its task."""
    kind: Literal["ask", "draw"]
    prompt: str
    images: tuple[str, ...] = ()
    """SHA-256 of each image shown, in order."""
    reference: dict[str, Any]
    """What the scorer compares with, in JSON types; its keys are the task's own."""
    gold: str = ""
    """The expected answer in words, for people."""
    category: str = ""
    """The stratum by which a task breaks its score down; empty for none."""
    cluster: str
    """Samples that share an image or a prompt share a cluster: they do not err independently."""
    artifact: str = ""
    """For a drawing: where its PNG lies, relative to the task's folder of images."""
    request: str
    """Fingerprint of the request without its seed: change a prompt and this changes."""


class Response(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What the model gave for one sample."""

    id: str
    request: str
    """Fingerprint of the request that was sent, seed included."""
    text: str | None = None
    image: str | None = None
    """For a drawing: SHA-256 of the PNG file."""
    failure: Failure | None = None


class Mask(Record, frozen=True, kw_only=True):
    """A binary mask as COCO run lengths (pycocotools' compressed counts)."""

    size: tuple[int, int]
    """Height, width in pixels."""
    counts: str


class Detection(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One object that a detector found."""

    label: str
    score: float
    """Confidence, 0 to 1."""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels of the original image; right and bottom edges are exclusive."""
    mask: Mask | None = None
    colors: tuple[float, ...] | None = None
    """One logit per colour of the vocabulary, in its order; none where no verdict can ask."""


class Perception(Record, frozen=True, kw_only=True, omit_defaults=True):
    """All that a detector saw in one drawing. Verdicts are pure functions of it."""

    id: str
    image: str
    """SHA-256 of the PNG that was looked at."""
    size: tuple[int, int] = (0, 0)
    """Width, height in pixels."""
    detections: tuple[Detection, ...] = ()
    failure: Failure | None = None


class Score(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One sample judged under one protocol."""

    id: str
    protocol: str
    values: dict[str, float] = {}
    """Metric name to value; empty if the sample failed."""
    answer: str | None = None
    """What was extracted from the response, for people."""
    unparsed: bool = False
    """No answer could be extracted."""
    guessed: bool = False
    """The protocol demands a random guess for an unparsable answer, and this is one."""
    flags: tuple[str, ...] = ()
    """What makes this score doubtful, in the task's own short words."""
    reason: str = ""
    """Why it is wrong, in the reference scorer's words where it has any."""
    failure: Failure | None = None


class Estimate(Record, frozen=True, kw_only=True):
    """A number with what one must know to trust it."""

    value: float | None
    """None if nothing could be scored."""
    stderr: float | None
    ci95: tuple[float, float] | None
    n: int
    """Samples scored."""
    clusters: int
    unparsed: int
    guessed: int
    errors: int
    """Samples that failed and are left out of the value."""
    method: str
    """How stderr and interval were computed."""


class Metric(Record, frozen=True, kw_only=True):
    """One metric of one task, over all samples and by group."""

    name: str
    higher_is_better: bool
    bounds: tuple[float, float] | None
    """The smallest and the largest possible value."""
    overall: Estimate
    groups: dict[str, Estimate]
    """By category: the benchmark's own breakdown."""


class TaskResult(Record, frozen=True, kw_only=True):
    """One task scored under one protocol."""

    task: str
    protocol: str
    fingerprint: str
    """Of the task: its prompts, scorer version and generation arguments."""
    data: str
    """Where the rows came from, in words."""
    comparable: bool
    """False for mini data, limited runs and stand-in detectors: see notes."""
    notes: tuple[str, ...]
    """What must be said wherever a number of this task shows."""
    alarms: tuple[str, ...] = ()
    """What looks wrong in the scores themselves: a broken detector, doubtful samples."""
    metrics: tuple[Metric, ...]
    """The first is the headline."""


class Results(Record, frozen=True, kw_only=True):
    """results.json: the same answers give the same bytes. Nothing of the clock is in it."""

    schema_version: int = SCHEMA_VERSION
    model: str
    identity: str
    """Fingerprint of the manifest's identity."""
    results: tuple[TaskResult, ...]


class PluginCard(Record, frozen=True, kw_only=True):
    """A model or a detector as it was used."""

    spec: str
    fingerprint: str
    notes: tuple[str, ...] = ()


class DataCard(Record, frozen=True, kw_only=True):
    """Where a task's rows came from, and exactly which they were."""

    source: str
    """In words: 'mini', 'hub lmms-lab-encoder/MMMU validation', 'package easy-vqa 1.0'."""
    revision: str | None
    """The commit that the hub resolved; None where there is none."""
    rows: int
    fingerprint: str
    """Over the written-down form of all samples: prompts, references and image digests."""


class TaskPlan(Record, frozen=True, kw_only=True):
    """One task of a run."""

    name: str
    fingerprint: str
    protocols: tuple[str, ...]
    data: DataCard
    samples: int
    comparable: bool
    notes: tuple[str, ...]


class Identity(Record, frozen=True, kw_only=True):
    """All that decides the numbers. Two runs with equal identities have equal results."""

    schema_version: int = SCHEMA_VERSION
    model: PluginCard
    detector: PluginCard | None
    tasks: tuple[TaskPlan, ...]
    seed: int
    limit: int | None


class Provenance(Record, frozen=True, kw_only=True):
    """Where and with what a run was made; it may differ between runs with equal results."""

    version: str
    python: str
    platform: str
    packages: dict[str, str]
    command: tuple[str, ...]
    batch_size: int


class DataWish(Record, frozen=True, kw_only=True):
    """Where the user wanted rows to come from, so that a report can show their pictures again."""

    mini: bool
    data_dir: str | None
    revision: str | None


class StageTiming(Record, frozen=True, kw_only=True):
    """What one stage of one task took in one sitting."""

    task: str
    stage: str
    samples: int
    seconds: float


class Manifest(Record, frozen=True, kw_only=True):
    """manifest.json: plan and provenance, before the first sample; timings after each stage."""

    schema_version: int = SCHEMA_VERSION
    identity: Identity
    provenance: Provenance
    data: DataWish
    timings: tuple[StageTiming, ...] = ()
