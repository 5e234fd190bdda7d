"""The last stage: journals to scores.jsonl and results.json. It needs no model and no detector."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Evidence, Exports, Task, Watchful
from pisces_eval.records import (
    Failure,
    Identity,
    Perception,
    Response,
    Results,
    Sample,
    Score,
    TaskPlan,
    TaskResult,
    fingerprint,
)
from pisces_eval.registry import Registry
from pisces_eval.run.progress import Progress
from pisces_eval.store.folder import RunFolder, pretty_json, write_whole


def score_run(
    identity: Identity, folder: RunFolder, registry: Registry, progress: Progress
) -> Results:
    """Scores every task under every protocol from the journals and writes results.json.

    Equal journals give equal bytes. Raises UserError if a task of the run is not known any more.
    """
    results: list[TaskResult] = []
    for plan in identity.tasks:
        task = registry.task(plan.name)
        samples, scores = judge(task, plan, folder, progress)
        _write_scores(folder, plan.name, scores)
        _write_exports(task, folder)
        results.extend(summarise(task, plan, identity, samples, scores))
    outcome = Results(
        model=identity.model.spec, identity=fingerprint(identity), results=tuple(results)
    )
    write_whole(folder.results, pretty_json(outcome))
    return outcome


def check_samples(plan: TaskPlan, folder: RunFolder) -> None:
    """Raises UserError unless samples.jsonl is what the manifest says was asked."""
    path = folder.samples(plan.name).path
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    if found != plan.data.fingerprint:
        raise UserError(
            f"{path} is missing or was changed after the run began; run the same command again: "
            "it is written anew, and no answer is lost"
        )


def evidence_of(folder: RunFolder, task: str) -> Iterator[tuple[Sample, Evidence]]:
    """Every sample of a task, in order, with the newest of all that is known of it."""
    responses, perceptions = folder.responses(task), folder.perceptions(task)
    answered, seen = responses.index(), perceptions.index()
    ids = [sample.id for sample in folder.samples(task)]
    texts = responses.read([answered.get(i) for i in ids]) if answered else iter(())
    looks = perceptions.read([seen.get(i) for i in ids]) if seen else iter(())
    for sample in folder.samples(task):
        yield sample, _evidence(sample, next(texts, None), next(looks, None))


def _evidence(sample: Sample, response: Response | None, perception: Perception | None) -> Evidence:
    if response is None:
        missing = Failure(blame="model", message="no response yet: the run is not finished")
        response = Response(id=sample.id, request="", failure=missing)
    return Evidence(response, perception)


def judge(
    task: Task, plan: TaskPlan, folder: RunFolder, progress: Progress
) -> tuple[list[Sample], dict[str, list[Score]]]:
    """Every sample of a task and, by protocol, its scores, from the journals alone."""
    check_samples(plan, folder)
    # One stream a protocol, consumed in sample order, as the reference scorers that guess do.
    streams = {protocol: random.Random(0) for protocol in task.info.protocols}
    samples: list[Sample] = []
    scores: dict[str, list[Score]] = {protocol: [] for protocol in streams}
    progress.begin(plan.name, "score", plan.samples, 0)
    for sample, evidence in evidence_of(folder, plan.name):
        samples.append(sample)
        for protocol, rng in streams.items():
            scores[protocol].append(_score(task, sample, evidence, protocol, rng))
        progress.advance(1, int(_failure(sample, evidence) is not None))
    progress.end()
    return samples, scores


def summarise(
    task: Task,
    plan: TaskPlan,
    identity: Identity,
    samples: Sequence[Sample],
    scores: Mapping[str, Sequence[Score]],
) -> list[TaskResult]:
    """The results of a task, one a protocol."""
    return [
        TaskResult(
            task=plan.name,
            protocol=protocol,
            fingerprint=plan.fingerprint,
            data=plan.data.source,
            comparable=plan.comparable,
            notes=(*identity.model.notes, *plan.notes),
            alarms=task.alarms(samples, judged) if isinstance(task, Watchful) else (),
            metrics=task.metrics(samples, judged, protocol),
        )
        for protocol, judged in scores.items()
    ]


def _score(
    task: Task, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random
) -> Score:
    failure = _failure(sample, evidence)
    if failure is not None:
        return Score(id=sample.id, protocol=protocol, failure=failure)
    return task.score(sample, evidence, protocol, rng)


def _failure(sample: Sample, evidence: Evidence) -> Failure | None:
    if evidence.response.failure is not None or sample.kind == "ask":
        return evidence.response.failure
    if evidence.perception is None:
        return Failure(blame="detector", message="not looked at yet: the run is not finished")
    return evidence.perception.failure


def _write_exports(task: Task, folder: RunFolder) -> None:
    if isinstance(task, Exports):
        for name, text in task.exports(evidence_of(folder, task.info.name)):
            write_whole(folder.export(task.info.name, name), text.encode())


def _write_scores(folder: RunFolder, task: str, scores: Mapping[str, Sequence[Score]]) -> None:
    lines = b"".join(
        msgspec.json.encode(score) + b"\n"
        for row in zip(*scores.values(), strict=True)
        for score in row
    )
    write_whole(folder.scores(task).path, lines)
