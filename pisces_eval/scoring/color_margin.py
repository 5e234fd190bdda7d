"""When a colour classifier's choice hangs by a hair."""

from __future__ import annotations

from collections.abc import Sequence

MARGIN = 0.05
"""Logits closer than this may change places with precision: GenEval's own run in half precision,
where logits of 16 to 32 lie on a grid of 1/64, so that a few steps of the grid decide."""


def undecided(colors: Sequence[float]) -> bool:
    """Whether the two highest logits lie within MARGIN; False for fewer than two."""
    if len(colors) < 2:
        return False
    first, second = sorted(colors, reverse=True)[:2]
    return first - second <= MARGIN
