"""Rows from a data set on the Hugging Face hub, at a commit that is named."""

from __future__ import annotations

import logging
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pisces_eval.data.pictures import anywhere_inside, with_pictures
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Row, Rows

if TYPE_CHECKING:
    from datasets import Dataset

_TIMEOUT_SECONDS = 20.0
"""How long the hub may take to name a commit before it counts as out of reach."""

_BATCH_ROWS = 16
"""Rows taken from the memory map at once; each may carry several images."""

_SHARD = re.compile(r"(?P<stem>.+)-\d+-of-(?P<total>\d+)\.parquet")

_LOG = logging.getLogger(__name__)


def hub_rows(
    dataset: str,
    *,
    config: str | None,
    split: str,
    revision: str | None,
    image_columns: tuple[str, ...],
) -> Rows:
    """The rows of one split, read from a memory-mapped file as they are iterated.

    revision is a branch, tag or commit; None is the default branch. The hub is asked which commit
    that is; if it is out of reach, the local cache is used and a warning logged. Rows.revision is
    the commit in either case. No code that a data set ships is ever run.
    Raises UserError for a revision that does not exist, EnvironmentFailure if the data set is
    gated, unknown, or neither reachable nor cached, TaskError if it is damaged or has no such
    configuration or split.
    """
    origin = _origin(dataset, revision)
    table = _load(origin, config, split)
    return Rows(
        load=partial(_read, table, f"{dataset} {split}", image_columns),
        count=len(table),
        source=" ".join(part for part in ("hub", dataset, config, split) if part),
        revision=origin.commit,
    )


@dataclass(frozen=True)
class _Origin:
    """A data set at a commit: on the hub, or as a snapshot in the local cache."""

    dataset: str
    commit: str
    snapshot: Path | None = None


def _origin(dataset: str, revision: str | None) -> _Origin:
    """Resolve the revision to a commit, by the hub or else by the local cache."""
    from huggingface_hub import HfApi, errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    page = f"https://huggingface.co/datasets/{dataset}"
    try:
        with _quiet():
            info = HfApi().dataset_info(dataset, revision=revision, timeout=_TIMEOUT_SECONDS)
    except errors.RevisionNotFoundError as error:
        raise UserError(
            f"data set {dataset} has no revision {revision}; choose one from {page}/commits"
        ) from error
    except errors.GatedRepoError as error:
        raise EnvironmentFailure(
            f"data set {dataset} is gated; accept its terms at {page} and run `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EnvironmentFailure(
            f"data set {dataset} is not on the hub, or private; check {page} and run "
            "`hf auth login` if it needs one"
        ) from error
    except (HTTPError, OSError) as error:
        return _cached_origin(dataset, revision, error)
    if info.sha is None:
        raise EnvironmentFailure(f"the hub names no commit of data set {dataset}; see {page}")
    return _Origin(dataset, info.sha)


def _cached_origin(dataset: str, revision: str | None, cause: Exception) -> _Origin:
    """The snapshot that the local hub cache holds of a revision, without asking the hub."""
    from huggingface_hub import constants

    home = Path(constants.HF_HUB_CACHE) / f"datasets--{dataset.replace('/', '--')}"
    snapshot = _cached_snapshot(home, revision)
    if snapshot is None:
        wanted = f" at revision {revision}" if revision else ""
        raise EnvironmentFailure(
            f"data set {dataset}{wanted} is neither reachable ({_reason(cause)}) nor cached; "
            f"{_how_to_fetch(dataset, revision)}"
        ) from cause
    _LOG.warning(
        "the hub cannot be reached (%s): using %s at commit %s from the local cache",
        _reason(cause),
        dataset,
        snapshot.name,
    )
    return _Origin(dataset, snapshot.name, snapshot)


def _cached_snapshot(home: Path, revision: str | None) -> Path | None:
    """The folder of a commit: named by a ref, by itself, or the newest if none is asked for."""
    snapshots = home / "snapshots"
    ref = home / "refs" / (revision or "main")
    names = [ref.read_text(encoding="ascii").strip()] if ref.is_file() else []
    names += [revision] if revision else _newest_first(snapshots)
    return next((snapshots / name for name in names if (snapshots / name).is_dir()), None)


