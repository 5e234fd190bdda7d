"""What a model says to itself before it answers, taken out before the answer is read.

Source of the behaviour: lmms-eval 0.7.3, whose command line does this to every answer by default.
"""

from __future__ import annotations

TAGS = (("<think>", "</think>"), ("<analysis>", "</analysis>"))
"""Opening and closing tags, in the order in which they are treated; letter case counts."""


def spoken(answer: str) -> str:
    """The answer without its closed blocks of reasoning and without white space around it.

    A closing tag whose opening tag is missing (some chat templates put it into the prompt) ends a
    block that began with the answer. An opening tag that is never closed stays as it is. Linear in
    the length of the answer.
    """
    for opening, closing in TAGS:
        if closing in answer:
            answer = _without_blocks(answer, opening, closing)
        if opening not in answer:
            answer = answer.rpartition(closing)[2]
    return answer.strip()


def _without_blocks(text: str, opening: str, closing: str) -> str:
    """text without each stretch from an opening tag to the next closing tag.

    What is left on both sides of a removed block may join to a new opening tag, so each search
    begins just before the seam.
    """
    kept: list[str] = []
    *blocks, rest = text.split(closing)
    for block in blocks:
        seam = max(0, len(kept) - len(opening) + 1)
        window = "".join(kept[seam:]) + block
        start = window.find(opening)
        kept[seam:] = window + closing if start < 0 else window[:start]
    return "".join(kept) + rest
