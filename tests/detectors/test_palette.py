import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _masks, _palette
from pisces_eval.errors import TaskError
from pisces_eval.interfaces import Look
from pisces_eval.records import Detection

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")


def look(image: Image.Image) -> Look:
    return Look(id="a", image=image, color_classes=frozenset({"apple"}))


def named(logits: tuple[float, ...] | None) -> str:
    assert logits is not None
    return COLORS[logits.index(max(logits))]


@pytest.mark.parametrize("color", COLORS)
def test_a_flat_object_has_the_colour_it_is_painted_with(color: str) -> None:
    image = Image.new("RGB", (20, 10), _palette.TINTS[color])
    apple = Detection(label="apple", score=0.9, box=(2.0, 1.0, 12.0, 9.0))
    (seen,) = _palette.with_colors(look(image), [apple], COLORS)
    assert seen.colors is not None
    assert named(seen.colors) == color
    assert seen.colors[COLORS.index(color)] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("rgb", "color"),
    [
        ((200, 30, 30), "red"),
        ((240, 150, 40), "orange"),
        ((40, 150, 50), "green"),
        ((30, 60, 200), "blue"),
        ((20, 20, 20), "black"),
        ((240, 240, 235), "white"),
        ((110, 70, 30), "brown"),
    ],
)
def test_shades_fall_to_their_colour(rgb: tuple[int, int, int], color: str) -> None:
    apple = Detection(label="apple", score=0.9, box=(0.0, 0.0, 8.0, 8.0))
    (seen,) = _palette.with_colors(look(Image.new("RGB", (8, 8), rgb)), [apple], COLORS)
    assert named(seen.colors) == color


def test_only_the_mask_counts_where_there_is_one() -> None:
    pixels = np.full((10, 10, 3), 255, dtype=np.uint8)
    mask = np.zeros((10, 10), dtype=bool)
    mask[:2, :5] = True
    pixels[mask] = (0, 0, 255)
    apple = Detection(
        label="apple", score=0.9, box=(0.0, 0.0, 10.0, 10.0), mask=_masks.encode(mask)
    )
    (seen,) = _palette.with_colors(look(Image.fromarray(pixels)), [apple], COLORS)
    assert named(seen.colors) == "blue"


def test_without_a_mask_the_middle_of_the_box_counts() -> None:
    pixels = np.zeros((20, 20, 3), dtype=np.uint8)
    pixels[5:15, 5:15] = (255, 255, 0)
    apple = Detection(label="apple", score=0.9, box=(0.0, 0.0, 20.0, 20.0))
    (seen,) = _palette.with_colors(look(Image.fromarray(pixels)), [apple], COLORS)
    assert named(seen.colors) == "yellow"


def test_a_box_below_one_pixel_still_has_a_colour() -> None:
    apple = Detection(label="apple", score=0.9, box=(7.6, 7.7, 8.0, 8.0))
    (seen,) = _palette.with_colors(look(Image.new("RGB", (8, 8), "white")), [apple], COLORS)
    assert named(seen.colors) == "white"


def test_objects_nobody_asks_about_and_empty_ones_stay_without_colours() -> None:
    bench = Detection(label="bench", score=0.9, box=(0.0, 0.0, 8.0, 8.0))
    empty = _masks.encode(np.zeros((8, 8), dtype=bool))
    nothing = Detection(label="apple", score=0.0, box=(0.0, 0.0, 0.0, 0.0), mask=empty)
    image = Image.new("RGB", (8, 8), "red")
    assert _palette.with_colors(look(image), [bench, nothing], COLORS) == (bench, nothing)


def test_logits_follow_the_vocabulary_and_are_a_tenth_of_the_distance() -> None:
    apple = Detection(label="apple", score=0.9, box=(0.0, 0.0, 8.0, 8.0))
    image = Image.new("RGB", (8, 8), "black")
    (seen,) = _palette.with_colors(look(image), [apple], ("white", "black"))
    assert seen.colors == pytest.approx((-10.0, 0.0), abs=1e-6)  # L* 100 against 0


def test_lab_of_srgb_red_is_the_published_one() -> None:
    lab = _palette._lab(np.array([[255.0, 0.0, 0.0]]))
    assert lab[0] == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


def test_a_colour_without_tint_is_refused_by_name() -> None:
    with pytest.raises(TaskError, match="no tint for 'teal'"):
        _palette.with_colors(look(Image.new("RGB", (8, 8))), [], ("red", "teal"))
