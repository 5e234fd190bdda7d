"""What a run would do, without loading a model, touching the network, or writing a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pisces_eval.data.sources import refuse_contradictions
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Rows
from pisces_eval.records import Manifest, Record
from pisces_eval.registry import Registry
from pisces_eval.run.plan import PlannedTask, RunSpec
from pisces_eval.store.folder import RunFolder


class TaskPreview(Record, frozen=True, kw_only=True):
    """One task of a run that has not been made."""

    task: str
    source: str
    rows: int
    samples: int
    """Rows times the samples of the first row."""
    done: int
    """Samples that the run folder holds a response for already."""
    seconds: float | None
    """From the rates of earlier runs of the same model string; None if there were none."""
    problem: str
    """Why it cannot run, and how to mend it; empty if it can."""


class Preview(Record, frozen=True, kw_only=True):
    """A run that has not been made."""

    folder: str
    model: str
    detector: str
    tasks: tuple[TaskPreview, ...]


def preview(spec: RunSpec, registry: Registry) -> Preview:
    """Looks at every task of a run. Raises UserError for unknown names."""
    refuse_contradictions(spec.data)
    rates = _rates(spec.folder.parent, spec.model)
    return Preview(
        folder=str(spec.folder),
        model=spec.model,
        detector=spec.detector,
        tasks=tuple(_preview_task(name, spec, registry, rates) for name in spec.tasks),
    )


def _preview_task(
    name: str, spec: RunSpec, registry: Registry, rates: dict[str, float]
) -> TaskPreview:
    task = registry.task(name)
    try:
        planned = PlannedTask(task, task.rows(spec.data), spec.limit)
        first = next(iter(planned.rows), None)
        each = 0 if first is None else len(list(task.cases(first, 0)))
    except (TaskError, EnvironmentFailure, UserError) as error:
        nothing = Rows(load=lambda: iter(()), count=0, source="missing")
        planned, each, problem = PlannedTask(task, nothing, None), 0, str(error)
    else:
        problem = ""
    samples = planned.row_count * each
    done = len(RunFolder(spec.folder).responses(name).index())
    return TaskPreview(
        task=name,
        source=planned.rows.source,
        rows=planned.row_count,
        samples=samples,
        done=done,
        seconds=(samples - done) * rates[name] if name in rates and samples else None,
        problem=problem,
    )


def _rates(runs: Path, model: str) -> dict[str, float]:
    """Seconds a sample for each task, all stages together, over the runs in a folder."""
    stages: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for manifest in _manifests(runs):
        if manifest.identity.model.spec != model:
            continue
        for timing in manifest.timings:
            total = stages[timing.task, timing.stage]
            total[0] += timing.seconds
            total[1] += timing.samples
    rates: defaultdict[str, float] = defaultdict(float)
    for (task, _), (seconds, samples) in stages.items():
        rates[task] += seconds / samples
    return dict(rates)


def _manifests(runs: Path) -> Iterable[Manifest]:
    for path in sorted(runs.glob("*/manifest.json")):
        try:
            yield RunFolder(path.parent).read_manifest()
        except UserError:
            # A run of another version only costs us its timings.
            continue
