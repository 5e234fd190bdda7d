"""Images decode to upright RGB within bounds, or fail with one line that names them."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from pisces_eval.data import images
from pisces_eval.data.images import decode, encode_png, thumbnail
from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Picture


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> Picture:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return Picture(buffer.getvalue(), "the-picture")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width: int, height: int) -> Picture:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
    return Picture(data + chunk(b"IEND", b""), "the-picture")


def refusal(picture: Picture) -> str:
    with pytest.raises(TaskError) as caught:
        decode(picture)
    message = str(caught.value)
    assert "\n" not in message
    assert picture.name in message
    return message


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_lossless_formats_give_their_pixels(form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    picture = encoded(Image.new("RGB", (5, 3), (200, 30, 40)), form, **options)

    image = decode(picture)

    assert (image.mode, image.size, image.getpixel((4, 2))) == ("RGB", (5, 3), (200, 30, 40))


def test_exif_orientation_is_applied_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = Image.new("RGB", (8, 4), "red")
    source.paste("blue", (0, 0, 4, 4))

    image = decode(encoded(source, "PNG", exif=exif))

    assert image.size == (4, 8)
    assert image.getpixel((0, 0)) == (0, 0, 255)
    assert image.getexif().get(0x0112) is None


def test_alpha_is_dropped_not_composited() -> None:
    assert decode(encoded(Image.new("RGBA", (2, 2), (10, 20, 30, 0)))).getpixel((0, 0)) == (
        10,
        20,
        30,
    )


def test_palette_with_transparency_keeps_its_colours() -> None:
    source = Image.new("P", (2, 2), 1)
    source.putpalette([0, 0, 0, 12, 34, 56])

    image = decode(encoded(source, "PNG", transparency=b"\xff\x00"))

    assert image.getpixel((1, 1)) == (12, 34, 56)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_becomes_grey(mode: str) -> None:
    assert decode(encoded(Image.new("L", (2, 2), 255).convert(mode))).getpixel((0, 0)) == (
        255,
        255,
        255,
    )


@pytest.mark.parametrize(("mode", "form"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF")])
def test_16_bit_grey_keeps_its_high_byte(mode: str, form: str) -> None:
    picture = encoded(Image.new(mode, (2, 2), 0x9CFF), form)

    assert decode(picture).getpixel((0, 0)) == (0x9C, 0x9C, 0x9C)


def test_32_bit_pixels_are_refused() -> None:
    assert "32-bit" in refusal(encoded(Image.new("F", (2, 2), 0.5), "TIFF"))


def test_cmyk_jpeg_is_converted() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))

    pixel = decode(encoded(red, "JPEG", quality=95)).getpixel((8, 8))

    assert isinstance(pixel, tuple)
    assert pixel[0] > 240
    assert max(pixel[1:]) < 15


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    picture = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert decode(picture).getpixel((0, 0)) == (255, 0, 0)


def test_metadata_does_not_reach_the_caller() -> None:
    assert decode(encoded(Image.new("RGB", (2, 2)), "PNG", dpi=(300, 300))).info == {}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_file_is_refused(form: str) -> None:
    noise = Image.frombytes("RGB", (32, 32), bytes(range(256)) * 12)
    whole = encoded(noise, form).read()

    assert "damaged" in refusal(Picture(whole[: len(whole) * 3 // 4], "the-picture"))


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_image_is_refused_with_the_formats_that_are_read(data: bytes) -> None:
    assert "PNG, JPEG, WEBP, GIF, BMP, TIFF" in refusal(Picture(data, "the-picture"))


@pytest.mark.parametrize("form", ["PPM", "ICO", "TGA"])
def test_other_formats_of_pillow_are_refused(form: str) -> None:
    refusal(encoded(Image.new("RGB", (16, 16)), form))


@pytest.mark.parametrize("size", [(100_000, 100_000), (10_000, 10_000), (8001, 8000)])
def test_too_many_pixels_are_refused_from_the_header(size: tuple[int, int]) -> None:
    assert "64 megapixels" in refusal(png_claiming(*size))


def test_the_largest_allowed_header_goes_on_to_decoding() -> None:
    assert "damaged" in refusal(png_claiming(8000, 8000))


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    with file.open("wb") as stream:
        os.truncate(stream.fileno(), images.MAX_FILE_BYTES + 1)

    assert "MiB" in refusal(Picture(file, "large.png"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(Picture(tmp_path / "gone.png", "gone.png"))


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "regular file" in refusal(Picture(tmp_path / "pipe", "pipe"))


def test_pillow_is_left_as_it_was() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))

    decode(encoded(Image.new("RGB", (2, 2))))
    refusal(png_claiming(10_000, 10_000))

    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    assert after == before


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@settings(deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bytes_give_an_image_or_one_line(form: str, cuts: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(Image.linear_gradient("L").resize((24, 24)), form).read())
    for place, value in cuts:
        data[place % len(data)] = value

    try:
        assert decode(Picture(bytes(data), "the-picture")).mode == "RGB"
    except TaskError as error:
        assert "\n" not in str(error)


def test_png_bytes_depend_on_pixels_alone() -> None:
    plain = Image.new("RGB", (7, 5), "teal")
    marked = plain.copy()
    marked.info["icc_profile"] = b"profile"

    assert encode_png(plain) == encode_png(marked)


@settings(deadline=None)
@given(st.binary(min_size=36, max_size=36))
def test_png_returns_the_pixels(data: bytes) -> None:
    image = Image.frombytes("RGB", (4, 3), data)

    assert decode(Picture(encode_png(image), "png")).tobytes() == data


def test_a_thumbnail_keeps_proportions_and_the_original() -> None:
    image = Image.new("RGB", (400, 100))

    small = Image.open(BytesIO(thumbnail(image, 64)))

    assert (small.format, small.size, image.size) == ("JPEG", (64, 16), (400, 100))
