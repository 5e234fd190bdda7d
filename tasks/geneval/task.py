"""GenEval: does a drawing show the objects, counts, colours and places that its prompt names?

553 prompts of six tags, four drawings each; an object detector looks at every drawing and a fixed
rule judges what it saw. Ghosh, Hajishirzi, Schmidt: "GenEval: An Object-Focused Framework for
Evaluating Text-to-Image Alignment", arXiv 2310.11513; code and prompts djghosh13/geneval (MIT).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Case, DataRequest, Draw, Evidence, Row, Rows, TaskInfo
from pisces_eval.records import Detection, Failure, Metric, Sample, Score
from pisces_eval.tasks.geneval.alarms import find_alarms
from pisces_eval.tasks.geneval.prompts import (
    Prompt,
    official_line,
    official_prompts,
    official_row,
    parse_prompt,
)
from pisces_eval.tasks.geneval.thresholds import OFFICIAL, Thresholds, turn
from pisces_eval.tasks.geneval.variants import ORIGINAL, read_variant
from pisces_eval.tasks.geneval.vocabulary import VOCABULARY

if TYPE_CHECKING:
    from pisces_eval.tasks.geneval.official import Row as OfficialRow

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
    protocols=("official", "strict"),
    protocol_note=(
        "official: the verdict of djghosh13/geneval @af4902f at its default thresholds, on what "
        "the detector saw; overall is the unweighted mean of the six tags' image accuracies, as in "
        "papers. strict: ours, the same but that more of a named object than named is a fault"
    ),
    version=2,
    vocabulary=VOCABULARY,
    published=PUBLISHED,
)


@dataclass(frozen=True)
class GenEval:
    """The task. Prompts are generated, so a data folder or revision given for a run is not used."""

    thresholds: Thresholds = OFFICIAL
    info: TaskInfo = INFO

    @property
    def options(self) -> Mapping[str, float]:
        """The thresholds of the verdict by name."""
        return asdict(self.thresholds)

    def tuned(self, options: Mapping[str, float]) -> GenEval:
        """The task with other thresholds. Raises UserError for an unknown name or unfit value."""
        return replace(self, thresholds=turn(self.thresholds, options))

    def rows(self, where: DataRequest) -> Rows:
        """553 prompts with four images each, or under --mini twelve with two.

        Raises EnvironmentFailure if this numpy does not draw the official prompts, UserError for
        a file of other wordings that does not fit them.
        """
        prompts, variant = official_prompts(), ORIGINAL
        if where.prompts is not None:
            prompts, variant = read_variant(where.prompts, prompts)
        notes = ("mini data, not comparable",) if where.mini else ()
        numbers: Sequence[int] = MINI_ROWS if where.mini else range(len(prompts))
        images = MINI_IMAGES_PER_PROMPT if where.mini else IMAGES_PER_PROMPT

        def load() -> Iterator[Row]:
            for number in numbers:
                yield {"number": number, "images": images, "row": official_row(prompts[number])}

        return Rows(
            load=load,
            count=len(numbers),
            source=f"mini, {variant.name}" if where.mini else f"generator, {variant.name}",
            notes=notes + variant.notes,
            comparable=not (where.mini or variant.notes),
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
            verdict = judge(_prompt(sample), seen, self.thresholds)
        except TaskError as error:
            raise TaskError(f"geneval {sample.id}: {error}") from error
        faults = [verdict.reason] if verdict.reason else []
        if protocol == "strict":
            faults += [line for line in verdict.surplus if line not in verdict.reason]
        value = float(not faults)
        return Score(
            id=sample.id,
            protocol=protocol,
            values={"overall": value, "image_accuracy": value},
            answer=_in_words(verdict.details),
            reason="\n".join(faults),
            flags=tuple(f"colour of {name} undecided" for name in verdict.undecided),
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

    def alarms(self, samples: Sequence[Sample], scores: Sequence[Score]) -> tuple[str, ...]:
        """Signs of a broken detector, and how many verdicts hang on an undecided colour."""
        return find_alarms(samples, scores)

    def exports(self, judged: Iterable[tuple[Sample, Evidence]]) -> Iterator[tuple[str, str]]:
        """results.jsonl and summary.txt as the official scripts write them."""
        from pisces_eval.tasks.geneval.official import results_text, summary_text

        rows = [row for sample, evidence in judged if (row := self._official_row(sample, evidence))]
        yield "official/results.jsonl", results_text(rows)
        yield "official/summary.txt", summary_text(rows)

    def _official_row(self, sample: Sample, evidence: Evidence) -> OfficialRow | None:
        from pisces_eval.tasks.geneval.official import Row as OfficialRow
        from pisces_eval.tasks.geneval.verdict import judge

        seen = _detections(evidence)
        if isinstance(seen, Failure):
            return None
        return OfficialRow(
            filename=f"images/{sample.artifact}",
            tag=sample.category,
            prompt=sample.prompt,
            metadata=official_line(_prompt(sample)),
            verdict=judge(_prompt(sample), seen, self.thresholds),
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
