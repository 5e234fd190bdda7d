"""GenEval's 553 prompts, drawn again with the benchmark's own sampler.

Source: djghosh13/geneval @af4902f (MIT). Nothing is bundled: numpy's PCG64 stream for seed 43 gives
the official files byte for byte, and their SHA-256 is checked each time, since numpy does not
promise that its streams never change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from pisces_eval.errors import EnvironmentFailure, TaskError
from pisces_eval.records import Record
from pisces_eval.tasks.geneval.vocabulary import CLASSES, COLORS, RELATIONS

if TYPE_CHECKING:
    from numpy.random import Generator

SEED = 43
"""The official prompts are those of this seed."""
SAMPLES_PER_TAG = 100
"""Draws for each tag but single_object, before repeated rows are dropped."""
METADATA_SHA256 = "5c48e0813e812e3c373fa5c8ed07a8f0a483be30272b4427b0559c8048e67c13"
"""Of the official evaluation_metadata.jsonl."""
PROMPTS_SHA256 = "55b6e3650e980c13daf30569eb666e000faf19bfc2b7b4cbe999fcdb7aa9d680"
"""Of the official generation_prompts.txt."""

NUMBER_WORDS = {2: "two", 3: "three", 4: "four"}


class Clause(Record, frozen=True, kw_only=True, omit_defaults=True, rename={"name": "class"}):
    """Objects of one class that must, or must not, be in the picture."""

    name: str
    count: int
    color: str | None = None
    position: tuple[str, int] | None = None
    """A relation, and the index of the include clause whose objects it relates to."""


class Prompt(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One row of evaluation_metadata.jsonl; field order is the official key order."""

    tag: str
    include: tuple[Clause, ...]
    exclude: tuple[Clause, ...] = ()
    prompt: str


@cache
def official_prompts() -> tuple[Prompt, ...]:
    """The 553 prompts in the official order. Raises EnvironmentFailure if numpy draws others."""
    prompts = draw_prompts(SEED, SAMPLES_PER_TAG)
    check_official(prompts)
    return prompts


def draw_prompts(seed: int, samples_per_tag: int) -> tuple[Prompt, ...]:
    """Draw prompts of all six tags from one generator, in the official order of calls.

    samples_per_tag is the number of draws for each tag but single_object, which has one per class;
    repeated rows are dropped, the first stays.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    drawn = [
        *_single_object(rng),
        *(_two_object(rng) for _ in range(samples_per_tag)),
        *(_counting(rng) for _ in range(samples_per_tag)),
        *(_colors(rng) for _ in range(samples_per_tag)),
        *(_position(rng) for _ in range(samples_per_tag)),
        *(_color_attr(rng) for _ in range(samples_per_tag)),
    ]
    return tuple(dict.fromkeys(drawn))


def check_official(prompts: Sequence[Prompt]) -> None:
    """Raise EnvironmentFailure unless both official files would come out byte for byte."""
    files = (
        ("evaluation_metadata.jsonl", [official_line(p) for p in prompts], METADATA_SHA256),
        ("generation_prompts.txt", [p.prompt for p in prompts], PROMPTS_SHA256),
    )
    for name, lines, expected in files:
        text = "".join(f"{line}\n" for line in lines)
        found = hashlib.sha256(text.encode("ascii")).hexdigest()
        if found != expected:
            import numpy as np

            raise EnvironmentFailure(
                f"numpy {np.__version__} does not draw the official GenEval prompts: {name} has "
                f"SHA-256 {found[:12]}…, not {expected[:12]}…; install a version known to, such as "
                "numpy 1.26.4, 2.1.0 or 2.4.6"
            )


def official_row(prompt: Prompt) -> dict[str, Any]:
    """The prompt as the official JSON object: JSON types, official key order."""
    row: dict[str, Any] = json.loads(msgspec.json.encode(prompt))
    return row


def official_line(prompt: Prompt) -> str:
    """The prompt as its line of evaluation_metadata.jsonl, without the newline."""
    return json.dumps(official_row(prompt))


def parse_prompt(row: object) -> Prompt:
    """An official JSON object as a Prompt. Raises TaskError if it is none."""
    try:
        return msgspec.convert(row, Prompt)
    except msgspec.ValidationError as error:
        raise TaskError(f"this is no row of GenEval's evaluation_metadata.jsonl: {error}") from None


def _single_object(rng: Generator) -> Iterator[Prompt]:
    for index in rng.choice(len(CLASSES), size=len(CLASSES), replace=False):
        name = CLASSES[index]
        yield Prompt(
            tag="single_object",
            include=(Clause(name=name, count=1),),
            prompt=f"a photo of {_with_article(name)}",
        )


def _two_object(rng: Generator) -> Prompt:
    first, second = (CLASSES[i] for i in rng.choice(len(CLASSES), size=2, replace=False))
    return Prompt(
        tag="two_object",
        include=(Clause(name=first, count=1), Clause(name=second, count=1)),
        prompt=f"a photo of {_with_article(first)} and {_with_article(second)}",
    )


def _counting(rng: Generator) -> Prompt:
    name = CLASSES[rng.choice(len(CLASSES))]
    count = int(rng.integers(2, 4, endpoint=True))
    return Prompt(
        tag="counting",
        include=(Clause(name=name, count=count),),
        exclude=(Clause(name=name, count=count + 1),),
        prompt=f"a photo of {NUMBER_WORDS[count]} {_plural(name)}",
    )


def _colors(rng: Generator) -> Prompt:
    name = _not_a_person(rng.choice(len(CLASSES) - 1))
    color = COLORS[rng.choice(len(COLORS))]
    return Prompt(
        tag="colors",
        include=(Clause(name=name, count=1, color=color),),
        prompt=f"a photo of {_with_article(color)} {name}",
    )


def _position(rng: Generator) -> Prompt:
    placed, reference = (CLASSES[i] for i in rng.choice(len(CLASSES), size=2, replace=False))
    relation = RELATIONS[rng.choice(len(RELATIONS))]
    return Prompt(
        tag="position",
        include=(
            Clause(name=reference, count=1),
            Clause(name=placed, count=1, position=(relation, 0)),
        ),
        prompt=f"a photo of {_with_article(placed)} {relation} {_with_article(reference)}",
    )


def _color_attr(rng: Generator) -> Prompt:
    indices = rng.choice(len(CLASSES) - 1, size=2, replace=False)
    first, second = (_not_a_person(i) for i in indices)
    hue, other = (COLORS[i] for i in rng.choice(len(COLORS), size=2, replace=False))
    return Prompt(
        tag="color_attr",
        include=(
            Clause(name=first, count=1, color=hue),
            Clause(name=second, count=1, color=other),
        ),
        prompt=f"a photo of {_with_article(hue)} {first} and {_with_article(other)} {second}",
    )


def _not_a_person(index: int) -> str:
    """Colour prompts skip "person": they count the classes from the one after it."""
    return CLASSES[(index + 1 + CLASSES.index("person")) % len(CLASSES)]


def _with_article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _plural(name: str) -> str:
    """The benchmark's own rule: it writes "benchs" and "knifes"."""
    return f"{name}es" if name.endswith("s") else f"{name}s"
