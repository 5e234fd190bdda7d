"""A mini set in MMMU's row schema: 28 questions of our own about pictures that we draw.

No question is MMMU's, so a score on them compares with no published one; they exercise the whole
way of a sample offline. Where an answer can be computed from what is drawn, it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pisces_eval.interfaces import Picture, Row
from pisces_eval.scoring.choice_letter import letters
from pisces_eval.tasks.mmmu import drawings as draw
from pisces_eval.tasks.mmmu.question import IMAGE_COLUMNS

if TYPE_CHECKING:
    from PIL.Image import Image

Asked = tuple[str, tuple[str, ...], str, tuple["Image", ...]]
"""Question, options (none if open), answer (if there are options, one of them), pictures."""


def mini() -> list[Row]:
    """28 rows of eight subjects: 18 with options, 10 open, 8 with more than one picture."""
    subjects: dict[str, Callable[[], Iterator[Asked]]] = {
        "Math": _math,
        "Economics": _economics,
        "Physics": _physics,
        "Chemistry": _chemistry,
        "Computer_Science": _computer_science,
        "Geography": _geography,
        "Biology": _biology,
        "Design": _design,
    }
    return [
        _row(f"validation_{subject}_{number}", *asked)
        for subject, ask in subjects.items()
        for number, asked in enumerate(ask(), start=1)
    ]


def _math() -> Iterator[Asked]:
    circles = ["red"] * 4 + ["blue"] * 3
    counts = ("4", "5", "6", "7")
    yield "How many circles does <image 1> show?", counts, str(len(circles)), (draw.dots(circles),)
    sides = 6
    yield (
        "How many sides does the polygon in <image 1> have?",
        (),
        str(sides),
        (draw.polygon(sides, "orange"),),
    )
    grid = ("###.", "#...", "#...", "#...")
    filled, of = sum(row.count("#") for row in grid), sum(map(len, grid))
    yield (
        "What percentage of the squares in <image 1> is black?",
        ("37.5%", "40%", "50%", "62.5%"),
        f"{100 * filled / of}%",
        (draw.cells(grid),),
    )
    fewer, more = ["green"] * 5, ["green"] * 9
    yield (
        "<image 1> <image 2> Which picture shows more circles?",
        ("the first", "the second", "both show the same number"),
        "the second" if len(more) > len(fewer) else "the first",
        (draw.dots(fewer), draw.dots(more)),
    )
    shapes = (5, 4, 8, 3)
    yield (
        "Which of these shapes is a triangle?",
        _image_options(len(shapes)),
        f"<image {shapes.index(3) + 1}>",
        tuple(draw.polygon(count, "yellow") for count in shapes),
    )


def _economics() -> Iterator[Asked]:
    exports = {"red": 40, "blue": 60, "green": 85, "yellow": 25}
    chart = draw.bars(tuple(exports.values()), tuple(exports))
    question = "The bars in <image 1> are the exports of four countries. Whose are the largest?"
    options = tuple(f"the {color} country's" for color in exports)
    yield question, options, f"the {max(exports, key=exports.__getitem__)} country's", (chart,)
    quarters = (30, 55, 45, 70, 20, 90)
    yield (
        "How many quarters does the bar chart <image 1> cover?",
        (),
        str(len(quarters)),
        (draw.bars(quarters, ["gray"] * len(quarters)),),
    )
    prices = (90, 70, 55, 30, 10)
    yield (
        "How does the price in <image 1> develop from left to right?",
        ("It rises throughout.", "It falls throughout.", "It stays the same."),
        "It falls throughout.",
        (draw.curve(prices),),
    )
    before, after = 25, 60
    yield (
        "A firm's market share is coloured, before in <image 1> and after a merger in <image 2>. "
        "By which factor did it change?",
        ("0.4", "1.5", "1.8", "2.4"),
        str(after / before),
        (draw.pie(before, "blue"), draw.pie(after, "blue")),
    )


def _physics() -> Iterator[Asked]:
    directions = {"right": 0, "up": 90, "left": 180, "down": 270}
    yield (
        "In which direction does the force in <image 1> act?",
        tuple(directions),
        "left",
        (draw.arrows([directions["left"]]),),
    )
    angles = (0, 90)
    yield (
        "What is the angle, in degrees, between the two vectors in <image 1>?",
        (),
        str(angles[1] - angles[0]),
        (draw.arrows(angles),),
    )
    ways = ("down", "right", "up", "left")
    yield (
        "A body is thrown straight up. Which arrow is its velocity just after it left the hand?",
        _image_options(len(ways)),
        f"<image {ways.index('up') + 1}>",
        tuple(draw.arrows([directions[way]]) for way in ways),
    )
    yield (
        "Two forces of equal size, <image 1> and <image 2>, act on one point. Where does the net "
        "force point?",
        ("to the right", "to the left", "upwards", "nowhere, it is zero"),
        "nowhere, it is zero",
        (draw.arrows([0]), draw.arrows([180])),
    )


def _chemistry() -> Iterator[Asked]:
    atoms = ["red", "white", "white", "gray", "white"]
    bonds = ((0, 1), (0, 3), (3, 2), (3, 4))
    molecule = draw.network(len(atoms), bonds, atoms)
    question = "The discs in <image 1> are atoms, the lines bonds. How many atoms are there?"
    yield question, (), str(len(atoms)), (molecule,)
    yield "How many bonds, drawn as lines, does <image 1> show?", (), str(len(bonds)), (molecule,)
    yield (
        "Oxygen is red, carbon gray, hydrogen white. Of which element does <image 1> show most?",
        ("hydrogen", "oxygen", "carbon"),
        {"red": "oxygen", "gray": "carbon", "white": "hydrogen"}[max(atoms, key=atoms.count)],
        (molecule,),
    )
    ring = [(index, (index + 1) % 6) for index in range(6)]
    carbon = ["gray"] * 6
    yield (
        "Which molecule is a closed ring?",
        _image_options(2),
        "<image 2>",
        (draw.network(6, ring[:-1], carbon), draw.network(6, ring, carbon)),
    )


def _computer_science() -> Iterator[Asked]:
    bits = "#.##"
    value = int(bits.replace("#", "1").replace(".", "0"), 2)
    yield (
        "<image 1> A black square is 1, a white one 0, the highest bit first. Which decimal number "
        "is this?",
        (),
        str(value),
        (draw.cells((bits,)),),
    )
    edges = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 2), (1, 3))
    graph = draw.network(5, edges, ["white"] * 5)
    yield "How many edges does the graph in <image 1> have?", (), str(len(edges)), (graph,)
    star = ((0, 1), (0, 2), (0, 3), (0, 4))
    yield (
        "What is the degree of the red node in <image 1>?",
        ("1", "2", "4", "5"),
        str(sum(0 in edge for edge in star)),
        (draw.network(5, star, ["red"] + ["white"] * 4),),
    )
    codes = (".#.", "#.#", "##.", "..#")
    yield (
        "A black square is 1, a white one 0, the highest bit first. Which picture encodes 5?",
        _image_options(len(codes)),
        f"<image {codes.index('#.#') + 1}>",
        tuple(draw.cells((code,)) for code in codes),
    )


def _geography() -> Iterator[Asked]:
    flag = ("black", "red", "yellow", "blue")
    banner = draw.stripes(flag)
    yield "Which colour is the top stripe of the flag <image 1>?", flag, flag[0], (banner,)
    yield "How many stripes does the flag in <image 1> have?", (), str(len(flag)), (banner,)
    yield (
        "North is up on the map. Where does the wind arrow in <image 1> point?",
        ("north-east", "north-west", "south-east", "south-west"),
        "south-west",
        (draw.arrows([225]),),
    )


def _biology() -> Iterator[Asked]:
    sample = ["red", "red", "blue", "red", "blue", "red", "red", "red"]
    question = "Infected cells are blue. How many of the cells in <image 1> are infected?"
    yield question, ("1", "2", "3", "6"), str(sample.count("blue")), (draw.dots(sample),)
    first, second = ["green"] * 6, ["green"] * 8
    yield (
        "How many cells do the samples <image 1> and <image 2> hold together?",
        (),
        str(len(first) + len(second)),
        (draw.dots(first), draw.dots(second)),
    )


def _design() -> Iterator[Asked]:
    tile = ("#..#", ".##.", ".##.", "#..#")
    yield (
        "How many black squares does the tile in <image 1> have?",
        (),
        str(sum(row.count("#") for row in tile)),
        (draw.cells(tile),),
    )
    mirrored, skewed = tile, ("##..", ".#..", "..#.", "...#")
    yield (
        "Which tile is its own mirror image from left to right?",
        _image_options(2),
        "<image 1>" if all(row == row[::-1] for row in mirrored) else "<image 2>",
        (draw.cells(mirrored), draw.cells(skewed)),
    )


def _image_options(count: int) -> tuple[str, ...]:
    return tuple(f"<image {number}>" for number in range(1, count + 1))


def _row(
    name: str, question: str, options: Sequence[str], answer: str, images: Sequence[Image]
) -> Row:
    """A row as the hub's data set has it. Raises ValueError for an answer that is no option."""
    from pisces_eval.data.images import encode_png

    pictures = {
        column: Picture(encode_png(image), f"mmmu mini {name} {column}")
        for column, image in zip(IMAGE_COLUMNS, images, strict=False)
    }
    return {
        "id": name,
        "question": question,
        "options": repr(list(options)),
        "answer": letters(len(options))[options.index(answer)] if options else answer,
        "question_type": "multiple-choice" if options else "open",
        **dict.fromkeys(IMAGE_COLUMNS),
        **pictures,
    }
