"""A row becomes a typed row, or one line that names task, row and field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pisces_eval.data.rows import parse_row
from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture

PICTURE = Picture(b"x", "p")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    number: int
    correct: str = msgspec.field(name="Correct Answer", default="A")
    options: list[str] = msgspec.field(default_factory=list)
    image: Picture | None = None
    images: tuple[Picture, ...] = ()
    gallery: list[Picture] | None = None


def parse(**row: Any) -> Question:
    return parse_row(row, Question, task="quiz", number=17)


def complaint(**row: Any) -> str:
    with pytest.raises(TaskError) as caught:
        parse(**row)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fields_are_taken_by_name_and_other_columns_ignored() -> None:
    row = parse(text="t", number=1, image=PICTURE, extra=object(), **{"Correct Answer": "B"})

    assert row == Question(text="t", number=1, image=PICTURE, correct="B")


def test_lists_of_pictures_become_what_the_field_says() -> None:
    row = parse(text="t", number=1, images=[PICTURE, PICTURE], gallery=[PICTURE])

    assert (row.images, row.gallery) == ((PICTURE, PICTURE), [PICTURE])


@pytest.mark.parametrize("column", ["image", "gallery"])
def test_an_optional_picture_may_be_none(column: str) -> None:
    assert getattr(parse(text="t", number=1, **{column: None}), column) is None


def test_a_missing_field_is_named_with_its_row() -> None:
    assert complaint(text="t", id="validation_Math_3").startswith(
        "quiz row 17 (id validation_Math_3): field `number` is missing; "
    )


def test_a_row_without_id_is_named_by_its_number() -> None:
    assert complaint(text="t").startswith("quiz row 17: field `number` is missing; ")


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("number", "1", "Expected `int`, got `str`"),
        ("options", ["a", 2], "Expected `str`, got `int` - at `$[1]`"),
        ("image", {"bytes": b""}, "expected an image, got dict"),
        ("images", PICTURE, "expected a list of images, got Picture"),
        ("images", [None], "expected an image, got NoneType"),
        ("images", None, "expected a list of images, got NoneType"),
        ("Correct Answer", 3, "Expected `str`, got `int`"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    column: str, value: object, wanted: str
) -> None:
    message = complaint(**{"text": "t", "number": 1, column: value})

    assert f"field `{column}` is wrong: {wanted}" in message


ANYTHING = st.one_of(
    st.none(), st.integers(), st.text(), st.lists(st.text()), st.just(PICTURE), st.binary()
)


@settings(deadline=None)
@example({"text": "t", "id": "two\nlines"})
@given(
    st.dictionaries(
        st.sampled_from(["text", "number", "options", "image", "images", "id"]), ANYTHING
    )
)
def test_any_row_parses_faithfully_or_is_refused_in_one_line(row: dict[str, Any]) -> None:
    try:
        parsed = parse_row(row, Question, task="quiz", number=0)
    except TaskError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert (parsed.text, parsed.number) == (row["text"], row["number"])
        assert parsed.image == row.get("image")
