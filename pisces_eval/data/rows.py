"""From a row of a data set to a task's own typed row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture, Row

RowType = TypeVar("RowType", bound=msgspec.Struct)

_ID_COLUMNS = ("id", "question_id", "index")
"""Columns by which benchmarks name their rows, in the order they are tried."""


def parse_row(row: Row, row_type: type[RowType], *, task: str, number: int) -> RowType:
    """The row as a row_type; columns that it does not name are ignored.

    Fields may hold a Picture, Picture | None, or a tuple or list of Picture; all others are checked
    strictly by msgspec. number is the row's 0-based place in its split.
    Raises TaskError that names task, row and field.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(row_type):
        if field.encode_name in row:
            check = _pictures if _holds_pictures(field.type) else _plain
            fault = _Fault(row, task, number, field.encode_name)
            values[field.name] = check(row[field.encode_name], field.type, fault)
        elif field.required:
            raise _Fault(row, task, number, field.encode_name)("is missing")
    return row_type(**values)


@dataclass(frozen=True)
class _Fault:
    """Where a value stands, to be called with what is wrong with it."""

    row: Row
    task: str
    number: int
    field: str

    def __call__(self, wrong: str) -> TaskError:
        ids = [str(self.row[key]) for key in _ID_COLUMNS if key in self.row]
        name = f" (id {' '.join(ids[0].split())})" if ids else ""
        return TaskError(
            f"{self.task} row {self.number}{name}: field `{self.field}` {wrong}; "
            "check the data set and its revision"
        )


def _plain(value: Any, wanted: Any, fault: Callable[[str], TaskError]) -> Any:
    """The value as the wanted type. msgspec cannot describe Picture, hence the other path."""
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        raise fault(f"is wrong: {error}") from error


def _holds_pictures(wanted: Any) -> bool:
    return wanted is Picture or any(_holds_pictures(part) for part in get_args(wanted))


def _pictures(value: Any, wanted: Any, fault: Callable[[str], TaskError]) -> Any:
    """The value if it is what the wanted type says: a picture, none, or a list of pictures."""
    parts = get_args(wanted)
    if type(None) in parts:
        if value is None:
            return None
        wanted = next(part for part in parts if part is not type(None))
    origin = get_origin(wanted)
    if origin in (tuple, list):
        return origin(_picture(entry, fault) for entry in _sequence(value, fault))
    return _picture(value, fault)


def _sequence(value: Any, fault: Callable[[str], TaskError]) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise fault(f"is wrong: expected a list of images, got {type(value).__name__}")
    return value


def _picture(value: Any, fault: Callable[[str], TaskError]) -> Picture:
    if not isinstance(value, Picture):
        raise fault(f"is wrong: expected an image, got {type(value).__name__}")
    return value
