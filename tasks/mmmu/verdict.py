"""One answer judged, and the mean over all, as lmms-eval 0.7.3 does it.

Text between reasoning tags is dropped first, as that program's command line does by default. The
differential tests against it, random guesses included, are replayed in tests/parity.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pisces_eval.scoring.choice_letter import letters, named_letter
from pisces_eval.scoring.open_answer import Candidate, candidates, is_right
from pisces_eval.scoring.reasoning import spoken

DECIMALS = 5
"""To which the reference rounds accuracies."""

_LONGEST_SHOWN = 200


class Verdict(NamedTuple):
    """What was understood, and whether it is right."""

    answer: str
    """For people: the letter, or the start of an open answer's first candidate."""
    correct: bool
    parsed: bool = True
    guessed: bool = False


def judge_choice(
    text: str, options: Sequence[str], golds: Sequence[str], rng: random.Random
) -> Verdict:
    """Compare the letter that text names with the gold letters.

    If text names none a letter is drawn at random; only then is rng used, for one choice.
    """
    letter = named_letter(spoken(text), options)
    if letter is None:
        guess = rng.choice(letters(len(options)))
        return Verdict(guess, guess in golds, parsed=False, guessed=True)
    return Verdict(letter, letter in golds)


def judge_open(text: str, golds: Sequence[str]) -> Verdict:
    """Compare what text may mean with the golds; an empty text counts as not parsed."""
    found = candidates(spoken(text))
    return Verdict(_shown(found[0]), is_right(found, golds), parsed=found != [""])


def reference_mean(values: Iterable[tuple[str, float]]) -> float:
    """The mean of (subject, value) pairs in the reference's order of rounding, to 5 decimals.

    Σ_s (mean_s · n_s) / Σ_s n_s over subjects s as they first appear: in floats this may differ
    from the plain mean by just what turns a last digit. Raises ValueError if there is nothing.
    """
    subjects: dict[str, list[float]] = {}
    for subject, value in values:
        subjects.setdefault(subject, []).append(value)
    if not subjects:
        raise ValueError("no values to average")
    total, count = 0.0, 0
    for scored in subjects.values():
        total += sum(scored) / len(scored) * len(scored)
        count += len(scored)
    return round(total / count, DECIMALS)


def _shown(candidate: Candidate) -> str:
    text = str(candidate).strip()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
