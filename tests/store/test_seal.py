"""A seal finds every change."""

import pytest

from pisces_eval.errors import UserError
from pisces_eval.store.seal import broken_seals, write_seal


@pytest.fixture
def sealed(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "results.json").write_text("{}")
    (tmp_path / "task" / "scores.jsonl").write_text("1\n")
    write_seal(tmp_path)
    return tmp_path


def test_an_untouched_folder_is_whole(sealed):
    assert broken_seals(sealed) == []


def test_each_kind_of_change_is_named(sealed):
    (sealed / "results.json").write_text("{ }")
    (sealed / "task" / "scores.jsonl").unlink()
    (sealed / "extra").write_text("")
    assert broken_seals(sealed) == [
        "task/scores.jsonl: missing",
        "extra: new",
        "results.json: changed",
    ]


def test_a_forged_table_does_not_match_its_root(sealed):
    seal = sealed / "seal.json"
    seal.write_text(seal.read_text().replace("results.json", "results.jsom"))
    assert broken_seals(sealed) == ["seal.json: its root does not match its own table"]


def test_no_seal_is_said(tmp_path):
    with pytest.raises(UserError, match="only a finished run is sealed"):
        broken_seals(tmp_path)
