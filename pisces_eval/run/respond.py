"""The first stage: the model answers or draws, batch by batch, into the journal of responses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar, cast

from pisces_eval.errors import EnvironmentFailure, ModelError, TaskError
from pisces_eval.interfaces import Ask, Draw, Model, Request
from pisces_eval.records import Failure, Response
from pisces_eval.run.plan import PlannedTask
from pisces_eval.run.progress import Progress
from pisces_eval.run.requests import request_fingerprint, seeded
from pisces_eval.store.digest import sha256_of
from pisces_eval.store.folder import RunFolder, write_whole

FAILURES_IN_A_ROW = 10
"""After so many the model is taken to be broken, and the stage stops."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def respond(
    planned: PlannedTask,
    model: Model,
    folder: RunFolder,
    *,
    run_seed: int,
    batch_size: int,
    total: int,
    progress: Progress,
) -> int:
    """Gets a response for every sample that has none yet, and returns how many it asked for.

    Failed samples are journaled as failures and tried again when the run is resumed. Raises
    ModelError when the model keeps failing, OSError when the disk is full.
    """
    journal = folder.responses(planned.name)
    done = _finished(planned, folder)
    progress.begin(planned.name, "respond", total, len(done))
    asked = row_of_failures = 0
    with journal.append() as appender:
        cases = (case for case in planned.cases() if case.id not in done)
        requests = (seeded(case, planned.name, run_seed) for case in cases)
        for batch in batched(requests, batch_size):
            responses = list(_respond_to(batch, model, planned.name, folder))
            appender.write(responses)
            failures = sum(response.failure is not None for response in responses)
            asked += len(responses)
            progress.advance(len(responses), failures)
            by_model = [r for r in responses if r.failure and r.failure.blame == "model"]
            row_of_failures = row_of_failures + len(by_model) if len(by_model) == len(batch) else 0
            if row_of_failures >= FAILURES_IN_A_ROW:
                message = by_model[-1].failure.message if by_model[-1].failure else ""
                raise ModelError(
                    f"the model failed on {row_of_failures} samples of {planned.name} in a row, "
                    f"the last time with: {message}; mend it and run the same command to go on"
                )
    progress.end()
    return asked


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of size items each, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def one_line(error: BaseException) -> str:
    """An exception as one short line."""
    text = " ".join(str(error).split()) or "no message"
    return writable(f"{type(error).__name__}: {text}"[:500])


def writable(text: str) -> str:
    """The text with a question mark for each lone surrogate, which UTF-8 cannot write."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _finished(planned: PlannedTask, folder: RunFolder) -> set[str]:
    """Samples with an answer; a drawing that is gone or was changed since has none."""
    newest = {response.id: response for response in folder.responses(planned.name)}
    answered = {name for name, response in newest.items() if response.failure is None}
    spoilt = {
        sample.id
        for sample in folder.samples(planned.name)
        if sample.artifact
        and sample.id in answered
        and _digest(folder.image(planned.name, sample.artifact)) != newest[sample.id].image
    }
    return answered - spoilt


def _digest(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def _respond_to(
    batch: Sequence[Request], model: Model, task: str, folder: RunFolder
) -> Iterator[Response]:
    if isinstance(batch[0], Ask):
        asks = cast("Sequence[Ask]", batch)
        for ask, text in zip(asks, _one_by_one_on_failure(model.answer, asks), strict=True):
            yield _text_response(ask, text)
    else:
        draws = cast("Sequence[Draw]", batch)
        for draw, image in zip(draws, _one_by_one_on_failure(model.draw, draws), strict=True):
            yield _image_response(draw, image, task, folder)


def _one_by_one_on_failure(
    act: Callable[[Sequence[Item]], Sequence[Answer]], batch: Sequence[Item]
) -> list[Answer | Failure]:
    """All answers of a batch; if it fails, each request alone: a bad one costs only itself."""
    try:
        answers = act(batch)
        if len(answers) != len(batch):
            raise ModelError(f"the model gave {len(answers)} answers to {len(batch)} requests")
        return list(answers)
    except (EnvironmentFailure, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # A model is foreign code and may raise anything: that is a failed sample, not a crash.
        if len(batch) > 1:
            return [only for item in batch for only in _one_by_one_on_failure(act, [item])]
        blame: Literal["data", "model"] = "data" if isinstance(error, TaskError) else "model"
        known = isinstance(error, (TaskError, ModelError))
        message = writable(str(error)) if known else one_line(error)
        return [Failure(blame=blame, message=message)]


def _text_response(ask: Ask, text: object) -> Response:
    request = request_fingerprint(ask)
    if isinstance(text, Failure):
        return Response(id=ask.id, request=request, failure=text)
    if not isinstance(text, str):
        message = f"the model answered with a {type(text).__name__}, not a text"
        return Response(id=ask.id, request=request, failure=Failure(blame="model", message=message))
    return Response(id=ask.id, request=request, text=writable(text))


def _image_response(draw: Draw, image: object, task: str, folder: RunFolder) -> Response:
    from PIL.Image import Image

    from pisces_eval.data.images import encode_png

    request = request_fingerprint(draw)
    if isinstance(image, Failure):
        return Response(id=draw.id, request=request, failure=image)
    if not isinstance(image, Image):
        message = f"the model drew a {type(image).__name__}, not a PIL image"
        return Response(
            id=draw.id, request=request, failure=Failure(blame="model", message=message)
        )
    try:
        content = encode_png(image)
    except (OSError, ValueError, SystemError, MemoryError) as error:
        # Such as a picture without pixels, or one that was opened but is damaged further on.
        failure = Failure(blame="model", message=f"the drawing cannot be saved: {one_line(error)}")
        return Response(id=draw.id, request=request, failure=failure)
    for name, text in draw.companions:
        companion = folder.image(task, name)
        if not companion.is_file():
            write_whole(companion, text.encode())
    write_whole(folder.image(task, draw.artifact), content)
    return Response(id=draw.id, request=request, image=hashlib.sha256(content).hexdigest())
