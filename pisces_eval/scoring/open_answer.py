"""Is a short free answer right? It is cut down to candidates, and these are compared with the gold.

Source of the rules: the MMMU benchmark's own parser, as in lmms-eval 0.7.3 (where open questions
score again; in versions before, no open answer was ever right).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pisces_eval.scoring.numbers_in_text import numbers_in

Candidate = str | float
"""A lower-case text, or a number rounded to two decimals."""

_SIGNALS = (
    "could be ",
    "so ",
    "is ",
    "thus ",
    "therefore ",
    "final ",
    "answer ",
    "result ",
)
"""What a statement of the answer follows; their order decides between equally short tails."""

_EQUATION = "="
"""A signal in the last line only."""

_TRIVIAL = frozenset(":,.!?;'")


def candidates(answer: str) -> list[Candidate]:
    """What an answer may mean: its key phrases and the numbers in them, each once, in that order.

    Never empty: an empty answer gives an empty text. Linear in the length of the answer.
    """
    phrases = key_phrases(answer)
    texts = [*phrases, *(number for phrase in phrases for number in numbers_in(phrase))]
    return list(dict.fromkeys(form for text in texts for form in normal_forms(text)))


def key_phrases(answer: str) -> list[str]:
    """For each line the shortest text behind a signal word; failing all, the whole answer."""
    text = answer.strip().strip(".").lower()
    *earlier, last = text.split("\n")
    tails = [_shortest_tail(line, _SIGNALS) for line in earlier]
    tails.append(_shortest_tail(last, (*_SIGNALS, _EQUATION)))
    return [tail for tail in tails if tail and tail not in _TRIVIAL] or [text]


def normal_forms(text: str) -> tuple[Candidate, ...]:
    """A number rounded to two decimals, or the text in lower case.

    A single character becomes two texts, with a blank before and after it, lest it be found inside
    of any word.
    """
    text = text.strip()
    try:
        return (round(float(text.replace(",", "")), 2),)
    except ValueError:
        text = text.lower()
        return (f" {text}", f"{text} ") if len(text) == 1 else (text,)


def is_right(found: Iterable[Candidate], golds: Sequence[str]) -> bool:
    """Whether any candidate contains a gold text or equals a gold number."""
    wanted = [form for gold in golds for form in normal_forms(gold)]
    texts = [form for form in wanted if isinstance(form, str)]
    numbers = {form for form in wanted if isinstance(form, float)}
    return any(
        any(text in candidate for text in texts)
        if isinstance(candidate, str)
        else candidate in numbers
        for candidate in found
    )


def _shortest_tail(line: str, signals: Sequence[str]) -> str:
    """The shortest text behind the last mention of a signal; an empty one yields to the next."""
    shortest = ""
    for signal in signals:
        _, mentioned, tail = line.rpartition(signal)
        tail = tail.strip()
        if mentioned and (not shortest or len(tail) < len(shortest)):
            shortest = tail
    return shortest
