"""What data sets keep in an image column, as pictures: structs of bytes and path, or bare paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture, Row

Locate = Callable[[str], Path]
"""From a stored path to a file that may be read. Raises ValueError that says why not."""


def with_pictures(row: Row, columns: tuple[str, ...], *, place: str, locate: Locate) -> Row:
    """The row with its image columns as Picture, list of Picture, or None.

    place says where the row stands ('rows.jsonl line 3'); it names the pictures and errors.
    Raises TaskError for a column that holds no image or a path that locate refuses.
    """
    held = {
        column: _pictures(row[column], f"{place} column {column}", locate)
        for column in columns
        if column in row
    }
    return {**row, **held}


def inside(folder: Path) -> Locate:
    """Accept relative paths to files that lie in folder once all symbolic links are followed."""
    home = folder.resolve()

    def locate(stored: str) -> Path:
        if Path(stored).is_absolute():
            raise ValueError("is absolute; write it relative to the folder")
        return _file_within(home, home / stored, stored)

    return locate


def anywhere_inside(*folders: Path) -> Locate:
    """Accept absolute paths to files that lie in one of the folders, symbolic links followed."""
    homes = [folder.resolve() for folder in folders]

    def locate(stored: str) -> Path:
        path = Path(stored)
        home = next((home for home in homes if path.resolve().is_relative_to(home)), homes[0])
        return _file_within(home, path, stored)

    return locate


def _file_within(home: Path, path: Path, stored: str) -> Path:
    try:
        resolved = path.resolve()
        if not resolved.is_relative_to(home):
            raise ValueError(f"leads out of {home}; keep images inside it")
        if not resolved.is_file():
            raise ValueError("is no file; check the path and fetch what is missing")
    except (OSError, RuntimeError) as error:  # a name too long, a loop of links
        raise ValueError(f"cannot be followed ({error}); check the path") from error
    return resolved


def _pictures(value: Any, name: str, locate: Locate) -> Picture | list[Picture] | None:
    if value is None:
        return None
    if isinstance(value, list):
        return [_picture(entry, f"{name}[{index}]", locate) for index, entry in enumerate(value)]
    return _picture(value, name, locate)


def _picture(value: Any, name: str, locate: Locate) -> Picture:
    stored = value
    if isinstance(value, Mapping):
        data = value.get("bytes")
        if isinstance(data, bytes):
            return Picture(data, name)
        stored = value.get("path")
    if not isinstance(stored, str):
        raise TaskError(f"{name}: expected an image, got {type(value).__name__}; check the data")
    try:
        return Picture(locate(stored), name)
    except ValueError as error:
        raise TaskError(f"{name}: image path {stored!r} {error}") from error
