"""From what the user wants to what will run: tasks, rows, cases, and the run's identity."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from pisces_eval.data.sources import refuse_contradictions
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Case, DataRequest, Detector, Model, Rows, Task
from pisces_eval.records import DataCard, Identity, PluginCard, TaskPlan, fingerprint
from pisces_eval.registry import Registry
from pisces_eval.run.requests import write_down
from pisces_eval.store.folder import RunFolder

DEFAULT_MODEL = "pisces-tiny"
DEFAULT_DETECTOR = "mask2former"
MINI_DETECTOR = "mini"
"""A mini run must need no download."""


@dataclass(frozen=True)
class RunSpec:
    """What the user wants."""

    tasks: tuple[str, ...]
    model: str = DEFAULT_MODEL
    detector: str = DEFAULT_DETECTOR
    data: DataRequest = field(default_factory=DataRequest)
    limit: int | None = None
    """Rows a task, the first ones; None for all."""
    seed: int = 42
    batch_size: int = 8
    """Decides speed only: answers do not depend on it."""
    partial: bool = False
    """For models that replay: leave out what they lack, and say so beside every number."""
    out: Path | None = None
    """The run folder; None derives one from the other fields, so that the same command resumes."""

    def __post_init__(self) -> None:
        if self.limit is not None and not 1 <= self.limit <= sys.maxsize:
            raise UserError(f"--limit {self.limit}: at least 1 row a task is needed")
        if not 1 <= self.batch_size <= sys.maxsize:
            raise UserError(f"--batch-size {self.batch_size}: at least 1 is needed")

    @property
    def folder(self) -> Path:
        """Where the run goes."""
        if self.out is not None:
            return self.out
        wishes = [
            list(self.tasks),
            self.model,
            self.detector,
            self.data.mini,
            str(self.data.data_dir),
            self.data.revision,
            str(self.data.prompts),
            self.partial,
            self.limit,
            self.seed,
        ]
        model = self.model.partition(":")[0]
        tasks = "+".join(self.tasks) if len(self.tasks) <= 3 else f"{len(self.tasks)}-tasks"
        mini = "-mini" if self.data.mini else ""
        return Path("runs") / f"{model}-{tasks}{mini}-{fingerprint(wishes)[:8]}"


@dataclass(frozen=True)
class PlannedTask:
    """A task with its rows at hand, read anew at each iteration."""

    task: Task
    rows: Rows
    limit: int | None
    without: frozenset[str] = frozenset()
    """Ids of cases that a partial replay lacks."""

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.info.name

    def cases(self) -> Iterator[Case]:
        """All cases in order, one at a time. Raises TaskError for a bad row."""
        for number, row in enumerate(islice(self.rows, self.limit)):
            cases = self.task.cases(row, number)
            yield from (case for case in cases if case.id not in self.without)

    @property
    def row_count(self) -> int:
        """Rows that will be used."""
        return self.rows.count if self.limit is None else min(self.limit, self.rows.count)


def plan_tasks(spec: RunSpec, registry: Registry) -> tuple[PlannedTask, ...]:
    """Finds the tasks and opens their data. Raises UserError, TaskError, EnvironmentFailure."""
    refuse_contradictions(spec.data)
    tasks = [registry.task(name) for name in spec.tasks]
    return tuple(PlannedTask(task, task.rows(spec.data), spec.limit) for task in tasks)


def check_capabilities(tasks: Sequence[PlannedTask], model: Model, spec: RunSpec) -> None:
    """Raises UserError if a task needs what the model cannot do."""
    for planned in tasks:
        kind = planned.task.info.kind
        needed = "answer" if kind == "ask" else "draw"
        if needed not in model.capabilities:
            able = ", ".join(sorted(model.capabilities)) or "nothing"
            raise UserError(
                f"task {planned.name} needs a model that can {needed}, and {spec.model} can "
                f"{able}; leave the task out of --tasks or choose another --model"
            )


def draft_samples(planned: PlannedTask, folder: RunFolder, detector: Detector | None) -> TaskPlan:
    """Writes what will be asked to a draft and returns the task's part of the identity.

    The draft becomes samples.jsonl by adopt_samples once the run folder is known to be this run's.
    Raises TaskError for a bad row, an id used twice, or no rows at all.
    """
    content, requests, seen = hashlib.sha256(), hashlib.sha256(), set()
    draft = _draft(folder, planned.name)
    draft.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as file:
        for case in planned.cases():
            sample = write_down(case, planned.name)
            if sample.id in seen:
                raise TaskError(f"task {planned.name} has two samples called '{sample.id}'")
            seen.add(sample.id)
            line = msgspec.json.encode(sample, order="sorted") + b"\n"
            requests.update(sample.request.encode())
            content.update(line)
            file.write(line)
    if not seen:
        raise TaskError(f"task {planned.name} has no samples in {planned.rows.source}")
    return _task_plan(planned, content.hexdigest(), requests.hexdigest(), len(seen), detector)


def adopt_samples(tasks: Sequence[PlannedTask], folder: RunFolder) -> None:
    """Turns the drafts into the run's samples."""
    for planned in tasks:
        _draft(folder, planned.name).replace(folder.samples(planned.name).path)


