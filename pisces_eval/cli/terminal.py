"""The one kind of console that is drawn on."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console


class Terminal(Console):
    """A console that does not end the process by itself when its reader has gone."""

    def on_broken_pipe(self) -> NoReturn:
        """Raises BrokenPipeError: rich would exit with 1, which here says that a gate failed."""
        raise BrokenPipeError
