"""Small drawings for the mini set: shapes and charts without a letter, so that no font matters.

Every function returns a white RGB image of 192 x 192 pixels and draws the same pixels each time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIDE = 192
_INK = "black"
_CENTRE = SIDE / 2
_RADIUS = 72


def dots(colors: Sequence[str]) -> Image:
    """One filled circle for each colour, in rows of four, at most sixteen."""
    image, draw = _canvas()
    for index, color in enumerate(colors):
        row, column = divmod(index, 4)
        x, y = 24 + 48 * column, 24 + 48 * row
        draw.ellipse((x - 16, y - 16, x + 16, y + 16), fill=color, outline=_INK)
    return image


def polygon(sides: int, color: str) -> Image:
    """A regular polygon that stands on a side."""
    image, draw = _canvas()
    draw.polygon(_ring(sides, math.pi / 2 - math.pi / sides), fill=color, outline=_INK)
    return image


def bars(heights: Sequence[int], colors: Sequence[str]) -> Image:
    """A bar chart; heights in percent of the tallest possible bar."""
    image, draw = _canvas()
    step = (SIDE - 16) // len(heights)
    for index, (height, color) in enumerate(zip(heights, colors, strict=True)):
        left, top = 12 + index * step, SIDE - 10 - height * 1.7
        draw.rectangle((left, top, left + step * 2 // 3, SIDE - 10), fill=color, outline=_INK)
    draw.line((4, SIDE - 10, SIDE - 4, SIDE - 10), fill=_INK, width=2)
    return image


def curve(values: Sequence[int]) -> Image:
    """A line chart of values in percent, at even distances from left to right."""
    image, draw = _canvas()
    step = (SIDE - 40) / (len(values) - 1)
    points = [(20 + index * step, SIDE - 20 - value * 1.5) for index, value in enumerate(values)]
    draw.line((12, 12, 12, SIDE - 12, SIDE - 12, SIDE - 12), fill=_INK, width=2)
    draw.line(points, fill="blue", width=4)
    return image


def pie(percent: int, color: str) -> Image:
    """A disc of which so many percent, clockwise from the top, are coloured."""
    image, draw = _canvas()
    box = (24, 24, SIDE - 24, SIDE - 24)
    draw.ellipse(box, fill="white", outline=_INK)
    draw.pieslice(box, -90, -90 + percent * 3.6, fill=color, outline=_INK)
    return image


def cells(rows: Sequence[str]) -> Image:
    """A grid of squares, one text a row: '#' is filled, anything else is empty."""
    image, draw = _canvas()
    size = (SIDE - 16) // max(len(rows), *map(len, rows))
    for y, row in enumerate(rows):
        for x, mark in enumerate(row):
            left, top = 8 + x * size, 8 + y * size
            fill = "black" if mark == "#" else "white"
            draw.rectangle((left, top, left + size, top + size), fill=fill, outline="gray", width=2)
    return image


def network(nodes: int, edges: Sequence[tuple[int, int]], colors: Sequence[str]) -> Image:
    """Discs on a ring, numbered clockwise from the top, and straight lines between them."""
    image, draw = _canvas()
    places = _ring(nodes, -math.pi / 2)
    for start, end in edges:
        draw.line((*places[start], *places[end]), fill=_INK, width=4)
    for (x, y), color in zip(places, colors, strict=True):
        draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=color, outline=_INK, width=2)
    return image


def arrows(degrees: Sequence[int]) -> Image:
    """Arrows from the centre; 0 degrees points right, 90 up."""
    image, draw = _canvas()
    for angle in degrees:
        tip, back = _polar(angle, _RADIUS), _RADIUS - 24
        draw.line((_CENTRE, _CENTRE, *_polar(angle, back)), fill=_INK, width=6)
        draw.polygon([tip, _polar(angle - 14, back), _polar(angle + 14, back)], fill=_INK)
    return image


def stripes(colors: Sequence[str]) -> Image:
    """Horizontal stripes of equal height, from the top."""
    image, draw = _canvas()
    height = SIDE / len(colors)
    for index, color in enumerate(colors):
        draw.rectangle((0, index * height, SIDE, (index + 1) * height), fill=color)
    return image


def _canvas() -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIDE, SIDE), "white")
    return image, ImageDraw.Draw(image)


def _ring(count: int, start: float) -> list[tuple[float, float]]:
    """count points on a circle, clockwise on the screen from the angle start (radians)."""
    turns = (start + 2 * math.pi * index / count for index in range(count))
    return [(_CENTRE + _RADIUS * math.cos(t), _CENTRE + _RADIUS * math.sin(t)) for t in turns]


def _polar(degrees: float, radius: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return _CENTRE + radius * math.cos(angle), _CENTRE - radius * math.sin(angle)
