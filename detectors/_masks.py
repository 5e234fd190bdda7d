"""Binary masks as COCO run lengths.

COCO writes a mask column by column as alternating run lengths of 0 and 1, starting with 0, and
packs them into printable characters: five bits a character from code 48 on, bit 5 says that more
follow, bit 4 of the last is the sign, and from the fourth run on the difference to the run two
before is stored (cocoapi, maskApi.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pisces_eval.records import Mask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRST_CODE = 48
LAST_CODE = 111


def encode(mask: NDArray[np.bool_]) -> Mask:
    """A mask (height, width) as run lengths."""
    import numpy as np
    from pycocotools import mask as coco

    packed = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    height, width = mask.shape
    return Mask(size=(height, width), counts=packed["counts"].decode("ascii"))


def decode(mask: Mask) -> NDArray[np.bool_]:
    """The mask as an array (height, width). Raises ValueError as run_lengths does."""
    import numpy as np

    lengths = run_lengths(mask)
    height, width = mask.size
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def run_lengths(mask: Mask) -> list[int]:
    """The lengths of the mask's alternating runs, the first of them of zeros.

    Raises ValueError for a character outside the code, a negative run, a number that is cut off,
    or runs that do not cover the mask: pycocotools' decoder in C trusts what it is given.
    """
    runs: list[int] = []
    value = shift = 0
    for character in mask.counts:
        bits = ord(character) - FIRST_CODE
        if not 0 <= bits <= LAST_CODE - FIRST_CODE:
            raise ValueError(f"{character!r} is no run-length character")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        if runs[-1] < 0:
            raise ValueError("a run length is negative")
        value = shift = 0
    if shift:
        raise ValueError("the last run length is cut off")
    if sum(runs) != mask.size[0] * mask.size[1]:
        raise ValueError(f"they cover {sum(runs)} pixels of {mask.size[0]}x{mask.size[1]}")
    return runs
