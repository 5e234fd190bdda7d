"""A whole benchmark in one file: how many dots are in the picture?

    pisces-eval run --plugin examples/count_dots.py --tasks count_dots --model pisces-tiny

Put such a file into tasks/ and it is built in; ship it in a package of your own under the entry
point group `pisces_eval.tasks` and it is there for everyone who installs that package.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator, Sequence

from pisces_eval.interfaces import Ask, Case, DataRequest, Evidence, Picture, Row, Rows, TaskInfo
from pisces_eval.records import Metric, Sample, Score
from pisces_eval.scoring.aggregate import metric

INFO = TaskInfo(
    name="count_dots",
    title="Count the dots",
    kind="ask",
    summary="How many dots does a plain picture hold, from one to six?",
    homepage="https://example.org/count-dots",
    licence="CC0",
    citation="none: it is an example",
    dataset="generated",
    split="test",
    protocols=("exact-match",),
    protocol_note="The digit alone counts, with or without a full stop.",
    version=1,
)


def draw_dots(count: int) -> Picture:
    """Six places in two rows, of which the first `count` hold a dot."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (96, 64), "white")
    for place in range(count):
        x, y = 16 + 32 * (place % 3), 16 + 32 * (place // 3)
        ImageDraw.Draw(image).ellipse((x - 8, y - 8, x + 8, y + 8), fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Picture(buffer.getvalue(), f"{count} dots")


class CountDots:
    info = INFO

    def rows(self, where: DataRequest) -> Rows:
        def load() -> Iterator[Row]:
            return ({"count": count, "image": draw_dots(count)} for count in range(1, 7))

        return Rows(load=load, count=6, source="generated")

    def cases(self, row: Row, number: int) -> Iterable[Case]:
        question = "How many dots are in the picture? Answer with a number."
        yield Case(
            id=f"dots-{number}",
            request=Ask(text=question, images=(row["image"],), max_new_tokens=8),
            reference={"answer": str(row["count"])},
            gold=str(row["count"]),
            cluster=f"dots-{number}",
        )

    def look(self, sample: Sample) -> frozenset[str]:
        return frozenset()

    def score(self, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random) -> Score:
        answer = (evidence.response.text or "").strip().removesuffix(".")
        right = answer == sample.reference["answer"]
        return Score(
            id=sample.id,
            protocol=protocol,
            values={"accuracy": float(right)},
            answer=answer,
            unparsed=not answer.isdecimal(),
        )

    def metrics(
        self, samples: Sequence[Sample], scores: Sequence[Score], protocol: str
    ) -> tuple[Metric, ...]:
        return (metric("accuracy", samples, scores),)


TASK = CountDots()
