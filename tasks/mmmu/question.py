"""A row of MMMU: its prompt, its pictures, its subject.

Source of prompt and picture order: lmms-eval 0.7.3, mmmu_val, prompts of models without a special
format (pictures first, then a text that still says '<image 1>').
"""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import Literal

import msgspec

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture, Row
from pisces_eval.scoring.choice_letter import letters

IMAGE_COLUMNS = tuple(f"image_{k}" for k in range(1, 8))

LETTER_PLEASE = "Answer with the option's letter from the given choices directly."
WORD_PLEASE = "Answer the question using a single word or phrase."

_IMAGE_MENTION = re.compile(r"<image (\d+)>")
_ID = re.compile(r"[^_]*_(.+)_\d+")
_UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What ast.literal_eval raises on texts that are no literal."""


class Columns(msgspec.Struct, frozen=True):
    """The columns of a row that matter here; image columns that are not mentioned may be empty."""

    id: str
    question: str
    options: str
    """A list in Python's notation; '[]' for open questions."""
    answer: str | list[str]
    """A letter, or what an open answer must contain."""
    question_type: Literal["multiple-choice", "open"]
    image_1: Picture | None = None
    image_2: Picture | None = None
    image_3: Picture | None = None
    image_4: Picture | None = None
    image_5: Picture | None = None
    image_6: Picture | None = None
    image_7: Picture | None = None


class Question:
    """One row, understood."""

    def __init__(self, row: Row, number: int) -> None:
        """number is the row's 0-based place. Raises TaskError if a column is missing or wrong."""
        # Imported late: listing the tasks needs no data room.
        from pisces_eval.data.rows import parse_row

        self.columns = parse_row(row, Columns, task="mmmu", number=number)
        self._place = f"mmmu row {number} (id {self.columns.id})"

    @property
    def is_open(self) -> bool:
        """Whether a word or number is asked for, not a letter."""
        return self.columns.question_type == "open"

    @property
    def subject(self) -> str:
        """'Math' of 'validation_Math_1'. Raises TaskError for an id of another form."""
        match = _ID.fullmatch(self.columns.id)
        if match is None:
            raise self._fault("id", "is not of the form validation_<Subject>_<number>")
        return match[1]

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Texts of the options; none for open questions, whatever the column says.

        Raises TaskError if the column is no list of at least one option.
        """
        if self.is_open:
            return ()
        try:
            options = ast.literal_eval(self.columns.options)
        except _UNREADABLE as error:
            raise self._fault("options", "is no list in Python's notation") from error
        if not isinstance(options, list | tuple) or not options:
            raise self._fault("options", "holds no list of options")
        return tuple(str(option) for option in options)

    @property
    def prompt(self) -> str:
        """The question, its lettered options, and how to answer."""
        asked = self.columns.question
        if self.is_open:
            return f"{asked}\n\n{WORD_PLEASE}"
        lettered = zip(letters(len(self.options)), self.options, strict=True)
        lines = "\n".join(f"{letter}. {option}" for letter, option in lettered)
        return f"{asked}\n{lines}\n\n{LETTER_PLEASE}"

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that the prompt mentions, each once, by number.

        Raises TaskError if one of them is not there.
        """
        mentioned = {f"image_{number}" for number in _IMAGE_MENTION.findall(self.prompt)}
        return tuple(self._picture(column) for column in sorted(mentioned))

    @property
    def golds(self) -> tuple[str, ...]:
        """The accepted answers. A list that the data holds as one text stays one text."""
        answer = self.columns.answer
        return (answer,) if isinstance(answer, str) else tuple(answer)

    def _picture(self, column: str) -> Picture:
        picture = getattr(self.columns, column, None)
        if not isinstance(picture, Picture):
            raise self._fault(column, "is mentioned in the question or its options but empty")
        return picture

    def _fault(self, field: str, wrong: str) -> TaskError:
        return TaskError(
            f"{self._place}: field `{field}` {wrong}; check the data set and its revision"
        )
