"""Rows from a folder of the user's: JSON lines with image files beside them, or hub parquet."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pisces_eval.data.pictures import inside, with_pictures
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Row, Rows

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_BATCH_ROWS = 16
"""Parquet rows held in memory at once; each may carry several images."""

_SHARD = re.compile(r"(?P<split>\w+)-\d+(-of-\d+)?")
"""How the hub names a part of a split: validation-00000-of-00001."""

_USUAL_SPLITS = frozenset({"train", "validation", "val", "dev", "test", "testmini"})


def folder_rows(folder: Path, *, split: str, image_columns: tuple[str, ...]) -> Rows:
    """The split's rows in a folder, read as they are iterated.

    Looked for in this order: rows.jsonl; <split>.jsonl; parquet files that name the split as the
    hub does (<split>-*.parquet, <split>.parquet or a folder <split>/, at any depth, in the order of
    their paths); all parquet files, if none names any split. In JSON lines an image column holds a
    path relative to the folder, a list of such paths, or null; in parquet the hub's struct of bytes
    and path. Raises UserError for a folder that is missing or has no rows of the split, TaskError
    for damaged data, at once or while iterating.
    """
    if not folder.is_dir():
        raise UserError(f"data folder {folder} does not exist; check --data-dir")
    lines = [file for name in ("rows", split) if (file := folder / f"{name}.jsonl").is_file()]
    if lines:
        count = sum(1 for _ in _lines(lines[0]))
        load = partial(_read_lines, lines[0], image_columns)
    else:
        files = _parquet_files(folder, split)
        count = sum(_open(file).metadata.num_rows for file in files)
        load = partial(_read_parquet, folder, files, image_columns)
    if count == 0:
        raise UserError(
            f"data folder {folder} has no rows; looked for rows.jsonl, {split}.jsonl, "
            f"{split}-*.parquet, {split}.parquet, {split}/*.parquet, *.parquet"
        )
    return Rows(load=load, count=count, source="folder")


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered from 1."""
    try:
        with file.open("rb") as stream:
            # Editors on Windows begin a file with a byte order mark.
            if stream.read(len(BOM_UTF8)) != BOM_UTF8:
                stream.seek(0)
            for number, line in enumerate(stream, start=1):
                if not line.isspace():
                    yield number, line
    except OSError as error:
        raise TaskError(f"{file} cannot be read ({error.strerror}); check the file") from error


def _read_lines(file: Path, image_columns: tuple[str, ...]) -> Iterator[Row]:
    locate = inside(file.parent)
    for number, line in _lines(file):
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise TaskError(
                f"{file} line {number} is no JSON object ({error}); write one object a line"
            ) from error
        yield with_pictures(row, image_columns, place=f"{file.name} line {number}", locate=locate)


def _parquet_files(folder: Path, split: str) -> list[Path]:
    """The parquet files to read; none if there are none at all."""
    files = sorted(folder.rglob("*.parquet"))
    named = {file: _split_names(file.relative_to(folder)) for file in files}
    chosen = [file for file in files if split in named[file]]
    if chosen:
        return chosen
    others = set().union(*named.values()) & _USUAL_SPLITS
    if others:
        raise UserError(
            f"data folder {folder} has no parquet file of split {split}, only of "
            f"{', '.join(sorted(others))}; download that split or name another folder"
        )
    return files


def _split_names(file: Path) -> set[str]:
    """Every split that a path could belong to: test-00000-of-00002.parquet, test/0.parquet."""
    shard = _SHARD.match(file.stem)
    return {*file.parent.parts, file.stem, *([shard["split"]] if shard else [])}


def _open(file: Path) -> ParquetFile:
    """The file with its footer read. Raises TaskError if there is none."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file, pre_buffer=False)
    except (OSError, pyarrow.ArrowException) as error:
        raise _damaged(file, error) from error


def _read_parquet(
    folder: Path, files: Sequence[Path], image_columns: tuple[str, ...]
) -> Iterator[Row]:
    locate = inside(folder)
    for file in files:
        for number, row in enumerate(_parquet_rows(file)):
            place = f"{file.relative_to(folder).as_posix()} row {number}"
            yield with_pictures(row, image_columns, place=place, locate=locate)


def _parquet_rows(file: Path) -> Iterator[dict[str, Any]]:
    import pyarrow

    try:
        with _open(file) as parquet:
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> TaskError:
    reason = " ".join(str(error).split())
    return TaskError(f"{file} is damaged or no parquet file ({reason}); download it again")
