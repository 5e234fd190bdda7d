"""Words, JSON and tables on standard output. Nothing outside this folder prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """Plain text on standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say_json(value: object) -> None:
    """Indented JSON on standard output."""
    import msgspec

    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of plain words."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(escape(name), no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    output().print(table)


def output() -> Console:
    """Standard output as rich writes to it."""
    from pisces_eval.cli.terminal import Terminal

    # A pipe or a file has no width: do not cut what a program or a person reads there.
    return Terminal() if sys.stdout.isatty() else Terminal(width=160)
