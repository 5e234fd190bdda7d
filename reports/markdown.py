"""report.md: the numbers of a run with errors and origin, for pull requests and notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pisces_eval.interfaces import RunView
from pisces_eval.reports._numbers import (
    Caveat,
    HeadlineRow,
    MetricTable,
    NumberRow,
    caveats,
    headline_rows,
    metric_tables,
)
from pisces_eval.reports._provenance import FactGroup, provenance_groups

LEGEND = (
    "Scores bounded by 0 and 1 are in percent points; ± is one standard error,"
    " the interval covers 95 %."
)

NUMBER_COLUMNS = ("score ± s.e.", "95 % interval", "n", "unparsed, guessed, errors", "to be said")

SPECIAL = re.compile(r"[\\`*<>|~&]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|^[#+-]")
"""What Markdown would read as markup inside a line."""


@dataclass(frozen=True)
class MarkdownReport:
    """The report for text: tables only, no samples."""

    name: str = "markdown"
    filename: str = "report.md"

    def render(self, run: RunView) -> str:
        """The file as text; the same run gives the same text."""
        sections = (
            _header(run),
            _headline_section(headline_rows(run.results.results)),
            *(
                _metric_section(result.task, table)
                for result in run.results.results
                for table in metric_tables(result)
                if table.groups or table.metric != result.metrics[0].name
            ),
            _provenance_section(provenance_groups(run)),
        )
        return "\n\n".join(sections) + "\n"


REPORT = MarkdownReport()


def _header(run: RunView) -> str:
    lines = [
        f"# {_escape(run.results.model)}",
        f"Run identity {_escape(run.results.identity)}, pisces-eval"
        f" {_escape(run.manifest.provenance.version)}.",
    ]
    notes = "\n".join(f"> - {_caveat(caveat)}" for caveat in caveats(run))
    if notes:
        lines.append(f"> **Read before you quote a number**\n>\n{notes}")
    return "\n\n".join(lines)


def _caveat(caveat: Caveat) -> str:
    return f"**{_escape(caveat.text)}**: {_escape(', '.join(caveat.subjects))}"


def _headline_section(rows: Sequence[HeadlineRow]) -> str:
    table = _table(
        ("task", "protocol", "metric", *NUMBER_COLUMNS),
        ((row.task, row.protocol, row.number.label, *_number_cells(row.number)) for row in rows),
    )
    return f"## Results\n\n{table}\n\n{LEGEND}"


def _metric_section(task: str, table: MetricTable) -> str:
    rows = ((row.label, *_number_cells(row)) for row in (table.overall, *table.groups))
    return "\n\n".join(
        (
            f"## {_escape(task)}: {_escape(table.metric)}, protocol {_escape(table.protocol)}",
            _table(("category", *NUMBER_COLUMNS), rows),
            f"{table.direction.capitalize()}. Error and interval: {_escape(table.overall.method)}.",
        )
    )


def _provenance_section(groups: Iterable[FactGroup]) -> str:
    blocks = (
        f"### {_escape(group.title)}\n\n"
        + _table(("what", "value"), ((fact.name, fact.full) for fact in group.facts))
        for group in groups
    )
    return "\n\n".join(("## Provenance", *blocks))


def _number_cells(row: NumberRow) -> tuple[str, ...]:
    return (row.score, row.interval, row.size, row.exceptions, row.status)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join((_row(head), "|" + " --- |" * len(head), *map(_row, rows)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(text: str) -> str:
    """The text on one line, with everything that Markdown or HTML would act upon made inert."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
