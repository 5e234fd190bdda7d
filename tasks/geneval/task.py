"""GenEval: does a drawing show the objects, counts, colours and places that its prompt names?

553 prompts of six tags, four drawings each; an object detector looks at every drawing and a fixed
rule judges what it saw. Ghosh, Hajishirzi, Schmidt: "GenEval: An Object-Focused Framework for
Evaluating Text-to-Image Alignment", arXiv 2310.11513; code and prompts djghosh13/geneval (MIT).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Case, DataRequest, Draw, Evidence, Row, Rows, TaskInfo
from pisces_eval.records import Detection, Failure, Metric, Sample, Score
from pisces_eval.tasks.geneval.prompts import (
    Prompt,
    official_line,
    official_prompts,
    official_row,
    parse_prompt,
)
from pisces_eval.tasks.geneval.vocabulary import VOCABULARY

IMAGES_PER_PROMPT = 4

MINI_ROWS = (1, 3, 80, 87, 179, 181, 260, 267, 356, 362, 453, 462)
"""Two prompts of each tag, by their canonical row numbers."""
MINI_IMAGES_PER_PROMPT = 2

# All on the original prompts; figures for rewritten prompts belong in no column beside these.
PUBLISHED = {
    # README of djghosh13/geneval @af4902f.
    "Stable Diffusion v1.5": 0.43,
    "Stable Diffusion v2.1": 0.50,
    "Stable Diffusion XL": 0.55,
    "IF-XL": 0.61,
    # Janus-Pro, arXiv 2501.17811, table 4.
    "DALL-E 3": 0.67,
    "Janus-Pro-7B": 0.80,
    # README of ByteDance-Seed/Bagel.
    "BAGEL": 0.82,
}

INFO = TaskInfo(
    name="geneval",
    title="GenEval",
    kind="draw",
    summary="objects, counts, colours and positions in 2,212 drawings of 553 prompts",
    homepage="https://github.com/djghosh13/geneval",
    licence="MIT",
    citation="Ghosh, Hajishirzi, Schmidt 2023, arXiv 2310.11513",
    dataset="generated: numpy default_rng(43), SHA-256 checked",
    split="all 553 prompts",
    protocols=("official",),
    protocol_note=(
        "official: the verdict of djghosh13/geneval @af4902f at its default thresholds, on what "
        "the detector saw; overall is the unweighted mean of the six tags' image accuracies, as in "
        "papers"
    ),
    version=1,
    vocabulary=VOCABULARY,
    published=PUBLISHED,
)


class GenEval:
    """The task. Prompts are generated, so a data folder or revision given for a run is not used."""

    info = INFO

    def rows(self, where: DataRequest) -> Rows:
        """553 prompts with four images each, or under --mini twelve with two.

        Raises EnvironmentFailure if this numpy does not draw the official prompts.
        """
        prompts = official_prompts()
        numbers: Sequence[int] = MINI_ROWS if where.mini else range(len(prompts))
        images = MINI_IMAGES_PER_PROMPT if where.mini else IMAGES_PER_PROMPT

        def load() -> Iterator[Row]:
            for number in numbers:
                yield {"number": number, "images": images, "row": official_row(prompts[number])}

        return Rows(
            load=load,
            count=len(numbers),
            source="mini" if where.mini else "generator, seed 43",
            notes=("mini data, not comparable",) if where.mini else (),
            comparable=not where.mini,
        )

    def cases(self, row: Row, number: int) -> Iterator[Case]:
        """One drawing for each image of a prompt, filed in the official layout.

        Folders carry the canonical row number, which is not number under --mini.
        """
        prompt = parse_prompt(row["row"])
        folder = f"{row['number']:05d}"
        for image in range(row["images"]):
            request = Draw(
                prompt=prompt.prompt,
                artifact=f"{folder}/samples/{image:04d}.png",
                companions=((f"{folder}/metadata.jsonl", official_line(prompt)),),
            )
            yield Case(
                id=f"{folder}/{image:04d}",
                request=request,
                reference={"row": row["row"]},
                cluster=folder,
                category=prompt.tag,
                gold=_gold(prompt),
            )

    def look(self, sample: Sample) -> frozenset[str]:
        """The classes of the clauses that ask for a colour."""
        return frozenset(c.name for c in _prompt(sample).include if c.color is not None)

    def score(self, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random) -> Score:
        """The official verdict, 1.0 or 0.0; failed if the drawing or the look at it failed.

        Raises TaskError if the recorded detections do not fit GenEval or lack needed colours.
        """
        from pisces_eval.tasks.geneval.verdict import judge

        seen = _detections(evidence)
        if isinstance(seen, Failure):
            return Score(id=sample.id, protocol=protocol, failure=seen)
        try:
            verdict = judge(_prompt(sample), seen)
        except TaskError as error:
            raise TaskError(f"geneval {sample.id}: {error}") from error
        value = float(verdict.correct)
        return Score(
            id=sample.id,
            protocol=protocol,
            values={"overall": value, "image_accuracy": value},
            answer=_in_words(verdict.details),
            reason=verdict.reason,
        )

    def metrics(
        self, samples: Sequence[Sample], scores: Sequence[Score], protocol: str
    ) -> tuple[Metric, ...]:
        """overall (mean of the tags), image_accuracy, and prompt_any (any image correct)."""
        from pisces_eval.scoring.aggregate import metric

        return (
            metric("overall", samples, scores, macro=True),
            metric("image_accuracy", samples, scores),
            metric("prompt_any", *any_correct(samples, scores)),
        )


def any_correct(
    samples: Sequence[Sample], scores: Sequence[Score]
) -> tuple[list[Sample], list[Score]]:
    """One sample and one score of "prompt_any" for each prompt, in order of first appearance.

    As in the official summary a prompt counts if any of its judged images is correct; a prompt
    without a judged image keeps the failure of its first.
    """
    prompts: defaultdict[str, list[tuple[Sample, Score]]] = defaultdict(list)
    for sample, score in zip(samples, scores, strict=True):
        prompts[sample.cluster].append((sample, score))
    firsts, results = [], []
    for images in prompts.values():
        first, result = images[0]
        judged = [score.values["image_accuracy"] for _, score in images if score.failure is None]
        if judged:
            values = {"prompt_any": max(judged)}
            result = Score(id=first.id, protocol=result.protocol, values=values)
        firsts.append(first)
        results.append(result)
    return firsts, results


def _prompt(sample: Sample) -> Prompt:
    return parse_prompt(sample.reference["row"])


def _detections(evidence: Evidence) -> tuple[Detection, ...] | Failure:
    perception = evidence.perception
    if evidence.response.failure:
        return evidence.response.failure
    if perception is None:
        return Failure(blame="detector", message="no detector has looked at this drawing")
    return perception.failure or perception.detections


def _gold(prompt: Prompt) -> str:
    """What must be seen, in words: "1 couch, 1 bird left of the couch"."""
    wanted = []
    for clause in prompt.include:
        words = [str(clause.count), clause.color, clause.name]
        if clause.position is not None:
            relation, target = clause.position
            words.append(f"{relation} the {prompt.include[target].name}")
        wanted.append(" ".join(word for word in words if word))
    return ", ".join(wanted)


def _in_words(details: Mapping[str, list[list[float]]]) -> str:
    return ", ".join(f"{len(boxes)} {name}" for name, boxes in details.items()) or "nothing"
