"""The numbers that stand in a text, as they are written.

Source of the notion of a number: the MMMU benchmark's own parser, as in lmms-eval 0.7.3.
"""

from __future__ import annotations

import re

_RUN = r"(?<!\d)\d+"
"""A run of digits from its first: tried nowhere else, or a long run costs its length squared."""

_GROUPED = re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b")
_SCIENTIFIC = re.compile(rf"-?{_RUN}(?:\.\d+)?[eE][+-]?\d+")
_PLAIN = re.compile(rf"-?(?:{_RUN}\.\d+|\.\d+|{_RUN}\b)(?!,|\d|[eE][+-]?\d)")


def numbers_in(text: str) -> list[str]:
    """All numbers with grouped thousands, then all in scientific notation, then all plain ones.

    A part of a number may be a number too: '1.5e3' yields '1.5e3', '1' and '3'. Every one can be
    read by float() once its commas are gone. Linear in the length of the text.
    """
    return [*_GROUPED.findall(text), *_SCIENTIFIC.findall(text), *_PLAIN.findall(text)]
