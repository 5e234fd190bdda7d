"""Journals survive a kill at any byte and say clearly when something else changed them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.errors import UserError
from pisces_eval.records import Response
from pisces_eval.store.journal import Journal


def response(number, text="yes"):
    return Response(id=str(number), request="r", text=text)


def write(path, *records):
    journal = Journal(path, Response)
    with journal.append() as appender:
        appender.write(records)
    return journal


@given(texts=st.lists(st.text(), min_size=1, max_size=8), data=st.data())
def test_whatever_is_written_is_read_back_up_to_the_torn_line(tmp_path_factory, texts, data):
    path = tmp_path_factory.mktemp("journal") / "responses.jsonl"
    records = [
        response(i, text.encode("utf-8", "replace").decode()) for i, text in enumerate(texts)
    ]
    write(path, *records)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert list(Journal(path, Response)) == records[:whole]
    again = write(path, response("after"))
    assert list(again) == [*records[:whole], response("after")]


def test_the_newest_line_of_a_sample_wins(tmp_path):
    journal = write(tmp_path / "j.jsonl", response(1, "old"), response(2), response(1, "new"))
    offsets = journal.index()
    assert [r.text for r in journal.read([offsets["1"], offsets["2"]])] == ["new", "yes"]


def test_a_sample_without_a_line_reads_as_none(tmp_path):
    journal = write(tmp_path / "j.jsonl", response(1))
    assert list(journal.read([None, 0])) == [None, response(1)]


def test_a_missing_file_is_an_empty_journal(tmp_path):
    assert list(Journal(tmp_path / "none.jsonl", Response)) == []


def test_a_damaged_line_is_named(tmp_path):
    journal = write(tmp_path / "j.jsonl", response(1), response(2))
    journal.path.write_bytes(journal.path.read_bytes().replace(b'"id":"1"', b'"id":1'))
    with pytest.raises(UserError, match=r"j.jsonl line 1 cannot be read"):
        list(journal)


def test_an_unknown_field_is_refused(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_text('{"id": "1", "request": "r", "suprise": 1}\n')
    with pytest.raises(UserError, match="suprise"):
        list(Journal(path, Response))
