"""A small hand-made run: one task that asks, one that draws, under mini data."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pisces_eval.interfaces import Evidence, Picture, RunView
from pisces_eval.records import (
    DataCard,
    DataWish,
    Detection,
    Estimate,
    Failure,
    Identity,
    Manifest,
    Metric,
    Perception,
    PluginCard,
    Provenance,
    Response,
    Results,
    Sample,
    Score,
    StageTiming,
    TaskPlan,
    TaskResult,
)

Entry = tuple[Sample, Evidence, tuple[Score, ...]]
Entries = Mapping[str, tuple[Entry, ...]]
Pictures = Mapping[str, tuple[Picture, ...]]
MakeRun = Callable[..., RunView]


def png(color: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def estimate(
    value: float | None, stderr: float | None, n: int, *, top: float = 1.0, **counts: int
) -> Estimate:
    ci95 = None
    if value is not None and stderr is not None:
        ci95 = (max(0.0, value - 2 * stderr), min(top, value + 2 * stderr))
    numbers = {"clusters": n, "unparsed": 0, "guessed": 0, "errors": 0} | counts
    return Estimate(
        value=value, stderr=stderr, ci95=ci95, n=n, method="Student t over clusters", **numbers
    )


def ask_result(protocol: str, value: float) -> TaskResult:
    return TaskResult(
        task="quiz",
        protocol=protocol,
        fingerprint="a1" * 32,
        data="mini",
        comparable=False,
        notes=("mini data, not comparable",),
        metrics=(
            Metric(
                name="accuracy",
                higher_is_better=True,
                bounds=(0.0, 1.0),
                overall=estimate(value, 0.155, 4, unparsed=1, guessed=1, errors=1),
                groups={
                    "Art | Design": estimate(0.5, 0.35, 2, unparsed=1),
                    "Physics": estimate(None, None, 0, errors=1),
                },
            ),
        ),
    )


def draw_result() -> TaskResult:
    return TaskResult(
        task="sketch",
        protocol="official",
        fingerprint="b2" * 32,
        data="generator",
        comparable=True,
        notes=(),
        metrics=(
            Metric(
                name="correct",
                higher_is_better=True,
                bounds=(0.0, 1.0),
                overall=estimate(0.437, 0.016, 2212, clusters=553),
                groups={"counting": estimate(0.41, 0.031, 320, clusters=80)},
            ),
            Metric(
                name="distance",
                higher_is_better=False,
                bounds=None,
                overall=estimate(123.4, 5.4, 2212, top=1e9, clusters=553),
                groups={},
            ),
        ),
    )


def ask_entry(number: int, text: str | None, score: Mapping[str, object]) -> Entry:
    identifier = f"quiz-{number}"
    failure = Failure(blame="model", message="out of memory") if text is None else None
    sample = Sample(
        id=identifier,
        kind="ask",
        prompt="Which colour is the square?\n(A) red (B) green",
        images=("c3" * 32,),
        reference={"answer": "A"},
        gold="A: red",
        category="Art | Design" if number < 2 else "Physics",
        cluster=identifier,
        request="d4" * 32,
    )
    response = Response(id=identifier, request="e5" * 32, text=text, failure=failure)
    scores = tuple(
        Score(id=identifier, protocol=protocol, failure=failure, **score)  # type: ignore[arg-type]
        for protocol in ("official", "lmms-eval")
    )
    return sample, Evidence(response), scores


def draw_entry(number: int, correct: bool) -> Entry:
    identifier = f"sketch-{number}"
    sample = Sample(
        id=identifier,
        kind="draw",
        prompt="a photo of two cats",
        reference={"tag": "counting"},
        category="counting",
        cluster="sketch",
        artifact=f"{number:05d}/samples/0000.png",
        request="f6" * 32,
    )
    perception = Perception(
        id=identifier,
        image="07" * 32,
        size=(64, 48),
        detections=(
            Detection(label="cat", score=0.97, box=(4.0, 6.0, 30.0, 40.0)),
            Detection(label="dog", score=0.12, box=(40.0, 6.0, 60.0, 40.0)),
        ),
    )
    reason = "" if correct else "expected cat>=2, found 1"
    score = Score(
        id=identifier, protocol="official", values={"correct": float(correct)}, reason=reason
    )
    response = Response(id=identifier, request="18" * 32, image="07" * 32)
    return sample, Evidence(response, perception), (score,)


def manifest() -> Manifest:
    plans = tuple(
        TaskPlan(
            name=name,
            fingerprint=print_ * 32,
            protocols=protocols,
            data=DataCard(source=source, revision=None, rows=4, fingerprint="29" * 32),
            samples=4,
            comparable=name == "sketch",
            notes=(),
        )
        for name, print_, protocols, source in (
            ("quiz", "a1", ("official", "lmms-eval"), "mini"),
            ("sketch", "b2", ("official",), "generator"),
        )
    )
    identity = Identity(
        model=PluginCard(spec="toy:small", fingerprint="3a" * 32, notes=("untrained weights",)),
        detector=PluginCard(spec="shapes", fingerprint="4b" * 32),
        tasks=plans,
        seed=7,
        limit=None,
    )
    provenance = Provenance(
        version="0.1.0",
        python="3.11.9",
        platform="Linux x86_64",
        packages={"numpy": "2.4.0", "msgspec": "0.19.0"},
        command=("pisces-eval", "run", "--model", "toy:small", "--note", "two words"),
        batch_size=8,
    )
    timing = StageTiming(task="quiz", stage="answer", samples=4, seconds=65.2)
    return Manifest(
        identity=identity,
        provenance=provenance,
        data=DataWish(mini=True, data_dir=None, revision=None),
        timings=(timing,),
    )


def small_entries() -> Entries:
    unparsed = {"values": {"accuracy": 1.0}, "unparsed": True, "guessed": True}
    return {
        "quiz": (
            ask_entry(0, "The answer is A.", {"values": {"accuracy": 1.0}, "answer": "A"}),
            ask_entry(1, "B", {"values": {"accuracy": 0.0}, "answer": "B", "reason": "A expected"}),
            ask_entry(2, "I cannot tell.", unparsed),
            ask_entry(3, None, {}),
        ),
        "sketch": (draw_entry(0, True), draw_entry(1, False)),
    }


def small_pictures() -> Mapping[str, Pictures]:
    return {
        "quiz": {
            "quiz-0": (Picture(png((200, 30, 30)), "quiz-0"),),
            "quiz-1": (Picture(b"no image at all", "quiz-1"),),
        },
        "sketch": {"sketch-0": (Picture(png((30, 30, 200)), "sketch-0"),)},
    }


@pytest.fixture
def make_run() -> MakeRun:
    """A RunView of the small run, or of it with parts replaced."""

    def make(
        *,
        model: str = "toy:small",
        results: tuple[TaskResult, ...] | None = None,
        entries: Entries | None = None,
        pictures: Mapping[str, Pictures] | None = None,
    ) -> RunView:
        held = small_entries() if entries is None else entries
        shown = small_pictures() if pictures is None else pictures
        standard = (ask_result("official", 0.5), ask_result("lmms-eval", 0.75), draw_result())

        def samples(task: str) -> Iterator[Entry]:
            return iter(held.get(task, ()))

        def find(task: str, ids: frozenset[str]) -> Pictures:
            found = shown.get(task, {})
            return {name: found[name] for name in ids if name in found}

        return RunView(
            path=Path("run"),
            manifest=manifest(),
            results=Results(
                model=model, identity="6d" * 32, results=standard if results is None else results
            ),
            samples=samples,
            pictures=find,
        )

    return make


@pytest.fixture
def make_entry() -> Callable[[int, str | None, Mapping[str, object]], Entry]:
    """One entry of the task 'quiz': its number, the response, the fields of its scores."""
    return ask_entry
