"""A run folder as a report sees it: records streamed from the journals, pictures where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path

from pisces_eval.errors import PiscesEvalError, UserError
from pisces_eval.interfaces import Ask, DataRequest, Evidence, Picture, RunView
from pisces_eval.records import Manifest, Sample, Score
from pisces_eval.registry import Registry
from pisces_eval.run.plan import PlannedTask
from pisces_eval.run.score import check_samples, evidence_of
from pisces_eval.store.folder import RunFolder


def view_run(folder: RunFolder, registry: Registry) -> RunView:
    """Opens a scored run. Raises UserError if it is not one."""
    manifest = folder.read_manifest()
    for plan in manifest.identity.tasks:
        check_samples(plan, folder)
    return RunView(
        path=folder.path,
        manifest=manifest,
        results=folder.read_results(),
        samples=partial(_samples, folder),
        pictures=partial(_pictures, folder, manifest, registry),
    )


def _samples(folder: RunFolder, task: str) -> Iterator[tuple[Sample, Evidence, tuple[Score, ...]]]:
    by_sample = groupby(folder.scores(task), key=lambda score: score.id)
    for sample, evidence in evidence_of(folder, task):
        scored, scores = next(by_sample, ("", ()))
        if scored != sample.id:
            raise UserError(
                f"{folder.scores(task).path} does not fit the samples at {sample.id}; write it "
                f"anew with: pisces-eval score {folder.path}"
            )
        yield sample, evidence, tuple(scores)


def _pictures(
    folder: RunFolder, manifest: Manifest, registry: Registry, task: str, ids: frozenset[str]
) -> Mapping[str, tuple[Picture, ...]]:
    wanted = {sample.id: sample for sample in folder.samples(task) if sample.id in ids}
    drawn = {
        sample.id: (Picture(path, sample.artifact),)
        for sample in wanted.values()
        if sample.artifact and (path := folder.image(task, sample.artifact)).is_file()
    }
    shown = {name: sample for name, sample in wanted.items() if sample.images}
    return drawn | _shown(manifest, registry, task, shown) if shown else drawn


def _shown(
    manifest: Manifest, registry: Registry, task: str, wanted: Mapping[str, Sample]
) -> dict[str, tuple[Picture, ...]]:
    """Pictures are not copied into the run folder: they are read again from where they came."""
    wish = manifest.data
    data_dir = None if wish.data_dir is None else Path(wish.data_dir)
    revision = next(p.data.revision for p in manifest.identity.tasks if p.name == task)
    found: dict[str, tuple[Picture, ...]] = {}
    try:
        home = registry.task(task)
        rows = home.rows(DataRequest(mini=wish.mini, data_dir=data_dir, revision=revision))
        for case in PlannedTask(home, rows, manifest.identity.limit).cases():
            sample = wanted.get(case.id)
            if sample is None or not isinstance(case.request, Ask):
                continue
            if tuple(picture.sha256 for picture in case.request.images) == sample.images:
                found[case.id] = case.request.images
            if len(found) == len(wanted):
                break
    except (PiscesEvalError, OSError):
        # The data has gone since the run was made: its reports show placeholders instead.
        return found
    return found
