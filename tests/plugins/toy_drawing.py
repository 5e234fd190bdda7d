"""A drawing task of three prompts: is there a red thing?"""

import random

from pisces_eval.interfaces import Case, Draw, Rows, TaskInfo, Vocabulary
from pisces_eval.records import Score
from pisces_eval.scoring.aggregate import metric

INFO = TaskInfo(
    name="toy_drawing",
    title="Toy drawing",
    kind="draw",
    summary="red or not",
    homepage="",
    licence="",
    citation="",
    dataset="generated",
    split="test",
    protocols=("official",),
    protocol_note="",
    version=1,
    vocabulary=Vocabulary(classes=("thing",), colors=("red", "blue")),
)


class ToyDrawing:
    info = INFO

    def rows(self, where):
        prompts = ("a red thing", "a blue thing", "a thing")
        return Rows(
            load=lambda: ({"prompt": prompt} for prompt in prompts), count=3, source="generated"
        )

    def cases(self, row, number):
        for image in range(2):
            yield Case(
                id=f"{number}/{image}",
                request=Draw(
                    prompt=row["prompt"],
                    artifact=f"{number}/samples/{image}.png",
                    companions=((f"{number}/metadata.jsonl", row["prompt"]),),
                ),
                reference={},
                cluster=str(number),
            )

    def look(self, sample):
        return frozenset({"thing"})

    def score(self, sample, evidence, protocol, rng: random.Random):
        red = [d for d in evidence.perception.detections if d.colors and d.colors[0] > d.colors[1]]
        return Score(id=sample.id, protocol=protocol, values={"correct": float(bool(red))})

    def metrics(self, samples, scores, protocol):
        return (metric("correct", samples, scores),)


TASK = ToyDrawing()
