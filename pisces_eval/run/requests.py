"""Requests and their written-down form: seeds, fingerprints, samples."""

from __future__ import annotations

import dataclasses
import hashlib
import re

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Ask, Case, Request
from pisces_eval.records import Sample, fingerprint

SAMPLE_ID = re.compile(r"[\w.:/@+-]{1,200}", re.ASCII)


def derive_seed(run_seed: int, task: str, sample: str) -> int:
    """A 63-bit seed for one request, the same whatever the batch, the order, or a restart."""
    digest = hashlib.sha256(f"{run_seed}\x00{task}\x00{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def seeded(case: Case, task: str, run_seed: int) -> Request:
    """The request of a case as the model gets it."""
    seed = derive_seed(run_seed, task, case.id)
    return dataclasses.replace(case.request, task=task, id=case.id, seed=seed)


def request_fingerprint(request: Request) -> str:
    """SHA-256 of all that the model sees: text, image digests, generation arguments, seed."""
    if isinstance(request, Ask):
        return fingerprint(
            {
                "ask": request.text,
                "images": [picture.sha256 for picture in request.images],
                "max_new_tokens": request.max_new_tokens,
                "stop": request.stop,
                "temperature": request.temperature,
                "seed": request.seed,
            }
        )
    return fingerprint({"draw": request.prompt, "seed": request.seed})


def write_down(case: Case, task: str) -> Sample:
    """The sample of a case. Raises TaskError for an unfit id or an image that cannot be read."""
    if not SAMPLE_ID.fullmatch(case.id):
        raise TaskError(
            f"task {task} has a sample called '{case.id[:80]}'; ids are 1 to 200 letters, digits "
            "and _ . : / @ + -"
        )
    request = case.request
    try:
        digests = tuple(p.sha256 for p in request.images) if isinstance(request, Ask) else ()
    except OSError as error:
        raise TaskError(
            f"task {task}, sample {case.id}: an image cannot be read: {error}"
        ) from error
    return Sample(
        id=case.id,
        kind="ask" if isinstance(request, Ask) else "draw",
        prompt=request.text if isinstance(request, Ask) else request.prompt,
        images=digests,
        reference=dict(case.reference),
        gold=case.gold,
        category=case.category,
        cluster=case.cluster,
        artifact="" if isinstance(request, Ask) else request.artifact,
        request=request_fingerprint(request),
    )
