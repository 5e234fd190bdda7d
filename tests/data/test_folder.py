"""A user's folder gives rows in a known order, and nothing outside of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pisces_eval.data.folder import folder_rows
from pisces_eval.data.pictures import inside
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Picture, Row


def write_lines(folder: Path, *rows: object, name: str = "rows.jsonl") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_parquet(file: Path, rows: list[dict[str, Any]]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)


def read(folder: Path, split: str = "test") -> list[Row]:
    rows = folder_rows(folder, split=split, image_columns=("image",))
    found = list(rows)
    assert rows.count == len(found)
    assert rows.source == "folder"
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "a.png").write_bytes(b"picture a")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return home


def test_json_lines_keep_order_and_hold_pictures(folder: Path) -> None:
    write_lines(folder, {"q": 1, "image": "a.png"}, {"q": 2, "image": None})

    first, second = read(folder)

    assert isinstance(first["image"], Picture)
    assert first["image"].read() == b"picture a"
    assert second == {"q": 2, "image": None}


def test_an_image_column_may_list_paths(folder: Path) -> None:
    write_lines(folder, {"image": ["a.png", "a.png"]})

    assert [picture.read() for picture in read(folder)[0]["image"]] == [b"picture a"] * 2


def test_rows_are_read_anew_each_time(folder: Path) -> None:
    write_lines(folder, {"q": 1})
    rows = folder_rows(folder, split="test", image_columns=())

    assert list(rows) == list(rows) == [{"q": 1}]


def test_rows_come_before_the_split_and_the_split_before_parquet(folder: Path) -> None:
    write_lines(folder, {"from": "split"}, name="test.jsonl")
    (folder / "test.parquet").write_bytes(b"never opened")
    assert read(folder) == [{"from": "split"}]

    write_lines(folder, {"from": "rows"})
    assert read(folder) == [{"from": "rows"}]


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', '{"a": 1} {"b": 2}', "{'a': 1}"])
def test_a_malformed_line_is_named(folder: Path, line: str) -> None:
    (folder / "rows.jsonl").write_text('{"q": 1}\n\n' + line + "\n")

    with pytest.raises(TaskError, match=r"rows\.jsonl line 3 is no JSON object"):
        read(folder)


def test_bytes_that_are_no_text_are_a_malformed_line(folder: Path) -> None:
    (folder / "rows.jsonl").write_bytes(b'{"q": "\xff"}\n')

    with pytest.raises(TaskError, match=r"rows\.jsonl line 1"):
        read(folder)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../secret.png", "leads out of"),
        ("sub/../../secret.png", "leads out of"),
        ("gone.png", "is no file"),
        (".", "is no file"),
        ("x" * 5000, "path"),
        ("a\0b", "path"),
    ],
)
def test_a_bad_path_is_refused_with_its_line(folder: Path, path: str, why: str) -> None:
    write_lines(folder, {"image": path})

    with pytest.raises(TaskError, match=rf"rows\.jsonl line 1 column image: .*{why}"):
        read(folder)


def test_an_absolute_path_is_refused_even_inside(folder: Path) -> None:
    write_lines(folder, {"image": str(folder / "a.png")})

    with pytest.raises(TaskError, match="is absolute"):
        read(folder)


def test_a_link_that_leads_out_is_refused(folder: Path) -> None:
    (folder / "link.png").symlink_to("../secret.png")
    (folder / "up").symlink_to("..")
    for path in ("link.png", "up/secret.png"):
        write_lines(folder, {"image": path})
        with pytest.raises(TaskError, match="leads out of"):
            read(folder)


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "link.png").symlink_to("a.png")
    write_lines(folder, {"image": "link.png"})

    assert read(folder)[0]["image"].read() == b"picture a"


def test_a_loop_of_links_is_refused(folder: Path) -> None:
    (folder / "loop.png").symlink_to("loop.png")
    write_lines(folder, {"image": "loop.png"})

    with pytest.raises(TaskError, match="column image"):
        read(folder)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "a.png", "up", "sub", "/", "~", "secret.png"]) | st.text(),
        max_size=6,
    )
)
def test_no_path_reads_outside_the_folder(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    home = tmp_path_factory.getbasetemp() / "escape" / "home"
    if not home.exists():
        (home / "sub").mkdir(parents=True)
        (home / "up").symlink_to("..")
        (home / "a.png").write_bytes(b"in")
        (home.parent / "secret.png").write_bytes(b"out")

    try:
        found = inside(home)("/".join(parts))
    except ValueError:
        return
    assert found.read_bytes() == b"in"


def test_a_value_that_is_no_image_is_refused(folder: Path) -> None:
    write_lines(folder, {"image": 3})

    with pytest.raises(TaskError, match="expected an image, got int"):
        read(folder)


def test_a_missing_folder_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; check --data-dir"):
        read(tmp_path / "gone")


@pytest.mark.parametrize("blank", ["", "\n \n"])
def test_no_rows_says_what_was_looked_for(folder: Path, blank: str) -> None:
    (folder / "rows.jsonl").write_text(blank)

    with pytest.raises(UserError, match=r"rows\.jsonl, test\.jsonl, test-\*\.parquet"):
        read(folder)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for rows\.jsonl"):
        read(tmp_path)


@pytest.mark.torch
class TestParquet:
    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["data/test-00000-of-00002", "data/test-00001-of-00002"], [0, 1]),
            (["B/test-00000-of-00001", "A/test-00000-of-00001"], [1, 0]),
            (["test", "train"], [0]),
            (["x/test/0000", "x/train/0000"], [0]),
            (["data/train-00000-of-00001", "data/test-00000-of-00001"], [1]),
            (["part-1", "part-0"], [1, 0]),
        ],
    )
    def test_files_of_the_split_follow_each_other_by_path(
        self, tmp_path: Path, names: list[str], expected: list[int]
    ) -> None:
        for number, name in enumerate(names):
            write_parquet(tmp_path / f"{name}.parquet", [{"file": number}])

        assert [row["file"] for row in read(tmp_path)] == expected

    def test_files_of_other_splits_alone_are_refused(self, tmp_path: Path) -> None:
        write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", [{"q": 1}])

        with pytest.raises(UserError, match="no parquet file of split test, only of train"):
            read(tmp_path)

    def test_structs_become_pictures(self, folder: Path) -> None:
        rows = [
            {"image": {"bytes": b"data", "path": "x.png"}},
            {"image": {"bytes": None, "path": "a.png"}},
            {"image": None},
        ]
        write_parquet(folder / "test.parquet", rows)

        pictures = [row["image"] for row in read(folder)]

        assert [p and p.read() for p in pictures] == [b"data", b"picture a", None]

    def test_a_path_that_leads_out_is_refused(self, folder: Path) -> None:
        write_parquet(
            folder / "test.parquet", [{"image": {"bytes": None, "path": "../secret.png"}}]
        )

        with pytest.raises(TaskError, match=r"test\.parquet row 0 column image: .* leads out of"):
            read(folder)

    def test_rows_are_numbered_across_batches(self, tmp_path: Path) -> None:
        write_parquet(tmp_path / "test.parquet", [{"image": {"bytes": b"", "path": ""}}] * 40)

        assert read(tmp_path)[39]["image"].name == "test.parquet row 39 column image"

    def test_a_truncated_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "test.parquet"
        write_parquet(file, [{"q": number} for number in range(1000)])
        file.write_bytes(file.read_bytes()[:-100])

        with pytest.raises(TaskError, match=r"test\.parquet is damaged"):
            read(tmp_path)

    def test_damage_within_a_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "test.parquet"
        write_parquet(file, [{"q": f"text {number}"} for number in range(1000)])
        data = bytearray(file.read_bytes())
        data[4:200] = bytes(196)
        file.write_bytes(data)

        with pytest.raises(TaskError, match=r"test\.parquet is damaged"):
            read(tmp_path)
