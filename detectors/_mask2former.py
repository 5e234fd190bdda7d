"""Instance segmentation with transformers' Mask2Former as GenEval's detector (mmdet 2.x) does it.

The network answers for each query with class logits and a coarse mask. What follows, in mmdet's
order: bring the mask to the padded input's size, cut the padding off, bring it to the picture's own
size, take the best (query, class) pairs, binarise, and weigh the class probability with the mean
confidence inside the mask. Facts from mmdet 2.28.2 (Apache-2.0); there is no suppression of
overlaps, so one query may be reported under several classes.

How a picture becomes the network's input is a function of its own (Prepare), because checkpoints
differ in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL.Image import Resampling
from torch import Tensor
from torch.nn import functional

from pisces_eval.detectors import _masks, _opencv_resize
from pisces_eval.errors import EnvironmentFailure
from pisces_eval.records import Detection, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

CANDIDATES = 100
"""How many (query, class) pairs a picture may give (mmdet's max_per_image)."""

FLOOR = 0.05
"""Class probability above which a pair is worth its mask; far below any threshold of GenEval."""

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""ImageNet's channel statistics, RGB, on a scale of 0 to 255."""

SHORT_SIDE = 800
LONG_SIDE = 1333
"""Pixels that a picture is fitted within for the network (mmdet's scale of COCO)."""

GREY = 128
"""The padding's value before normalisation (mmdet 2.x; 3.x pads with 0 after it)."""

STRIDE = 32
"""Network inputs are padded to multiples of this."""

PIXELS_AT_ONCE = 16 * 2**20
"""So many pixels of masks are enlarged together, 64 MB of them, or one mask if it has more."""

Size = tuple[int, int]
"""Height, width in pixels."""


@dataclass(frozen=True)
class Frame:
    """A picture made ready for the network."""

    pixels: Tensor
    """(1, 3, padded height, padded width), float32, normalised."""
    content: Size
    """The part of it that is picture; the rest, right and below, is padding."""

    @property
    def padded(self) -> Size:
        """Height and width with padding."""
        height, width = self.pixels.shape[-2:]
        return height, width


Prepare = Callable[["Image"], Frame]


@dataclass(frozen=True)
class Sighting:
    """What is seen in one picture."""

    detections: tuple[Detection, ...] = ()
    """Most probable class first."""
    masks: tuple[NDArray[np.bool_], ...] = ()
    """The detections' masks as arrays (height, width), in the same order."""


@dataclass(frozen=True)
class Segmenter:
    """A Mask2Former network with its way of preparing pictures."""

    network: Any
    """transformers.Mask2FormerForUniversalSegmentation in evaluation mode, on the device."""
    prepare: Prepare
    device: str = "cpu"
    batch: int = 1
    """How many pictures of one size go through the network together, at most."""

    def segment(self, image: Image, classes: Sequence[str]) -> Sighting:
        """Objects in an RGB picture; classes name the labels."""
        [(_, [sighting])] = self.segment_all([image], classes)
        return sighting

    def segment_all(
        self, images: Sequence[Image], classes: Sequence[str]
    ) -> Iterator[tuple[list[int], list[Sighting]]]:
        """Objects in RGB pictures: the numbers of some of one size, and what is seen in each.

        A picture's company changes no more than the last bits of its scores. The next pictures
        are prepared while the network is busy. Raises EnvironmentFailure if that answers with NaN.
        """
        groups = list(_same_sized(images, self.batch))
        with ThreadPoolExecutor() as pool:
            queue = [[pool.submit(self.prepare, images[n]) for n in group] for group in groups]
            for group, futures in zip(groups, queue, strict=True):
                frames = [future.result() for future in futures]
                size = images[group[0]].height, images[group[0]].width
                yield group, self._look(frames, size, classes)

    def _look(
        self, frames: Sequence[Frame], original: Size, classes: Sequence[str]
    ) -> list[Sighting]:
        """What is in pictures of one size. Raises EnvironmentFailure for an answer of NaN."""
        geometry = Geometry(frames[0].padded, frames[0].content, original)
        pixels = torch.cat([frame.pixels for frame in frames]).to(self.device)
        with torch.inference_mode(), _full_precision():
            output = self.network(pixel_values=pixels)
            answers = (output.class_queries_logits, output.masks_queries_logits)
            if not all(torch.isfinite(logits).all() for logits in answers):
                raise EnvironmentFailure(
                    "the detector's network answers with numbers that are none; get its weights "
                    "again, or another build of torch"
                )
            return [
                find_instances(*answer, geometry, classes) for answer in zip(*answers, strict=True)
            ]


def _same_sized(images: Sequence[Image], limit: int) -> Iterator[list[int]]:
    """The pictures' numbers in groups of one size, none of more than limit."""
    by_size: dict[Size, list[int]] = {}
    for number, image in enumerate(images):
        by_size.setdefault(image.size, []).append(number)
    for numbers in by_size.values():
        for start in range(0, len(numbers), limit):
            yield numbers[start : start + limit]


@contextmanager
def _full_precision() -> Iterator[None]:
    """GPUs multiply float32 as float32, not as TF32; afterwards all is as it was."""
    multiplication, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
    before = multiplication.allow_tf32, convolution.allow_tf32
    multiplication.allow_tf32 = convolution.allow_tf32 = False
    try:
        yield
    finally:
        multiplication.allow_tf32, convolution.allow_tf32 = before


@dataclass(frozen=True)
class Geometry:
    """The three sizes a mask goes through."""

    padded: Size
    content: Size
    original: Size


def find_instances(
    class_logits: Tensor,
    mask_logits: Tensor,
    geometry: Geometry,
    classes: Sequence[str],
    floor: float = FLOOR,
) -> Sighting:
    """What the network's answer means.

    class_logits is (queries, classes + 1), the last column standing for "no object"; mask_logits is
    (queries, h, w) at any resolution. A query whose class probability does not exceed floor never
    has its mask enlarged: its score could only be lower, so no verdict can change. An empty mask is
    kept with box and score zero, as the reference does.
    """
    pairs = [pair for pair in _candidates(class_logits.cpu()) if pair.probability > floor]
    queries = sorted({pair.query for pair in pairs})
    outlines = dict(zip(queries, _outlines(mask_logits[queries], geometry), strict=True))
    return Sighting(
        detections=tuple(
            Detection(
                label=classes[pair.label],
                score=float(pair.probability * outlines[pair.query].quality),
                box=outlines[pair.query].box,
                mask=outlines[pair.query].mask,
            )
            for pair in pairs
        ),
        masks=tuple(outlines[pair.query].pixels for pair in pairs),
    )


@dataclass(frozen=True)
class Candidate:
    """A query under one of its classes."""

    query: int
    label: int
    probability: Tensor
    """A float32 scalar."""


def _candidates(class_logits: Tensor) -> Iterator[Candidate]:
    """The most probable pairs, best first; equals in the order of queries."""
    probabilities = class_logits.softmax(dim=-1)[:, :-1]
    labels = probabilities.shape[1]
    ranked = probabilities.flatten().sort(descending=True, stable=True)
    best = zip(ranked.indices[:CANDIDATES].tolist(), ranked.values[:CANDIDATES], strict=True)
    for index, probability in best:
        yield Candidate(index // labels, index % labels, probability)


@dataclass(frozen=True)
class Outline:
    """Where one query sees its object."""

    pixels: NDArray[np.bool_]
    """(height, width)."""
    mask: Mask
    box: tuple[float, float, float, float]
    quality: Tensor
    """Mean confidence inside the mask, a float32 scalar."""


def _outlines(mask_logits: Tensor, geometry: Geometry) -> Iterator[Outline]:
    """Mask logits (n, h, w) at the picture's own resolution, binarised and measured."""
    count = max(PIXELS_AT_ONCE // math.prod(geometry.original), 1)
    for start in range(0, len(mask_logits), count):
        logits = _enlarge(mask_logits[start : start + count], geometry.padded)
        logits = _enlarge(
            logits[:, : geometry.content[0], : geometry.content[1]], geometry.original
        )
        inside = logits > 0
        confidences = torch.where(inside, logits.sigmoid(), 0.0).flatten(1).sum(1).cpu()
        # Run lengths go down the columns, so the device is to put these together.
        columns = inside.mT.contiguous().cpu().numpy()
        for pixels, confidence in zip(columns.swapaxes(1, 2), confidences, strict=True):
            area = torch.tensor(float(np.count_nonzero(pixels)))
            yield Outline(
                pixels, _masks.encode(pixels), tight_box(pixels), confidence / (area + 1e-6)
            )


def _enlarge(logits: Tensor, size: Size) -> Tensor:
    """(n, h, w) to size, bilinear, corners not aligned."""
    return functional.interpolate(logits[None], size=size, mode="bilinear", align_corners=False)[0]


def tight_box(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[float, float, float, float]:
    """The smallest box around a mask (height, width), right and bottom exclusive; or zeros."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def fit_size(width: int, height: int, short: int, long: int) -> Size:
    """The largest size of the same shape whose sides stay within short and long (mmdet's rule)."""
    scale = min(long / max(width, height), short / min(width, height))
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


def prepare_exactly(image: Image) -> Frame:
    """An RGB picture as mmdet 2.x's pipeline prepares it, bit for bit.

    Fitted within 800 and 1333 pixels by OpenCV's bilinear filter, padded right and below with grey,
    normalised in float32.
    """
    height, width = fit_size(image.width, image.height, SHORT_SIDE, LONG_SIDE)
    padded = np.full((height + -height % STRIDE, width + -width % STRIDE, 3), GREY, np.uint8)
    padded[:height, :width] = _opencv_resize.resize(np.asarray(image), height, width)
    planes = np.ascontiguousarray(padded.transpose(2, 0, 1), dtype=np.float32)
    planes -= np.array(MEAN, np.float32)[:, None, None]
    planes /= np.array(STD, np.float32)[:, None, None]
    return Frame(torch.from_numpy(planes)[None], (height, width))


def prepare_bilinear(image: Image, short: int, long: int) -> Frame:
    """An RGB picture fitted within short and long by Pillow's bilinear filter, then zero-padded.

    Pillow's filter antialiases where OpenCV's does not, so this is no preparation for a checkpoint
    whose published scores are to be met.
    """
    height, width = fit_size(image.width, image.height, short, long)
    resized = image.resize((width, height), Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(resized, dtype=np.float32)).permute(2, 0, 1)
    normalised = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    padding = (0, -width % STRIDE, 0, -height % STRIDE)
    return Frame(functional.pad(normalised, padding)[None], (height, width))
