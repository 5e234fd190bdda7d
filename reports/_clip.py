"""Texts of a model or a data set, cut to a length that a report can bear."""

from __future__ import annotations

from pisces_eval.formatting import format_count

TEXT_SHOWN = 2_000
"""Characters of one text that are shown at most."""


def clip(text: str) -> str:
    """The text, or its first TEXT_SHOWN characters and how many there are in all."""
    if len(text) <= TEXT_SHOWN:
        return text
    counts = f"the first {format_count(TEXT_SHOWN)} of {format_count(len(text))} characters"
    return f"{text[:TEXT_SHOWN]} … ({counts})"
