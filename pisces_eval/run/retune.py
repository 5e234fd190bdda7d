"""The same journals judged with other numbers: nothing of the run is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Task, Tunable
from pisces_eval.records import Identity, Record, TaskPlan, TaskResult
from pisces_eval.registry import Registry
from pisces_eval.run.progress import Progress, Silence
from pisces_eval.run.score import judge, summarise
from pisces_eval.store.folder import RunFolder


class Turned(Record, frozen=True, kw_only=True):
    """A task's results at one value of one option."""

    option: str
    value: float
    reference: float
    """What the reference scorer sets."""
    results: tuple[TaskResult, ...]


def retune(
    path: Path, options: Mapping[str, float], registry: Registry, progress: Progress
) -> tuple[TaskResult, ...]:
    """The results of a run's tunable tasks with other options; the run keeps its own results.

    Raises UserError if no task of the run has such an option, or a value is unfit.
    """
    folder = RunFolder(path)
    identity = folder.read_manifest().identity
    results: list[TaskResult] = []
    for plan in _tunable(identity, registry, options):
        results += _judge_tuned(plan, options, folder, identity, registry, progress)
    return tuple(results)


def sweep(
    path: Path, task: str, grids: Mapping[str, Sequence[float]], registry: Registry
) -> tuple[Turned, ...]:
    """A task of a run at each value of each option, the others at their reference values.

    Raises UserError if the task is not of the run, cannot be tuned, or lacks the option.
    """
    folder = RunFolder(path)
    identity = folder.read_manifest().identity
    plans = {plan.name: plan for plan in identity.tasks}
    if task not in plans:
        raise UserError(f"{path} holds no task {task}; it has {', '.join(plans)}")
    (plan,) = _tunable(msgspec.structs.replace(identity, tasks=(plans[task],)), registry, grids)
    reference = _options(registry.task(task))
    return tuple(
        Turned(
            option=option,
            value=value,
            reference=reference[option],
            results=tuple(
                _judge_tuned(plan, {option: value}, folder, identity, registry, Silence())
            ),
        )
        for option, values in grids.items()
        for value in values
    )


def default_grids(task: str, registry: Registry) -> dict[str, list[float]]:
    """For each option between 0 and 1: tenths, and the reference's own value."""
    return {
        name: sorted({reference, *(tenth / 10 for tenth in range(1, 10))})
        for name, reference in _options(registry.task(task)).items()
        if 0 < reference < 1
    }


def _options(task: Task) -> Mapping[str, float]:
    return task.options if isinstance(task, Tunable) else {}


def _tunable(
    identity: Identity, registry: Registry, options: Mapping[str, object]
) -> list[TaskPlan]:
    plans = [plan for plan in identity.tasks if _options(registry.task(plan.name))]
    known = {name for plan in plans for name in _options(registry.task(plan.name))}
    unknown = sorted(options.keys() - known)
    if unknown or not plans:
        raise UserError(
            f"no task of this run has the option {', '.join(unknown) or 'to turn'}; "
            f"its tasks have: {', '.join(sorted(known)) or 'none'}"
        )
    return plans


def _judge_tuned(
    plan: TaskPlan,
    options: Mapping[str, float],
    folder: RunFolder,
    identity: Identity,
    registry: Registry,
    progress: Progress,
) -> list[TaskResult]:
    task = registry.task(plan.name)
    if not isinstance(task, Tunable):
        return []
    mine = {name: value for name, value in options.items() if name in task.options}
    changed = {name: value for name, value in mine.items() if value != task.options[name]}
    notes = [
        f"{name} {value:g} instead of the reference's {task.options[name]:g}, not comparable"
        for name, value in changed.items()
    ]
    tuned = task.tuned(mine)
    samples, scores = judge(tuned, plan, folder, progress)
    told = msgspec.structs.replace(
        plan, notes=(*plan.notes, *notes), comparable=plan.comparable and not changed
    )
    return summarise(tuned, told, identity, samples, scores)
