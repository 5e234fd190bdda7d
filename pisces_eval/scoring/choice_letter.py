"""Which option letter an answer names.

Source of the rules: the MMMU benchmark's own parser, as in lmms-eval 0.7.3.
"""

from __future__ import annotations

from collections.abc import Sequence

_FORMS = (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} "))
"""How a letter may stand in an answer, best first, and how rivals are looked for to rank them."""

_PUNCTUATION = ",.!?;:'"
_WORDS_OF_A_SENTENCE = 6
"""Only an answer this long is searched for the texts of the options."""


def letters(count: int) -> tuple[str, ...]:
    """The labels of so many options: A, B, C, …"""
    return tuple(chr(ord("A") + index) for index in range(count))


def named_letter(answer: str, options: Sequence[str]) -> str | None:
    """The letter of the option that an answer names, or None if it names none.

    The answer is searched for '(B)', then 'B ', then 'B.' (capitals only; a letter may end a word),
    and, if it is a sentence, for the options' texts in any case. Of several options found in the
    same way the one named last wins. Linear in the length of the answer.
    """
    text = f" {_bare(answer)} "
    labels = letters(len(options))
    for form, place in _FORMS:
        named = [label for label in labels if form.format(label) in text]
        if named:
            return max(named, key=lambda label: text.rfind(place.format(label)))
    if len(text.split()) < _WORDS_OF_A_SENTENCE:
        return None
    text = text.lower()
    quoted = {
        label: text.rfind(option.lower())
        for label, option in zip(labels, options, strict=True)
        if option.lower() in text
    }
    return max(quoted, key=quoted.__getitem__) if quoted else None


def _bare(answer: str) -> str:
    """The answer without marks at its ends, cut once in their order: 'A,.' keeps its comma."""
    for mark in _PUNCTUATION:
        answer = answer.strip(mark)
    return answer
