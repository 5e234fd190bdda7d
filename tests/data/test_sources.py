"""One flag decides where rows come from; contradictions are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pisces_eval.data.sources import MINI_NOTE, local_rows, refuse_contradictions, resolve
from pisces_eval.errors import UserError
from pisces_eval.interfaces import DataRequest, Row, Rows


def mini() -> list[Row]:
    return [{"q": "mini"}]


def rows_of(where: DataRequest) -> Rows:
    return resolve(
        where, task="quiz", dataset="owner/quiz", split="test", image_columns=(), mini=mini
    )


def put(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text(json.dumps({"q": text}))


def test_mini_rows_are_marked_not_comparable() -> None:
    rows = rows_of(DataRequest(mini=True))

    assert list(rows) == list(rows) == mini()
    assert (rows.count, rows.source, rows.comparable) == (1, "mini", False)
    assert rows.notes == (MINI_NOTE,)


def test_a_folder_of_the_tasks_own_goes_before_the_shared_one(tmp_path: Path) -> None:
    put(tmp_path, "shared")
    assert list(rows_of(DataRequest(data_dir=tmp_path))) == [{"q": "shared"}]

    put(tmp_path / "quiz", "own")
    assert list(rows_of(DataRequest(data_dir=tmp_path))) == [{"q": "own"}]


def test_without_a_wish_there_are_no_local_rows() -> None:
    where = DataRequest(revision="main")

    assert local_rows(where, task="quiz", split="test", image_columns=(), mini=mini) is None


@pytest.mark.parametrize(
    "where",
    [
        DataRequest(mini=True, data_dir=Path("x")),
        DataRequest(mini=True, revision="main"),
        DataRequest(data_dir=Path("x"), revision="main"),
    ],
)
def test_contradicting_flags_are_refused(where: DataRequest) -> None:
    with pytest.raises(UserError, match=r"--\S+ and --\S+ each say where rows come from"):
        refuse_contradictions(where)


def test_the_rest_goes_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def hub_rows(dataset: str, **options: object) -> Rows:
        asked.update(options, dataset=dataset)
        return Rows(lambda: iter(()), 0, "hub")

    monkeypatch.setattr("pisces_eval.data.hub.hub_rows", hub_rows)

    rows_of(DataRequest(revision="v1"))

    assert asked == {
        "dataset": "owner/quiz",
        "config": None,
        "split": "test",
        "revision": "v1",
        "image_columns": (),
    }
