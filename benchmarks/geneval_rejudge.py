"""Judging a whole GenEval run again at other thresholds: 2,212 images, no model, no detector.

    python benchmarks/geneval_rejudge.py [--detections 100]

Makes a run folder of random detections with masks (seeded) for all 553 × 4 drawings and times
`retune`. For scale, the same process times reading the journal's bytes and nothing else.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import msgspec

from pisces_eval.interfaces import DataRequest
from pisces_eval.records import (
    DataWish,
    Detection,
    Identity,
    Manifest,
    Mask,
    Perception,
    PluginCard,
    Response,
)
from pisces_eval.registry import Registry
from pisces_eval.run.plan import PlannedTask, adopt_samples, draft_samples
from pisces_eval.run.progress import Silence
from pisces_eval.run.provenance import describe_machine
from pisces_eval.run.retune import retune
from pisces_eval.store.folder import RunFolder, pretty_json, write_whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detections", type=int, default=100, help="per image")
    options = parser.parse_args()
    registry = Registry()
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        make_run(folder, registry, options.detections)
        journal = folder.perceptions("geneval").path
        start = time.perf_counter()
        size = len(journal.read_bytes())
        reading = time.perf_counter() - start
        timings = []
        for threshold in (0.3, 0.4, 0.5):
            start = time.perf_counter()
            results = retune(folder.path, {"threshold": threshold}, registry, Silence())
            timings.append(time.perf_counter() - start)
    n = results[0].metrics[0].overall.n
    print(f"{n} images, {options.detections} detections each, journal {size / 2**20:.0f} MiB")
    print(f"reading the bytes {reading:.2f} s; judging again {min(timings):.2f} s (best of 3)")


def make_run(folder: RunFolder, registry: Registry, detections: int) -> None:
    task = registry.task("geneval")
    planned = PlannedTask(task, task.rows(DataRequest()), None)
    plan = draft_samples(planned, folder, None)
    adopt_samples([planned], folder)
    card = PluginCard(spec="benchmark", fingerprint="0" * 64)
    manifest = Manifest(
        identity=Identity(model=card, detector=card, tasks=(plan,), seed=0, limit=None),
        provenance=describe_machine(["benchmark"], 1),
        data=DataWish(mini=False, data_dir=None, revision=None),
    )
    write_whole(folder.manifest, pretty_json(manifest))
    vocabulary = task.info.vocabulary
    rng = random.Random(0)
    counts = "".join(rng.choice("0123456789abcdefghijklmnop") for _ in range(400))
    responses, perceptions = [], []
    for sample in folder.samples("geneval"):
        responses.append(Response(id=sample.id, request="", image="0" * 64))
        seen = tuple(
            Detection(
                label=rng.choice(vocabulary.classes),
                score=rng.random() ** 4,
                box=(
                    float(x := rng.randrange(500)),
                    float(y := rng.randrange(500)),
                    x + 99.0,
                    y + 99.0,
                ),
                mask=Mask(size=(1024, 1024), counts=counts),
                colors=tuple(rng.uniform(15, 25) for _ in vocabulary.colors),
            )
            for _ in range(detections)
        )
        perceptions.append(
            Perception(id=sample.id, image="0" * 64, size=(1024, 1024), detections=seen)
        )
    write_whole(folder.responses("geneval").path, lines(responses))
    write_whole(folder.perceptions("geneval").path, lines(perceptions))


def lines(records: list[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


if __name__ == "__main__":
    main()
