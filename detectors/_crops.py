"""Pictures of single objects as CLIP is to see them when GenEval asks for a colour.

The object is cut out with its hard mask onto flat grey and cropped to its box; then follows CLIP's
own transform. Sources: the evaluator of djghosh13/geneval @af4902f; the validation transform of
OpenAI's CLIP as open_clip and torchvision compute it, roundings included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pisces_eval.errors import TaskError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

GREY = 0x99
"""What stands behind an object, in all three channels."""

SIDE = 224
"""Height and width of CLIP's input in pixels."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Channel statistics of CLIP's training images, RGB, on a scale of 0 to 1."""

Box = tuple[float, float, float, float]


def cut_out(image: Image, box: Box, mask: NDArray[np.bool_]) -> Image:
    """The object alone on grey, as large as its box.

    image is RGB; box is (x1, y1, x2, y2) in whole pixels, right and bottom exclusive; mask is
    (height, width) of the whole image. Raises TaskError if mask or box do not fit the image.
    """
    import numpy as np
    from PIL.Image import fromarray

    left, top, right, bottom = (int(edge) for edge in box)
    if mask.shape != (image.height, image.width):
        raise TaskError(
            f"a mask of {mask.shape[1]}x{mask.shape[0]} pixels does not fit an image of "
            f"{image.width}x{image.height}; masks must have the size of the image"
        )
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise TaskError(
            f"the box {box} is empty or leaves the image of {image.width}x{image.height}; "
            "boxes must be tight around their mask"
        )
    patch = np.asarray(image.crop((left, top, right, bottom)))
    inside = mask[top:bottom, left:right, None]
    return fromarray(np.where(inside, patch, np.uint8(GREY)))


def prepare(crop: Image) -> NDArray[np.float32]:
    """CLIP's input (3, 224, 224) from an RGB picture of any size.

    The shorter side becomes 224, the longer one is cut to its middle: elongated objects lose their
    ends. A crop much longer than wide is very large in between (its sides' ratio times 200 KB).
    """
    import numpy as np
    from PIL.Image import Resampling

    width, height = resized(*crop.size)
    left, top = middle(width), middle(height)
    large = crop.resize((width, height), Resampling.BICUBIC)
    square = np.asarray(large.crop((left, top, left + SIDE, top + SIDE)), dtype=np.float32)
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    normal: NDArray[np.float32] = (square / np.float32(255) - mean) / std
    return normal.transpose(2, 0, 1)


def resized(width: int, height: int) -> tuple[int, int]:
    """Width and height after resizing: 224 for the shorter side, the longer one rounded down."""
    short = min(width, height)
    return SIDE * width // short, SIDE * height // short


def middle(length: int) -> int:
    """Where the middle 224 of so many pixels begin; halves go to the even number."""
    return round((length - SIDE) / 2)
