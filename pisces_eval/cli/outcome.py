"""The results of a run in a terminal: no number without its error bar, its n and its notes."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import ROUNDED
from rich.markup import escape
from rich.table import Table

from pisces_eval.cli.render import output, say_json
from pisces_eval.cli.terminal import Terminal
from pisces_eval.formatting import format_estimate, format_interval
from pisces_eval.records import Estimate, TaskResult
from pisces_eval.run.pipeline import Outcome

FAILURES_SHOWN = 5


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """The results of a run, its failures, and where its report is."""
    if as_json:
        say_json(outcome.results)
    else:
        show_results(outcome.results.results)
    errors = Terminal(stderr=True)
    for where, failure in outcome.failures[:FAILURES_SHOWN]:
        errors.print(f"[red]failed[/] {escape(where)}: {escape(failure.message)}", soft_wrap=True)
    if len(outcome.failures) > FAILURES_SHOWN:
        errors.print(f"… and {len(outcome.failures) - FAILURES_SHOWN} more failed samples")
    if any(failure.blame == "data" for _, failure in outcome.failures):
        errors.print("Mended data make another run: give it another --out.")
    if any(failure.blame != "data" for _, failure in outcome.failures):
        errors.print("Mend the cause and run the same command again: only these are tried again.")
    for path in outcome.reports:
        errors.print(f"{path.name:<12} {escape(str(path))}", soft_wrap=True, highlight=False)


def show_results(results: Iterable[TaskResult]) -> None:
    """A row a metric with its error bar, and under them what must be said of the numbers."""
    table = Table(header_style="bold", box=ROUNDED)
    for name in ("task", "protocol", "metric"):
        table.add_column(name)
    for name in ("value ± stderr", "95 % interval", "n", "unparsed", "errors"):
        table.add_column(name, justify="right")
    notes: dict[str, list[str]] = {}
    for result in results:
        for number, metric in enumerate(result.metrics):
            label = f"{result.task}{'' if result.comparable else ' *'}" if number == 0 else ""
            protocol = result.protocol if number == 0 else ""
            cells = _numbers(metric.overall, metric.bounds)
            table.add_row(label, protocol, metric.name, *cells, style="" if number else "bold")
        for note in (*result.notes, *(f"alarm: {line}" for line in result.alarms)):
            notes.setdefault(note, []).append(result.task)
    console = output()
    console.print(table)
    for note, tasks in notes.items():
        console.print(
            f"* {escape(', '.join(dict.fromkeys(tasks)))}: {escape(note)}", style="yellow"
        )


def _numbers(estimate: Estimate, bounds: tuple[float, float] | None) -> tuple[str, ...]:
    unparsed = str(estimate.unparsed)
    if estimate.guessed:
        unparsed += f" ({estimate.guessed} guessed)"
    return (
        format_estimate(estimate, bounds),
        format_interval(estimate, bounds),
        str(estimate.n),
        unparsed,
        str(estimate.errors),
    )
