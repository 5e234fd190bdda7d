"""Colours of objects by nearest reference tint: a stand-in until a CLIP classifier is loaded.

GenEval asks CLIP which of ten colours an object has. This module compares the object's median
colour with one tint per colour name in CIE L*a*b* (1976) and is right for flat, plain objects only.
A detector that uses it says so in its notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from pisces_eval.detectors import _masks
from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Look
from pisces_eval.records import Detection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTE = "colours are named by the nearest of ten tints, not by GenEval's CLIP classifier"
"""What a detector that uses the palette must say."""

TINTS: dict[str, tuple[int, int, int]] = {
    "red": (229, 0, 0),
    "orange": (249, 115, 6),
    "yellow": (255, 255, 20),
    "green": (21, 176, 26),
    "blue": (3, 67, 223),
    "purple": (126, 30, 156),
    "pink": (255, 129, 192),
    "brown": (101, 55, 0),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}
"""sRGB: the averages of the xkcd colour survey (2010, CC0)."""

DISTANCE_PER_LOGIT = 10.0
"""Colour difference (CIE 1976) that lowers a logit by one."""

CENTRAL_PART = 0.5
"""Share of a box's width and height that is looked at where there is no mask."""


def with_colors(
    look: Look, detections: Sequence[Detection], colors: Sequence[str]
) -> tuple[Detection, ...]:
    """The detections, with one logit per colour (in that order) where the look asks for colours.

    An object without a single pixel stays without colours. Raises TaskError for a colour name that
    has no tint.
    """
    import numpy as np

    references = _references(colors)
    pixels = np.asarray(look.image, dtype=np.uint8)

    def colored(detection: Detection) -> Detection:
        if detection.label not in look.color_classes:
            return detection
        region = _region(pixels, detection)
        if not len(region):
            return detection
        distances = np.linalg.norm(_lab(np.median(region, axis=0)) - references, axis=-1)
        logits = tuple((-distances / DISTANCE_PER_LOGIT).tolist())
        return msgspec.structs.replace(detection, colors=logits)

    return tuple(colored(detection) for detection in detections)


def _references(colors: Sequence[str]) -> NDArray[np.float64]:
    """The tints of these colours in L*a*b*, (colours, 3)."""
    import numpy as np

    unknown = [color for color in colors if color not in TINTS]
    if unknown:
        raise TaskError(f"the palette has no tint for {unknown[0]!r}; it knows {', '.join(TINTS)}")
    return _lab(np.array([TINTS[color] for color in colors], dtype=np.float64))


def _region(pixels: NDArray[np.uint8], detection: Detection) -> NDArray[np.uint8]:
    """The object's pixels, (n, 3): those of its mask, else those in the middle of its box."""
    if detection.mask is not None:
        inside: NDArray[np.uint8] = pixels[_masks.decode(detection.mask)]
        return inside
    left, top, right, bottom = detection.box
    columns = _central_span(left, right)
    rows = _central_span(top, bottom)
    return pixels[rows, columns].reshape(-1, 3)


def _central_span(start: float, stop: float) -> slice:
    """The pixels in the middle of [start, stop): at least one, unless the span is empty."""
    if stop <= start:
        return slice(0, 0)
    middle = (start + stop) / 2
    reach = (stop - start) * CENTRAL_PART / 2
    first = max(int(middle - reach), 0)
    return slice(first, max(int(middle + reach), first + 1))


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB 0..255 (..., 3) to CIE L*a*b* under D65 (IEC 61966-2-1 and CIE 15)."""
    import numpy as np

    encoded = rgb / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    relative = linear @ to_xyz.T / to_xyz.sum(axis=1)
    delta = 6 / 29
    curved = np.where(relative > delta**3, np.cbrt(relative), relative / (3 * delta**2) + 4 / 29)
    x, y, z = curved[..., 0], curved[..., 1], curved[..., 2]
    lab: NDArray[np.float64] = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab
