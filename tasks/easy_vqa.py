"""easy-VQA: one coloured shape per picture, a question with one of 13 answers.

Victor Zhou, 2019: https://github.com/vzhou842/easy-VQA and
https://victorzhou.com/blog/easy-vqa/. The data ships in the PyPI package easy-vqa 1.0, so the whole
benchmark runs without the hub. Of its 5,000 pictures and 48,248 questions the test split has 1,000
and 9,673, all made by a program: an easy benchmark with real data, made for small models.
"""

from __future__ import annotations

import importlib.metadata
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from pisces_eval.data.rows import parse_row
from pisces_eval.data.sources import local_rows
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Ask, Case, DataRequest, Evidence, Picture, Row, Rows, TaskInfo
from pisces_eval.records import Metric, Sample, Score

INFO = TaskInfo(
    name="easy_vqa",
    title="easy-VQA",
    kind="ask",
    summary="Shapes, colours and yes/no questions on 64 x 64 pictures of a single shape.",
    homepage="https://github.com/vzhou842/easy-VQA",
    licence="MIT",
    citation="Victor Zhou. easy-VQA. 2019. https://github.com/vzhou842/easy-VQA",
    dataset="PyPI package easy-vqa 1.0",
    split="test",
    protocols=("exact-match",),
    protocol_note=(
        "exact-match is our own: the package defines accuracy over 13 answers for classifiers and "
        "has no scorer for generated text. The answer, lower-cased and without surrounding space "
        "and final punctuation, must equal the gold."
    ),
    version=1,
)

INSTRUCTION = "\nAnswer the question using a single word or phrase."

COLORS = ("black", "blue", "brown", "gray", "green", "red", "teal", "yellow")
SHAPES = ("circle", "rectangle", "triangle")
CATEGORIES = {
    **dict.fromkeys(("yes", "no"), "yes/no"),
    **dict.fromkeys(SHAPES, "shape"),
    **dict.fromkeys(COLORS, "color"),
}
"""The package's 13 answers and the kind of question that has each."""

_ANSWER = re.compile(rf"\b({'|'.join(CATEGORIES)})\b")


class EasyVqaRow(msgspec.Struct, frozen=True):
    """One question and the picture it is about."""

    question: str
    answer: str
    image_id: int
    image: Picture


class EasyVqa:
    """The easy-VQA task; see the module's docstring."""

    info = INFO

    def rows(self, where: DataRequest) -> Rows:
        """The test split of the installed package, or what the user names instead.

        Raises EnvironmentFailure without the package, UserError for a revision (there are none).
        """
        local = local_rows(
            where, task=INFO.name, split=INFO.split, image_columns=("image",), mini=mini_rows
        )
        if local is not None:
            return local
        if where.revision is not None:
            raise UserError("easy_vqa comes from a package and has no revisions; drop --revision")
        return _package_rows()

    def cases(self, row: Row, number: int) -> Iterable[Case]:
        """One question about one picture; questions on the same picture form a cluster."""
        parsed = parse_row(row, EasyVqaRow, task=INFO.name, number=number)
        category = CATEGORIES.get(parsed.answer)
        if category is None:
            raise TaskError(
                f"easy_vqa row {number}: field `answer` is {parsed.answer!r}, none of the 13 "
                f"answers ({', '.join(CATEGORIES)}); check the data"
            )
        yield Case(
            id=f"{number:05d}",
            request=Ask(parsed.question + INSTRUCTION, (parsed.image,), max_new_tokens=16),
            reference={"answer": parsed.answer},
            cluster=f"image {parsed.image_id}",
            category=category,
            gold=parsed.answer,
        )

    def look(self, sample: Sample) -> frozenset[str]:
        """Nothing is drawn, so there is nothing to look for."""
        return frozenset()

    def score(self, sample: Sample, evidence: Evidence, protocol: str, rng: random.Random) -> Score:
        """1 if the normalised response is the gold answer; unparsed if it names no answer."""
        text = normalize(evidence.response.text or "")
        named = _ANSWER.search(text) is not None
        return Score(
            id=sample.id,
            protocol=protocol,
            values={"accuracy": float(text == sample.reference["answer"])},
            answer=text if named else None,
            unparsed=not named,
        )

    def metrics(
        self, samples: Sequence[Sample], scores: Sequence[Score], protocol: str
    ) -> tuple[Metric, ...]:
        """Accuracy over all questions, and by kind of question."""
        from pisces_eval.scoring.aggregate import metric

        return (metric("accuracy", samples, scores),)


def normalize(response: str) -> str:
    """Lower case, without surrounding white space and final punctuation: ' Yes. ' is 'yes'."""
    return response.lower().strip().rstrip(".,;:!? \t\n")


def _package_rows() -> Rows:
    try:
        package = importlib.metadata.distribution("easy-vqa")
    except importlib.metadata.PackageNotFoundError as error:
        raise EnvironmentFailure(
            'the data of easy_vqa is not installed; run `pip install "pisces-eval[easy-vqa]"`, '
            "or try --mini"
        ) from error
    # Located through the package's metadata, so that none of its code runs.
    folder = Path(str(package.locate_file(f"easy_vqa/data/{INFO.split}")))
    file = folder / "questions.json"
    try:
        questions = msgspec.json.decode(file.read_bytes(), type=list[tuple[str, str, int]])
    except (OSError, msgspec.MsgspecError) as error:
        raise TaskError(
            f"{file} cannot be read ({error}); run `pip install --force-reinstall easy-vqa==1.0`"
        ) from error

    def load() -> Iterator[Row]:
        for question, answer, image_id in questions:
            name = f"{image_id}.png"
            image = Picture(folder / "images" / name, f"easy-vqa {INFO.split}/images/{name}")
            yield {"question": question, "answer": answer, "image_id": image_id, "image": image}

    return Rows(load, count=len(questions), source=f"package easy-vqa {package.version}")


def mini_rows() -> list[Row]:
    """32 rows of our own making, four questions on each of eight drawn pictures."""
    rows: list[Row] = []
    for image_id, color in enumerate(COLORS):
        shape = SHAPES[image_id % len(SHAPES)]
        other = COLORS[(image_id + 3) % len(COLORS)]
        image = Picture(_draw(shape, color), f"easy_vqa mini picture {image_id}")
        rows += [
            {"question": question, "answer": answer, "image_id": image_id, "image": image}
            for question, answer in (
                ("Which shape can be seen here?", shape),
                ("Which color does the shape have?", color),
                (f"Can a {shape} be seen here?", "yes"),
                (f"Is the shape {other}?", "no"),
            )
        ]
    return rows


def _draw(shape: str, color: str) -> bytes:
    """A PNG of 64 x 64 pixels with one filled shape on a pale ground."""
    from PIL import Image, ImageDraw

    from pisces_eval.data.images import encode_png

    image = Image.new("RGB", (64, 64), (232, 236, 240))
    pen = ImageDraw.Draw(image)
    if shape == "circle":
        pen.ellipse((14, 14, 50, 50), fill=color)
    elif shape == "rectangle":
        pen.rectangle((12, 18, 52, 46), fill=color)
    else:
        pen.polygon(((32, 12), (52, 50), (12, 50)), fill=color)
    return encode_png(image)


TASK = EasyVqa()
