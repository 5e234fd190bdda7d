"""The detector for demonstrations and tests: a toy-sized Mask2Former with random weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pisces_eval.detectors import _palette
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Detector, Look, Plugin, Vocabulary
from pisces_eval.records import Detection, fingerprint

if TYPE_CHECKING:
    from pisces_eval.detectors._mask2former import Segmenter

VERSION = 1
"""Raised when other code than the weights changes what is reported."""

SEED = 553
LABELS = 80
SHORT_SIDE = 128
LONG_SIDE = 192

CLASS_GAIN = 60.0
MASK_GAIN = 100.0
"""Fresh heads are so even that softmax over 81 classes stays near 1/81 and no mask is confident.
These factors on the last layers make the toy reckless, so that all that follows has work to do."""


class MiniDetector:
    """Finds things that are not there, the same ones each time."""

    notes = (
        "detector mini has random weights: GenEval verdicts under it carry no meaning",
        _palette.NOTE,
    )
    comparable = False

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def fingerprint(self) -> str:
        """SHA-256 over the weights, the input size and the code version."""
        weights = hashlib.sha256()
        for name, tensor in sorted(self._segmenter.network.state_dict().items()):
            weights.update(name.encode())
            weights.update(tensor.contiguous().numpy().tobytes())
        return fingerprint(["mini", VERSION, SHORT_SIDE, LONG_SIDE, weights.hexdigest()])

    def detect(
        self, looks: Sequence[Look], vocabulary: Vocabulary
    ) -> Sequence[tuple[Detection, ...]]:
        """Detections above 0.05, one picture at a time, so that batches cannot matter.

        Raises TaskError for a vocabulary of other than 80 classes or with a colour without tint.
        """
        if len(vocabulary.classes) != LABELS:
            raise TaskError(
                f"detector mini has {LABELS} labels, the task asks for "
                f"{len(vocabulary.classes)} classes; use another detector"
            )
        return [
            _palette.with_colors(
                look,
                self._segmenter.segment(look.image, vocabulary.classes).detections,
                vocabulary.colors,
            )
            for look in looks
        ]


def load(argument: str) -> Detector:
    """The mini detector; it takes no argument. Raises UserError if there is one."""
    if argument:
        raise UserError(f"detector mini takes no argument, got {argument!r}; write just 'mini'")
    from pisces_eval.detectors._mask2former import Segmenter, prepare_bilinear

    prepare = partial(prepare_bilinear, short=SHORT_SIDE, long=LONG_SIDE)
    return MiniDetector(Segmenter(_toy_network(), prepare))


def _toy_network() -> Any:
    """Mask2Former with 0.4 M random parameters; the global random state is left as it was."""
    import torch
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    backbone = SwinConfig(
        image_size=SHORT_SIDE,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 4, 8],
        window_size=4,
        drop_path_rate=0.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_layers=1,
        encoder_feedforward_dim=64,
        decoder_layers=3,
        dim_feedforward=64,
        num_attention_heads=4,
        num_queries=20,
        num_labels=LABELS,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(SEED)
        network = Mask2FormerForUniversalSegmentation(config).eval()
        network.class_predictor.weight.mul_(CLASS_GAIN)
        network.model.pixel_level_module.decoder.mask_projection.weight.mul_(MASK_GAIN)
    return network


DETECTOR: Plugin[Detector] = Plugin(
    name="mini",
    usage="mini",
    summary="toy Mask2Former with random weights, for demonstrations and tests",
    load=load,
    requires=("torch", "transformers", "pycocotools"),
)
