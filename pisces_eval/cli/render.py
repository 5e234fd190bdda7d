"""All that is drawn in a terminal: progress, tables, results. Nothing else prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from pisces_eval.formatting import format_estimate, format_interval, format_rate
from pisces_eval.records import Estimate, TaskResult
from pisces_eval.run.pipeline import Outcome

FAILURES_SHOWN = 5


class _Rate(ProgressColumn):
    """Samples a second of this sitting, not of the journal it started with."""

    def render(self, task: Task) -> Text:
        done = int(task.completed) - int(task.fields["before"])
        return Text(format_rate(done, task.elapsed) if task.elapsed and done else "")


class _Failures(ProgressColumn):
    """How many samples failed."""

    def render(self, task: Task) -> Text:
        failures = task.fields["failures"]
        return Text(f"{failures} failed", style="bold red") if failures else Text("")


class Bars:
    """A run's Progress as rich draws it, on standard error: a bar a stage."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            _Failures(),
            console=self._console,
        )
        self._current: TaskID | None = None

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, task: str, stage: str, total: int, done: int) -> None:
        """A new bar."""
        self._current = self._bars.add_task(
            f"{task:<10} {stage:<8}", total=total, completed=done, failures=0, before=done
        )

    def advance(self, samples: int, failures: int) -> None:
        """Moves the newest bar."""
        if self._current is not None:
            bar = self._bars.tasks[self._current]
            self._bars.update(
                self._current, advance=samples, failures=bar.fields["failures"] + failures
            )

    def end(self) -> None:
        """The newest bar stays as it is."""
        self._current = None

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._console.print(escape(line))


def say(text: str) -> None:
    """Plain text on standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say_json(value: object) -> None:
    """Indented JSON on standard output."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of plain words, cut to nothing when piped: it is then as wide as it needs."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(escape(name), no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    _console().print(table)


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """The results of a run, its failures, and where its report is."""
    if as_json:
        say_json(outcome.results)
    else:
        show_results(outcome.results.results)
    errors = Console(stderr=True)
    for where, failure in outcome.failures[:FAILURES_SHOWN]:
        errors.print(f"[red]failed[/] {escape(where)}: {escape(failure.message)}", soft_wrap=True)
    if len(outcome.failures) > FAILURES_SHOWN:
        errors.print(f"… and {len(outcome.failures) - FAILURES_SHOWN} more failed samples")
    if outcome.failures:
        errors.print("Mend the cause and run the same command again: only these are tried again.")
    for path in outcome.reports:
        errors.print(f"{path.name:<12} {escape(str(path))}", soft_wrap=True, highlight=False)


def show_results(results: Iterable[TaskResult]) -> None:
    """A row a metric with its error bar, and under them what must be said of the numbers."""
    table = Table(header_style="bold", pad_edge=False)
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
        for note in result.notes:
            notes.setdefault(note, []).append(result.task)
    console = _console()
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


def _console() -> Console:
    # A pipe or a file has no width: do not cut what a program or a person reads there.
    return Console() if sys.stdout.isatty() else Console(width=160)
