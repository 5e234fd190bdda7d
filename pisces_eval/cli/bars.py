"""The progress of a run in a terminal: a bar a stage, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pisces_eval.cli.terminal import Terminal
from pisces_eval.formatting import format_rate


@contextmanager
def download_bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for one download; what it gives is to be told (bytes so far, bytes in all)."""
    columns = (TextColumn(name), BarColumn(bar_width=28), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True)) as progress:
        bar = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


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
        self._console = Terminal(stderr=True)
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
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Where no bar was begun, rich would still print an empty line.
        if self._bars.tasks:
            self._bars.stop()

    def begin(self, task: str, stage: str, total: int, done: int) -> None:
        """A new bar."""
        self._bars.start()
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