def _newest_first(folder: Path) -> list[str]:
    # Data sets fetched by commit leave a snapshot but no ref.
    entries = folder.iterdir() if folder.is_dir() else ()
    return [path.name for path in sorted(entries, key=lambda path: -path.stat().st_mtime_ns)]


def _load(origin: _Origin, config: str | None, split: str) -> Dataset:
    """The split as a memory-mapped table, downloaded if need be."""
    import datasets
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    name = origin.dataset
    if origin.snapshot is None and Path(name).exists():
        # `datasets` would load that folder instead, and the commit would be a lie.
        raise UserError(
            f"./{name} hides the hub data set of that name; run elsewhere, or use --data-dir {name}"
        )
    if origin.snapshot is not None:
        _refuse_missing_shards(origin, origin.snapshot)
    path, revision = (
        (name, origin.commit) if origin.snapshot is None else (str(origin.snapshot), None)
    )
    try:
        with _quiet():
            return datasets.load_dataset(path, config, split=split, revision=revision)
    except datasets.exceptions.DatasetGenerationError as error:
        raise _damaged(origin, error.__cause__ or error) from error
    except (HTTPError, OSError) as error:
        raise EnvironmentFailure(
            f"data set {name} at commit {origin.commit} could not be loaded ({_reason(error)}); "
            f"{_how_to_fetch(name, origin.commit)}"
        ) from error
    except (ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise _damaged(origin, error) from error


def _refuse_missing_shards(origin: _Origin, snapshot: Path) -> None:
    """An interrupted download must not pass for a smaller data set."""
    found: defaultdict[tuple[Path, str, int], int] = defaultdict(int)
    for file in snapshot.rglob("*.parquet"):
        if shard := _SHARD.fullmatch(file.name):
            found[file.parent, shard["stem"], int(shard["total"])] += file.is_file()
    for (folder, stem, total), count in found.items():
        if count < total:
            raise EnvironmentFailure(
                f"the cached copy of {origin.dataset} at commit {origin.commit} has {count} of "
                f"{total} files {(folder / stem).relative_to(snapshot)}-*.parquet; "
                f"{_how_to_fetch(origin.dataset, origin.commit)}"
            )


def _read(table: Dataset, place: str, image_columns: tuple[str, ...]) -> Iterator[Row]:
    from datasets import config
    from huggingface_hub import constants

    locate = anywhere_inside(Path(constants.HF_HUB_CACHE), Path(config.HF_DATASETS_CACHE))
    number = 0
    # As arrow, so that `datasets` decodes no image on the way, with its own bounds.
    for batch in table.with_format("arrow").iter(batch_size=_BATCH_ROWS):
        for row in batch.to_pylist():
            yield with_pictures(row, image_columns, place=f"{place} row {number}", locate=locate)
            number += 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back progress bars, log lines and warnings of the hub libraries, then restore them."""
    import datasets
    import huggingface_hub

    libraries = (datasets, huggingface_hub)
    loggers = [logging.getLogger(library.__name__) for library in libraries]
    levels = [logger.level for logger in loggers]
    shown = [library for library in libraries if not library.utils.are_progress_bars_disabled()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for library in shown:
                library.utils.disable_progress_bars()
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for library in shown:
                library.utils.enable_progress_bars()
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _damaged(origin: _Origin, error: BaseException) -> TaskError:
    return TaskError(
        f"data set {origin.dataset} at commit {origin.commit} cannot be read "
        f"({_reason(error)}); check configuration, split and revision, or download it again"
    )


def _reason(error: BaseException) -> str:
    """An error in one line, without the advice that libraries add in further lines."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__


def _how_to_fetch(dataset: str, revision: str | None) -> str:
    folder = f"data/{dataset.rpartition('/')[2].lower()}"
    pinned = f" --revision {revision}" if revision else ""
    return (
        f"where there is network, run `hf download {dataset} --repo-type dataset{pinned} "
        f"--local-dir {folder}`, then here use `--data-dir {folder}`, or try `--mini`"
    )
