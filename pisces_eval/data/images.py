"""Encoded images to pixels and back, within bounds that a hostile file cannot pass.

Pillow does the work; its global settings (MAX_IMAGE_PIXELS, LOAD_TRUNCATED_IMAGES) are never
touched, and its warnings never reach the caller.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture

MAX_FILE_BYTES = 256 * 2**20
"""Largest encoded image, 256 MiB: an uncompressed TIFF of MAX_PIXELS in RGB fits."""

MAX_PIXELS = 64_000_000
"""Largest image, 64 megapixels: 192 MB decoded, above any benchmark's picture, below a bomb."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are read; Pillow's others (EPS starts Ghostscript) are refused."""

_PILLOW_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers were seen to raise on damaged files."""

# catch_warnings swaps process-wide state, so two threads must not be inside at once.
_WARNING_FILTERS = threading.Lock()


def decode(picture: Picture) -> Image.Image:
    """The picture as an RGB image without metadata, EXIF orientation applied.

    Alpha is dropped, not composited, as GenEval's evaluator does; 16-bit grey keeps its high byte;
    of an animation the first frame is taken. Size in bytes and pixels is checked before decoding.
    Raises TaskError if the picture is unreadable, truncated, too large or not an image.
    """
    data = _read(picture)
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                _check_pixels(picture, image.size)
                return _to_rgb(picture, image)
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(picture, "far more than") from error
        except UnidentifiedImageError as error:
            raise _refuse(
                picture,
                "is not an image that can be read, or its start is cut off",
                f"use one of {', '.join(FORMATS)}",
            ) from error
        except _PILLOW_FAILURES as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise _refuse(
                picture, f"is damaged ({what})", "fetch or export the file again"
            ) from error


def encode_png(image: Image.Image) -> bytes:
    """An RGB PNG without metadata; with one build of Pillow, equal pixels give equal bytes."""
    return _encode(_bare(image), "PNG", compress_level=6)


def thumbnail(image: Image.Image, side: int) -> bytes:
    """A JPEG (quality 80) with the image's proportions that fits in side x side pixels."""
    small = _bare(image)
    small.thumbnail((side, side))
    return _encode(small, "JPEG", quality=80)


def _read(picture: Picture) -> bytes:
    """The encoded bytes, if they are no more than MAX_FILE_BYTES."""
    try:
        size = _encoded_size(picture.source)
        if size > MAX_FILE_BYTES:
            raise _refuse(
                picture,
                f"has {size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES // 2**20}",
                "compress or shrink it",
            )
        return picture.read()
    except OSError as error:
        raise _refuse(
            picture,
            f"cannot be read ({error.strerror or error})",
            "check the file and its permissions",
        ) from error


def _encoded_size(source: bytes | Path) -> int:
    """Size in bytes; raises OSError for what is no regular file, since a pipe could block."""
    if isinstance(source, bytes):
        return len(source)
    size = source.stat().st_size
    if not source.is_file():
        raise OSError("not a regular file")
    return size


def _check_pixels(picture: Picture, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(picture, f"{width} x {height}, more than")


def _to_rgb(picture: Picture, image: Image.Image) -> Image.Image:
    """Decode, turn upright, and bring every mode to 8-bit RGB."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F"):
        raise _refuse(
            picture,
            "has 32-bit pixels whose range is not known",
            "save it with 8 or 16 bits per channel",
        )
    if upright.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 and would turn almost all of the picture white.
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return _bare(upright)


def _bare(image: Image.Image) -> Image.Image:
    """A copy in RGB without metadata, so that no reader applies a rotation or profile again."""
    bare = image.convert("RGB")
    bare.info = {}
    return bare


def _encode(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def _too_many_pixels(picture: Picture, how_many: str) -> TaskError:
    limit = f"{MAX_PIXELS // 1_000_000} megapixels"
    return _refuse(picture, f"has too many pixels ({how_many} {limit})", "shrink it")


def _refuse(picture: Picture, wrong: str, mend: str) -> TaskError:
    return TaskError(f"image {picture.name} {wrong}; {mend}")
