"""What broken GenEval scores look like."""

from __future__ import annotations

from collections.abc import Sequence

from pisces_eval.records import Sample, Score

EASY_TAG, EASY_ACCURACY = "single_object", 0.9
"""Every published model since 2022 but the baselines is above it; an installation that is not has a
broken detector (reports in djghosh13/geneval issues 12, 15 and 18)."""
BLIND_SHARE = 0.5
"""More drawings than this without a single detection are not the model's doing."""
NOTHING = "nothing"
"""How a score says that the detector saw nothing."""


def find_alarms(samples: Sequence[Sample], scores: Sequence[Score]) -> tuple[str, ...]:
    """One line for each thing that looks wrong; samples and scores are parallel."""
    from pisces_eval.scoring.aggregate import metric

    judged = [score for score in scores if score.failure is None]
    lines = []
    easy = metric("image_accuracy", samples, scores).groups.get(EASY_TAG)
    if easy and easy.ci95 and easy.ci95[1] < EASY_ACCURACY:
        lines.append(
            f"{EASY_TAG} lies below {EASY_ACCURACY:.0%} even at the upper end of its interval: "
            "check the detector before you believe any number"
        )
    blind = sum(score.answer == NOTHING for score in judged)
    if judged and blind / len(judged) > BLIND_SHARE:
        lines.append(f"the detector saw nothing in {blind} of {len(judged)} drawings")
    doubtful = sum(bool(score.flags) for score in judged)
    if doubtful:
        lines.append(f"{doubtful} of {len(judged)} verdicts hang on an undecided colour")
    return tuple(lines)
