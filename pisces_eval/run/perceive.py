"""The second stage, for drawings: the detector looks at each picture once, into its journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from pisces_eval.data.images import decode
from pisces_eval.errors import PiscesEvalError, TaskError
from pisces_eval.interfaces import Detector, Look, Picture, Task, Vocabulary
from pisces_eval.records import Detection, Failure, Perception, Response, Sample
from pisces_eval.run.progress import Progress
from pisces_eval.run.respond import batched, one_line
from pisces_eval.store.folder import RunFolder


def perceive(
    task: Task,
    detector: Detector,
    folder: RunFolder,
    *,
    batch_size: int,
    total: int,
    progress: Progress,
) -> int:
    """Looks at every drawing not looked at yet, and returns how many that were.

    A drawing that has changed since (another digest) is looked at again. Raises TaskError if the
    task draws but has no vocabulary, OSError when the disk is full.
    """
    name, vocabulary = task.info.name, task.info.vocabulary
    if vocabulary is None:
        raise TaskError(f"task {name} draws but does not say what a detector is to look for")
    journal = folder.perceptions(name)
    seen = {p.id: p.image for p in journal if p.failure is None}
    due = [
        (sample, response)
        for sample, response in _drawn(folder, name)
        if seen.get(sample.id) != response.image
    ]
    progress.begin(name, "detect", total, total - len(due))
    with journal.append() as appender:
        for batch in batched(due, batch_size):
            perceptions = _perceive_batch(batch, task, vocabulary, detector, folder)
            appender.write(perceptions)
            failures = sum(perception.failure is not None for perception in perceptions)
            progress.advance(len(perceptions), failures)
    progress.end()
    return len(due)


def _drawn(folder: RunFolder, task: str) -> Iterator[tuple[Sample, Response]]:
    responses = {response.id: response for response in folder.responses(task)}
    for sample in folder.samples(task):
        response = responses.get(sample.id)
        if response is not None and response.image is not None:
            yield sample, response


def _perceive_batch(
    batch: Sequence[tuple[Sample, Response]],
    task: Task,
    vocabulary: Vocabulary,
    detector: Detector,
    folder: RunFolder,
) -> list[Perception]:
    outcomes: dict[str, Look | Failure] = {
        sample.id: _look(sample, response, task, folder) for sample, response in batch
    }
    looks = [outcome for outcome in outcomes.values() if isinstance(outcome, Look)]
    found = dict(
        zip((look.id for look in looks), _detect(looks, vocabulary, detector), strict=True)
    )
    return [
        _perception(sample, response, outcomes[sample.id], found.get(sample.id))
        for sample, response in batch
    ]


def _look(sample: Sample, response: Response, task: Task, folder: RunFolder) -> Look | Failure:
    path = folder.image(task.info.name, sample.artifact)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != response.image:
            raise TaskError(
                f"{path} was changed after it was drawn; run the same command again to have it "
                "drawn again"
            )
        image = decode(Picture(content, str(path)))
    except (TaskError, OSError) as error:
        return Failure(blame="data", message=str(error))
    return Look(id=sample.id, image=image, color_classes=task.look(sample))


def _detect(
    looks: Sequence[Look], vocabulary: Vocabulary, detector: Detector
) -> Sequence[tuple[Detection, ...] | Failure]:
    if not looks:
        return ()
    try:
        found = detector.detect(looks, vocabulary)
        if len(found) != len(looks):
            raise TaskError(f"the detector saw {len(found)} pictures of {len(looks)}")
        return found
    except PiscesEvalError:
        raise
    except Exception as error:  # noqa: BLE001
        # A detector back end is foreign code: a failure costs the picture, not the run.
        if len(looks) > 1:
            return [only for look in looks for only in _detect([look], vocabulary, detector)]
        return [Failure(blame="detector", message=one_line(error))]


def _perception(
    sample: Sample,
    response: Response,
    look: Look | Failure,
    found: tuple[Detection, ...] | Failure | None,
) -> Perception:
    image = response.image or ""
    if isinstance(look, Failure):
        return Perception(id=sample.id, image=image, failure=look)
    if isinstance(found, Failure):
        return Perception(id=sample.id, image=image, size=look.image.size, failure=found)
    return Perception(id=sample.id, image=image, size=look.image.size, detections=found or ())