def drop_drafts(tasks: Sequence[PlannedTask], folder: RunFolder) -> None:
    """Leaves the run folder as it was."""
    for planned in tasks:
        draft = _draft(folder, planned.name)
        draft.unlink(missing_ok=True)
        if draft.parent.is_dir() and not any(draft.parent.iterdir()):
            draft.parent.rmdir()


def _draft(folder: RunFolder, task: str) -> Path:
    return folder.path / task / "samples.jsonl.draft"


def _task_plan(
    planned: PlannedTask, content: str, requests: str, samples: int, detector: Detector | None
) -> TaskPlan:
    info, rows = planned.task.info, planned.rows
    notes, comparable = list(rows.notes), rows.comparable
    if planned.row_count < rows.count:
        notes.append(
            f"limited to the first {planned.row_count} of {rows.count} rows, not comparable"
        )
        comparable = False
    if planned.without:
        total = samples + len(planned.without)
        notes.append(f"partial: {samples} of {total} samples, not comparable")
        comparable = False
    if detector is not None and info.kind == "draw":
        notes.extend(detector.notes)
        comparable = comparable and detector.comparable
    return TaskPlan(
        name=info.name,
        fingerprint=fingerprint(
            [info.name, info.version, info.protocols, info.vocabulary, requests]
        ),
        protocols=info.protocols,
        data=DataCard(
            source=rows.source,
            revision=rows.revision,
            rows=planned.row_count,
            fingerprint=content,
        ),
        samples=samples,
        comparable=comparable,
        notes=tuple(notes),
    )


def identify(
    spec: RunSpec, model: Model, detector: Detector | None, tasks: tuple[TaskPlan, ...]
) -> Identity:
    """All that decides the numbers of a run."""
    return Identity(
        model=PluginCard(spec=spec.model, fingerprint=model.fingerprint(), notes=model.notes),
        detector=None
        if detector is None
        else PluginCard(
            spec=spec.detector, fingerprint=detector.fingerprint(), notes=detector.notes
        ),
        tasks=tasks,
        seed=spec.seed,
        limit=spec.limit,
    )


def differences(old: Identity, new: Identity) -> list[str]:
    """Where two identities differ, as 'path: old → new', for people; causes without effects."""
    found = list(_differences(msgspec.to_builtins(old), msgspec.to_builtins(new), ""))
    # A --limit or a --detector changes what is written of the tasks, too.
    settings = [difference for difference in found if not difference.startswith("tasks[")]
    return settings or found


def changed_data(old: Identity, new: Identity) -> list[str]:
    """Tasks whose rows or prompts alone have changed, if nothing else has."""
    if _settings(old) != _settings(new):
        return []
    return [
        after.name
        for before, after in zip(old.tasks, new.tasks, strict=True)
        if before.data.fingerprint != after.data.fingerprint
    ]


def _settings(identity: Identity) -> object:
    where = [(task.name, task.data.source, task.data.revision) for task in identity.tasks]
    return (identity.model, identity.detector, identity.seed, identity.limit, where)


def _differences(old: object, new: object, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(new.keys() - old.keys())]:
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, f"{path}[{number}]")
    elif old != new:
        yield f"{path}: {_short(old)} → {_short(new)}"


def _short(value: object) -> str:
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(item["name"] if isinstance(item, dict) else item) for item in value)
    text = str(value)
    return text if len(text) <= 40 else text[:12] + "…"
