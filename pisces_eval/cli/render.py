"""Words, JSON and tables on standard output. Nothing outside this folder prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
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
    """A table of plain words: fitted to a terminal, in aligned columns for a pipe."""
    if sys.stdout.isatty():
        _show_fitted(head, rows)
    else:
        say("\n".join(_aligned([head, *rows])))


def _show_fitted(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(escape(name), no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    output().print(table)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with every column as wide as its widest word; a cell may have several lines."""
    # Without rich, whose import alone takes as long as all else that a listing does.
    cells = [[cell.splitlines() or [""] for cell in row] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)
    ]
    for row in cells:
        for lines in zip_longest(*row, fillvalue=""):
            words = (line.ljust(width) for line, width in zip(lines, widths, strict=True))
            yield "  ".join(words).rstrip()


def output() -> Console:
    """Standard output as rich writes to it."""
    from pisces_eval.cli.terminal import Terminal

    # A pipe or a file has no width: do not cut what a program or a person reads there.
    return Terminal() if sys.stdout.isatty() else Terminal(width=160)
