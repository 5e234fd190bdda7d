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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL.Image import Resampling
from torch import Tensor
from torch.nn import functional

from pisces_eval.detectors import _masks
from pisces_eval.records import Detection, Mask

if TYPE_CHECKING:
    from PIL.Image import Image

CANDIDATES = 100
"""How many (query, class) pairs a picture may give (mmdet's max_per_image)."""

FLOOR = 0.05
"""Class probability above which a pair is worth its mask; far below any threshold of GenEval."""

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""ImageNet's channel statistics, RGB, on a scale of 0 to 255."""

STRIDE = 32
"""Network inputs are padded to multiples of this."""

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
class Segmenter:
    """A Mask2Former network with its way of preparing pictures."""

    network: Any
    """transformers.Mask2FormerForUniversalSegmentation in evaluation mode, on the CPU."""
    prepare: Prepare

    def segment(self, image: Image, classes: Sequence[str]) -> tuple[Detection, ...]:
        """Objects in an RGB picture, most probable class first; classes name the labels."""
        frame = self.prepare(image)
        with torch.inference_mode():
            output = self.network(pixel_values=frame.pixels)
            return find_instances(
                output.class_queries_logits[0],
                output.masks_queries_logits[0],
                Geometry(frame.padded, frame.content, (image.height, image.width)),
                classes,
            )


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
) -> tuple[Detection, ...]:
    """What the network's answer means.

    class_logits is (queries, classes + 1), the last column standing for "no object"; mask_logits is
    (queries, h, w) at any resolution. A query whose class probability does not exceed floor never
    has its mask enlarged: its score could only be lower, so no verdict can change. An empty mask is
    kept with box and score zero, as the reference does.
    """
    outlines: dict[int, Outline] = {}
    found = []
    for query, label, probability in _candidates(class_logits):
        if probability <= floor:
            break
        if query not in outlines:
            outlines[query] = _outline(mask_logits[query], geometry)
        outline = outlines[query]
        found.append(
            Detection(
                label=classes[label],
                score=float(probability * outline.quality),
                box=outline.box,
                mask=outline.mask,
            )
        )
    return tuple(found)


def _candidates(class_logits: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """The most probable (query, label, probability), best first; equals in the order of queries."""
    probabilities = class_logits.softmax(dim=-1)[:, :-1]
    labels = probabilities.shape[1]
    ranked = probabilities.flatten().sort(descending=True, stable=True)
    best = zip(ranked.indices[:CANDIDATES].tolist(), ranked.values[:CANDIDATES], strict=True)
    for index, probability in best:
        yield index // labels, index % labels, probability


@dataclass(frozen=True)
class Outline:
    """Where one query sees its object."""

    mask: Mask
    box: tuple[float, float, float, float]
    quality: Tensor
    """Mean confidence inside the mask, a float32 scalar."""


def _outline(mask_logits: Tensor, geometry: Geometry) -> Outline:
    """One query's mask logits (h, w) at the picture's own resolution, binarised and measured."""
    logits = _enlarge(mask_logits, geometry.padded)
    logits = _enlarge(logits[: geometry.content[0], : geometry.content[1]], geometry.original)
    inside = logits > 0
    quality = (logits.sigmoid() * inside).sum() / (inside.sum() + 1e-6)
    mask = inside.numpy()
    return Outline(mask=_masks.encode(mask), box=tight_box(mask), quality=quality)


def _enlarge(logits: Tensor, size: Size) -> Tensor:
    """(h, w) to size, bilinear, corners not aligned."""
    batch = logits[None, None]
    return functional.interpolate(batch, size=size, mode="bilinear", align_corners=False)[0, 0]


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
