"""The whole way: plan → respond → perceive → score → report → seal; and its later half alone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pisces_eval.errors import ExitCode, TaskError, UserError
from pisces_eval.interfaces import Detector, Model, Replays
from pisces_eval.records import (
    DataWish,
    Failure,
    Identity,
    Manifest,
    Results,
    StageTiming,
    TaskPlan,
)
from pisces_eval.registry import Registry
from pisces_eval.run.perceive import perceive
from pisces_eval.run.plan import (
    PlannedTask,
    RunSpec,
    adopt_samples,
    changed_data,
    check_capabilities,
    differences,
    draft_samples,
    drop_drafts,
    identify,
    plan_tasks,
)
from pisces_eval.run.progress import Progress
from pisces_eval.run.provenance import describe_machine
from pisces_eval.run.requests import seeded
from pisces_eval.run.respond import respond
from pisces_eval.run.score import score_run
from pisces_eval.run.view import view_run
from pisces_eval.store.folder import RunFolder, pretty_json, write_whole
from pisces_eval.store.seal import write_seal


@dataclass(frozen=True)
class Outcome:
    """What a command on a run folder ends with."""

    folder: RunFolder
    results: Results
    failures: tuple[tuple[str, Failure], ...] = ()
    """Every failed sample, as (task/sample, failure)."""
    reports: tuple[Path, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """0, or 3 if data is bad, or 4 if the model or the detector failed on a sample."""
        if any(failure.blame != "data" for _, failure in self.failures):
            return ExitCode.INCOMPLETE
        return ExitCode.MISSING if self.failures else ExitCode.OK


@dataclass
class _Clock:
    """The timings of one sitting, kept in the manifest."""

    folder: RunFolder
    manifest: Manifest
    timings: list[StageTiming] = field(default_factory=list)

    @contextmanager
    def stage(self, task: str, name: str) -> Iterator[list[int]]:
        """Times a stage; the caller appends the samples it did to the list it is given."""
        counts: list[int] = []
        start = time.monotonic()
        yield counts
        seconds = round(time.monotonic() - start, 3)
        if sum(counts):
            self.timings.append(
                StageTiming(task=task, stage=name, samples=sum(counts), seconds=seconds)
            )
            _write_manifest(self.folder, self.manifest, (*self.manifest.timings, *self.timings))


def evaluate(
    spec: RunSpec, registry: Registry, progress: Progress, command: Sequence[str]
) -> Outcome:
    """Runs or resumes an evaluation and leaves a complete, sealed run folder.

    Raises UserError, TaskError, EnvironmentFailure or ModelError; whatever was journaled by then
    stays, and the same call goes on from there.
    """
    folder = RunFolder(spec.folder)
    planned = plan_tasks(spec, registry)
    draws = any(p.task.info.kind == "draw" for p in planned)
    # Before the model, which may take minutes to load.
    detector = registry.detector(spec.detector) if draws else None
    model = registry.model(spec.model)
    check_capabilities(planned, model, spec)
    planned = _settle_replay(planned, model, spec)
    with folder.locked():
        manifest = _open_run(spec, folder, planned, model, detector, command)
        clock = _Clock(folder, manifest)
        for task, plan in zip(planned, manifest.identity.tasks, strict=True):
            _gather(task, plan, spec, model, detector, folder, progress, clock)
        return _finish(manifest.identity, folder, registry, progress)


def rescore(path: Path, registry: Registry, progress: Progress) -> Outcome:
    """Scores a run again from its journals, without its model. Raises UserError."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    with folder.locked():
        return _finish(manifest.identity, folder, registry, progress)


def rereport(path: Path, registry: Registry) -> Outcome:
    """Writes the reports of a run again from its results. Raises UserError."""
    folder = RunFolder(path)
    manifest, results = folder.read_manifest(), folder.read_results()
    with folder.locked():
        reports = _write_reports(folder, registry)
        write_seal(folder.path)
    return Outcome(folder, results, tuple(_failures(folder, manifest.identity)), reports)


