"""Records what mmdet 3.3.0 finds with a small Mask2Former-Swin, for test_mmdet_parity.py.

Runs in the tox environment mmdet, never in ours, and needs no network:

    tox exec -e mmdet -- python tests/parity/record_mmdet.py

Weights and pictures come from formulas (made_mask2former.py). Pictures are prepared by mmcv's own
functions in the order of mmdet 2.28.2: resize, pad with grey, normalise. Raw logits are recorded in
float64, where two right implementations agree to the last digits; instances in float32, as used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import made_mask2former as made
import mmcv
import mmdet
import numpy as np
import torch

from pisces_eval.detectors import _masks, _mmdet
from pisces_eval.detectors._mask2former import Frame

FIXTURE = Path(__file__).parent / "fixtures" / "mmdet_mask2former_3.3.0.json"

MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)

CASES = (
    # (name, width, height, longest side, shortest side)
    ("forest", 90, 70, 160, 96),
    ("portrait, padded right", 75, 130, 160, 96),
    ("shrunk, not padded", 200, 150, 160, 96),
    ("GenEval's own sizes", 64, 39, 1333, 800),
)

MASK_LOGITS = 400
"""So many of the mask logits are kept, at equal distances."""


def prepared(name: str, width: int, height: int, long: int, short: int) -> Frame:
    """mmcv's resize, padding and normalisation of an OpenCV (BGR) picture."""
    loaded = made.picture(name, width, height)[..., ::-1].copy()
    resized = mmcv.imrescale(loaded, (long, short))
    padded = mmcv.impad_to_multiple(resized, 32, pad_val=(128, 128, 128))
    normalised = mmcv.imnormalize(padded, MEAN, STD, to_rgb=True)
    pixels = torch.from_numpy(normalised.transpose(2, 0, 1).copy())[None]
    return Frame(pixels, resized.shape[:2])


def filled(network: Any) -> Any:
    """The network with the formula's weights."""
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    weights = {name: torch.from_numpy(array) for name, array in made.weights(shapes).items()}
    _mmdet.load_weights(network, weights, "the formula")
    return network


def logits(network: Any, frame: Frame) -> tuple[list[float], list[float]]:
    """Class logits and a sample of the mask logits of the last layer, in float64."""
    with torch.inference_mode():
        features = network.extract_feat(frame.pixels.double())
        classes, masks = network.panoptic_head(features, [])
    sampled = masks[-1].flatten()
    sampled = sampled[:: len(sampled) // MASK_LOGITS]
    return rounded(classes[-1].flatten()), rounded(sampled)


def rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 9) for value in values.tolist()]


def instances(network: Any, frame: Frame, size: tuple[int, int]) -> dict[str, Any]:
    """All that mmdet reports in float32; equal masks are written once."""
    found = _mmdet.find_instances(network, frame, size)
    encoded = [_masks.encode(mask.numpy()).counts for mask in found.masks]
    distinct = list(dict.fromkeys(encoded))
    rows = zip(
        found.labels.tolist(), found.scores.tolist(), found.boxes.tolist(), encoded, strict=True
    )
    return {
        "masks": distinct,
        "instances": [
            [label, score, [int(corner) for corner in box], distinct.index(counts)]
            for label, score, box, counts in rows
        ],
    }


def recorded(single: Any, double: Any, case: tuple[str, int, int, int, int]) -> dict[str, Any]:
    name, width, height, long, short = case
    frame = prepared(*case)
    class_logits, mask_logits = logits(double, frame)
    return {
        "name": name,
        "width": width,
        "height": height,
        "long": long,
        "short": short,
        "content": list(frame.content),
        "padded": list(frame.padded),
        "pixels_sha256": hashlib.sha256(frame.pixels.numpy().tobytes()).hexdigest(),
        "class_logits": class_logits,
        "mask_logits": mask_logits,
        **instances(single, frame, (height, width)),
    }


def main() -> None:
    sizes = _mmdet.Architecture(**made.SMALL)
    single, double = filled(_mmdet.build(sizes)), filled(_mmdet.build(sizes)).double()
    fixture = {
        "source": f"mmdet {mmdet.__version__}, mmcv {mmcv.__version__}, by record_mmdet.py",
        "mask_logits": MASK_LOGITS,
        "shapes": {name: list(tensor.shape) for name, tensor in single.state_dict().items()},
        "cases": [recorded(single, double, case) for case in CASES],
    }
    FIXTURE.write_text(json.dumps(fixture, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
