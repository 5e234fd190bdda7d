"""How stages tell what they are doing; the command line draws it, tests and notebooks ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A watcher of a run."""

    def begin(self, task: str, stage: str, total: int, done: int) -> None:
        """A stage starts: total samples, of which done were journaled before."""
        ...

    def advance(self, samples: int, failures: int) -> None:
        """So many samples were finished, failures of them without a result."""
        ...

    def end(self) -> None:
        """The stage is over."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...


class Silence:
    """Watches nothing."""

    def begin(self, task: str, stage: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, samples: int, failures: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""