def _settle_replay(
    planned: Sequence[PlannedTask], model: Model, spec: RunSpec
) -> tuple[PlannedTask, ...]:
    """The tasks as far as a replaying model has answers. Raises TaskError if it lacks some."""
    if not isinstance(model, Replays):
        return tuple(planned)
    if spec.partial:
        return tuple(_without_missing(task, model, spec) for task in planned)
    cases = ((p.name, seeded(case, p.name, spec.seed)) for p in planned for case in p.cases())
    missing = model.missing(cases)
    if missing:
        shown = "; ".join(missing[:3]) + (f"; and {len(missing) - 3} more" if missing[3:] else "")
        raise TaskError(
            f"{spec.model} is not complete: {shown}. Add what is missing, ask for less by --limit "
            "or other --tasks, or accept a partial result by --partial"
        )
    return tuple(planned)


def _without_missing(planned: PlannedTask, model: Replays, spec: RunSpec) -> PlannedTask:
    missing = frozenset(
        case.id
        for case in planned.cases()
        if model.missing([(planned.name, seeded(case, planned.name, spec.seed))])
    )
    return dataclasses.replace(planned, without=missing)


def _open_run(
    spec: RunSpec,
    folder: RunFolder,
    planned: Sequence[PlannedTask],
    model: Model,
    detector: Detector | None,
    command: Sequence[str],
) -> Manifest:
    """The manifest of a new run, or of the one that is there if it is the same run."""
    try:
        plans = tuple(draft_samples(task, folder, detector) for task in planned)
        identity = identify(spec, model, detector, plans)
        old = folder.read_manifest() if folder.manifest.exists() else None
        if old is None:
            folder.refuse_strangers()
        elif old.identity != identity:
            raise _other_run(folder, old.identity, identity)
        adopt_samples(planned, folder)
    finally:
        drop_drafts(planned, folder)
    if old is not None:
        return old
    manifest = Manifest(
        identity=identity,
        provenance=describe_machine(command, spec.batch_size),
        data=DataWish(
            mini=spec.data.mini,
            data_dir=None if spec.data.data_dir is None else str(spec.data.data_dir.resolve()),
            revision=spec.data.revision,
        ),
    )
    _write_manifest(folder, manifest, ())
    return manifest


def _other_run(folder: RunFolder, old: Identity, new: Identity) -> UserError:
    tasks = changed_data(old, new)
    if tasks:
        return UserError(
            f"the data or prompts of {', '.join(tasks)} have changed since {folder.path} was made; "
            "choose another --out for them as they are now, or put the old ones back"
        )
    shown = "; ".join(differences(old, new)[:5])
    return UserError(
        f"{folder.path} holds a run made with other settings ({shown}); choose another --out, or "
        "repeat the settings it was made with"
    )


def _gather(
    planned: PlannedTask,
    plan: TaskPlan,
    spec: RunSpec,
    model: Model,
    detector: Detector | None,
    folder: RunFolder,
    progress: Progress,
    clock: _Clock,
) -> None:
    with clock.stage(planned.name, "respond") as counts:
        counts.append(
            respond(
                planned,
                model,
                folder,
                run_seed=spec.seed,
                batch_size=spec.batch_size,
                total=plan.samples,
                progress=progress,
            )
        )
    if detector is None or planned.task.info.kind != "draw":
        return
    with clock.stage(planned.name, "detect") as counts:
        counts.append(
            perceive(
                planned.task,
                detector,
                folder,
                batch_size=spec.batch_size,
                total=plan.samples,
                progress=progress,
            )
        )


def _finish(
    identity: Identity, folder: RunFolder, registry: Registry, progress: Progress
) -> Outcome:
    results = score_run(identity, folder, registry, progress)
    reports = _write_reports(folder, registry)
    write_seal(folder.path)
    return Outcome(folder, results, tuple(_failures(folder, identity)), reports)


def _failures(folder: RunFolder, identity: Identity) -> Iterator[tuple[str, Failure]]:
    for plan in identity.tasks:
        seen = set()
        for score in folder.scores(plan.name):
            if score.failure is not None and score.id not in seen:
                seen.add(score.id)
                yield f"{plan.name}/{score.id}", score.failure


def _write_reports(folder: RunFolder, registry: Registry) -> tuple[Path, ...]:
    view = view_run(folder, registry)
    paths = []
    for report in registry.reports().values():
        path = folder.path / report.filename
        write_whole(path, report.render(view).encode())
        paths.append(path)
    return tuple(paths)


def _write_manifest(
    folder: RunFolder, manifest: Manifest, timings: tuple[StageTiming, ...]
) -> None:
    write_whole(folder.manifest, pretty_json(msgspec.structs.replace(manifest, timings=timings)))
