"""Which samples of a task a report shows when there are too many: the same ones every time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pisces_eval.formatting import format_count, plural
from pisces_eval.reports._verdicts import VERDICTS


@dataclass(frozen=True)
class Mark:
    """What decides whether a sample is chosen."""

    id: str
    verdict: str
    category: str


@dataclass(frozen=True)
class Selection:
    """The chosen samples and the sentence that says how they were chosen."""

    ids: frozenset[str]
    rule: str
    totals: tuple[tuple[str, int], ...]
    """Verdict to number of samples of all the task, for verdicts that occur."""


def select(marks: Iterable[Mark], limit: int) -> Selection:
    """At most `limit` samples, evenly over verdicts and categories.

    Each pair of verdict and category is a stratum, ordered by the SHA-256 of the samples' ids. One
    sample is taken from every stratum in turn, errors first, until the limit is reached.
    """
    strata: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for mark in marks:
        strata[VERDICTS.index(mark.verdict), mark.category].append(mark.id)
    turns = sorted(
        (turn, stratum, identifier)
        for stratum, ids in strata.items()
        for turn, identifier in enumerate(sorted(ids, key=_digest))
    )
    chosen = frozenset(identifier for _, _, identifier in turns[:limit])
    return Selection(chosen, _rule(len(chosen), len(turns)), _totals(strata))


def _digest(identifier: str) -> bytes:
    return hashlib.sha256(identifier.encode()).digest()


def _rule(shown: int, total: int) -> str:
    if not total:
        return "No sample was recorded."
    if shown == total:
        return f"Showing all of {plural(total, 'sample')}."
    return (
        f"Showing {format_count(shown)} of {format_count(total)} samples: taken in turn from every"
        " verdict and category, errors first, each in the order of its ids' SHA-256."
    )


def _totals(strata: dict[tuple[int, str], list[str]]) -> tuple[tuple[str, int], ...]:
    counts = [0] * len(VERDICTS)
    for (rank, _), ids in strata.items():
        counts[rank] += len(ids)
    return tuple(pair for pair in zip(VERDICTS, counts, strict=True) if pair[1])
