"""Where a task's rows come from: the built-in miniature, a folder of the user's, or the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pisces_eval.data.folder import folder_rows
from pisces_eval.errors import UserError
from pisces_eval.interfaces import DataRequest, Row, Rows

MINI_NOTE = "mini data, not comparable"
"""What must be said wherever a number on mini rows shows."""


def resolve(
    where: DataRequest,
    *,
    task: str,
    dataset: str,
    split: str,
    image_columns: tuple[str, ...],
    mini: Callable[[], Sequence[Row]],
    config: str | None = None,
) -> Rows:
    """The rows of mini(), of where.data_dir, or of the hub's data set.

    A data_dir may hold one folder per task, DIR/<task>; without such a folder it is the task's own.
    Raises UserError for flags that contradict each other or a folder without rows, TaskError for
    damaged data, EnvironmentFailure if the hub is needed and out of reach.
    """
    rows = local_rows(where, task=task, split=split, image_columns=image_columns, mini=mini)
    if rows is not None:
        return rows
    # Imported late: it brings `datasets`, which mini data and folders do without.
    from pisces_eval.data.hub import hub_rows

    return hub_rows(
        dataset,
        config=config,
        split=split,
        revision=where.revision,
        image_columns=image_columns,
    )


def local_rows(
    where: DataRequest,
    *,
    task: str,
    split: str,
    image_columns: tuple[str, ...],
    mini: Callable[[], Sequence[Row]],
) -> Rows | None:
    """The rows of mini() or of where.data_dir; None if the user asks for neither.

    For tasks whose home is not the hub. Raises UserError and TaskError as resolve does.
    """
    if where.mini:
        rows = tuple(mini())
        return Rows(
            load=lambda: iter(rows),
            count=len(rows),
            source="mini",
            notes=(MINI_NOTE,),
            comparable=False,
        )
    if where.data_dir is None:
        return None
    own = where.data_dir / task
    folder = own if own.is_dir() else where.data_dir
    return folder_rows(folder, split=split, image_columns=image_columns)


def refuse_contradictions(where: DataRequest) -> None:
    """Raises UserError if more than one flag says where rows come from."""
    given = [
        flag
        for flag, is_set in (
            ("--mini", where.mini),
            ("--data-dir", where.data_dir is not None),
            ("--revision", where.revision is not None),
        )
        if is_set
    ]
    if len(given) > 1:
        raise UserError(
            f"{' and '.join(given)} each say where rows come from; give only one of them"
        )
