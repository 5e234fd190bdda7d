"""MMMU, validation split: 900 questions of 30 college subjects, most with one picture.

Yue et al.: "MMMU: A Massive Multi-discipline Multimodal Understanding and Reasoning Benchmark for
Expert AGI", CVPR 2024, arXiv 2311.16502. Data, prompt and scorer are those of lmms-eval 0.7.3's
mmmu_val, whose number the headline metric is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec

from pisces_eval.interfaces import Ask, Case, DataRequest, Evidence, Row, Rows, TaskInfo
from pisces_eval.records import Metric, Sample, Score
from pisces_eval.tasks.mmmu.question import IMAGE_COLUMNS, Question
from pisces_eval.tasks.mmmu.verdict import DECIMALS, judge_choice, judge_open, reference_mean

HEADLINE = "mmmu_acc"
WITHOUT_GUESSES = "mmmu_acc_no_guess"

# As the table of Florence-VL (arXiv 2412.04424) gives them.
PUBLISHED = {
    "LLaVA-NeXT 8B": 0.401,
    "Cambrian 8B": 0.427,
    "Florence-VL 8B": 0.437,
}

INFO = TaskInfo(
    name="mmmu",
    title="MMMU",
    kind="ask",
    summary="900 college questions of 30 subjects about pictures: letters, some words and numbers",
    homepage="https://mmmu-benchmark.github.io/",
    licence="Apache-2.0 (as commonly stated; not verified here)",
    citation="Yue et al., CVPR 2024, arXiv 2311.16502",
    dataset="lmms-lab-encoder/MMMU",
    split="validation",
    protocols=("lmms-eval",),
    protocol_note=(
        "lmms-eval: prompt, parser, random guess for answers that name no option, and mean over "
        "all questions, rounded to 5 decimals, of lmms-eval 0.7.3 mmmu_val; the guesses are "
        "counted, and mmmu_acc_no_guess takes them as wrong. Open questions whose data holds a "
        "list of answers as one text are compared with that text, as there; before 0.7.3 no open "
        "answer was ever right, so older numbers are lower"
    ),
    version=1,
    published=PUBLISHED,
)


class Mmmu:
    """The task."""

    info = INFO

    def rows(self, where: DataRequest) -> Rows:
        """The validation split in its order, a folder's rows, or the mini set.

        Raises TaskError, EnvironmentFailure or UserError.
        """
        from pisces_eval.data.sources import resolve
        from pisces_eval.tasks.mmmu.mini import mini

        return resolve(
            where,
            task=INFO.name,
            dataset=INFO.dataset,
            split=INFO.split,
            image_columns=IMAGE_COLUMNS,
            mini=mini,
        )

    def cases(self, row: Row, number: int) -> Iterator[Case]:
        """One question a row, with the pictures it mentions. Raises TaskError for a bad row."""
        question = Question(row, number)
        yield Case(
            id=question.columns.id,
            request=Ask(question.prompt, question.pictures, max_new_tokens=128, stop=("\n\n",)),
            reference={
                "question_type": question.columns.question_type,
                "options": list(question.options),
                "answers": list(question.golds),
            },
            cluster=question.columns.id,
            category=question.subject,
            gold=" | ".join(question.golds),
        )

    def look(self, sample: Sample) -> frozenset[str]:
        """Nothing: no drawings here."""
        return frozenset()

    def score(self, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random) -> Score:
        """1.0 or 0.0 for both metrics; a guess that hits earns 1.0 in mmmu_acc only."""
        text, wanted = evidence.response.text or "", sample.reference
        if wanted["question_type"] == "open":
            verdict = judge_open(text, wanted["answers"])
        else:
            verdict = judge_choice(text, wanted["options"], wanted["answers"], rng)
        return Score(
            id=sample.id,
            protocol=protocol,
            values={
                HEADLINE: float(verdict.correct),
                WITHOUT_GUESSES: float(verdict.correct and not verdict.guessed),
            },
            answer=verdict.answer,
            unparsed=not verdict.parsed,
            guessed=verdict.guessed,
            reason="names no option: the letter is a random guess" if verdict.guessed else "",
        )

    def metrics(
        self, samples: Sequence[Sample], scores: Sequence[Score], protocol: str
    ) -> tuple[Metric, ...]:
        """mmmu_acc, the reference's number to its last digit, and mmmu_acc_no_guess; by subject."""
        return tuple(_metric(name, samples, scores) for name in (HEADLINE, WITHOUT_GUESSES))


def _metric(name: str, samples: Sequence[Sample], scores: Sequence[Score]) -> Metric:
    """The common mean with its errors, its value replaced by the reference's mean."""
    # Imported late: it brings numpy, which listing the tasks does without.
    from pisces_eval.scoring.aggregate import metric

    plain = metric(name, samples, scores, decimals=DECIMALS)
    if plain.overall.value is None:
        return plain
    value = reference_mean(
        (sample.category, score.values[name])
        for sample, score in zip(samples, scores, strict=True)
        if score.failure is None
    )
    overall = msgspec.structs.replace(plain.overall, value=value)
    return msgspec.structs.replace(plain, overall=overall)
