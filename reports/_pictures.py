"""A sample's pictures as the report embeds them: small JPEGs, and boxes to lay over a drawing."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from pisces_eval.errors import TaskError
from pisces_eval.formatting import plural
from pisces_eval.interfaces import Picture
from pisces_eval.records import Detection, Perception

THUMBNAIL_SIDE = 256
"""Longest side of an embedded picture in pixels."""

PICTURES_SHOWN = 4
"""Pictures of one sample that are embedded at most."""

BOX_SCORE = 0.3
"""Detections at or below this are not drawn: GenEval's verdicts do not look at them either."""

BOXES_SHOWN = 16
"""Detections drawn at most, best first."""

BOX_COLORS = 8
"""Colours in the style sheet; classes take them in turn."""


@dataclass(frozen=True)
class Thumbnail:
    """One picture, or the reason why there is none."""

    uri: str
    """A data URI; empty if the picture cannot be shown."""
    trouble: str


@dataclass(frozen=True)
class Box:
    """One detection in pixels of the drawing."""

    x: str
    y: str
    width: str
    height: str
    label: str
    color: int
    """Number of its class's colour, from 0."""


@dataclass(frozen=True)
class Overlay:
    """The boxes of one drawing."""

    width: int
    height: int
    text_size: str
    boxes: tuple[Box, ...]
    caption: str


def thumbnails(pictures: tuple[Picture, ...], expected: int) -> tuple[Thumbnail, ...]:
    """The first PICTURES_SHOWN pictures; a placeholder for each of `expected` that is gone."""
    shown = tuple(_thumbnail(picture) for picture in pictures[:PICTURES_SHOWN])
    gone = min(expected, PICTURES_SHOWN) - len(shown)
    return shown + gone * (Thumbnail("", "the picture is no longer there"),)


def overlay(perception: Perception) -> Overlay | None:
    """The boxes that a verdict may have looked at, best first; None if the size is unknown."""
    width, height = perception.size
    if width <= 0 or height <= 0:
        return None
    seen = [found for found in perception.detections if found.score > BOX_SCORE]
    best = sorted(seen, key=lambda found: -found.score)[:BOXES_SHOWN]
    classes = list(dict.fromkeys(found.label for found in best))
    return Overlay(
        width=width,
        height=height,
        text_size=_pixels(max(width, height) / 21),
        boxes=tuple(_box(found, classes.index(found.label) % BOX_COLORS) for found in best),
        caption=f"{len(best)} of {plural(len(perception.detections), 'detection')} drawn"
        f" (score above {BOX_SCORE}, at most {BOXES_SHOWN})",
    )


def _thumbnail(picture: Picture) -> Thumbnail:
    from pisces_eval.data.images import decode, thumbnail

    try:
        jpeg = thumbnail(decode(picture), THUMBNAIL_SIDE)
    except (TaskError, OSError) as error:
        return Thumbnail("", f"the picture cannot be shown: {error}")
    return Thumbnail("data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii"), "")


def _box(found: Detection, color: int) -> Box:
    x1, y1, x2, y2 = found.box
    return Box(
        x=_pixels(x1),
        y=_pixels(y1),
        width=_pixels(max(x2 - x1, 0.0)),
        height=_pixels(max(y2 - y1, 0.0)),
        label=f"{found.label} {found.score:.2f}",
        color=color,
    )


def _pixels(length: float) -> str:
    return f"{length:.6g}"
