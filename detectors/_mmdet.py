"""Mask2Former on a Swin backbone, built and run by mmdet 3.x itself.

The configuration is that of OpenMMLab's mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco (facts from
mmdet 2.28.2 and 3.3.0, Apache-2.0), written down here and cut to what inference needs. Forward pass
and post-processing are the library's own, from the prepared pixels to boxes, scores and masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pisces_eval.detectors import _mask2former_weights, _masks, _mmcv_stand_in, _openmmlab
from pisces_eval.detectors._mask2former import CANDIDATES, FLOOR, Frame, Sighting, Size
from pisces_eval.records import Detection


@dataclass(frozen=True)
class Architecture:
    """The sizes of a network; the defaults are GenEval's (Swin-S, COCO's 80 classes)."""

    swin_width: int = 96
    swin_depths: tuple[int, int, int, int] = (2, 2, 18, 2)
    swin_heads: tuple[int, int, int, int] = (3, 6, 12, 24)
    width: int = 256
    """Channels of both decoders; a multiple of 32."""
    heads: int = 8
    encoder_layers: int = 6
    encoder_feedforward: int = 1024
    decoder_layers: int = 9
    decoder_feedforward: int = 2048
    queries: int = 100
    classes: int = 80


@dataclass(frozen=True)
class Instances:
    """What mmdet reports for one picture, in its own order."""

    labels: Tensor
    """(n,), class numbers."""
    scores: Tensor
    """(n,), 0 to 1."""
    boxes: Tensor
    """(n, 4): x1, y1, x2, y2 in pixels of the picture, right and bottom exclusive."""
    masks: Tensor
    """(n, height, width), boolean, at the picture's resolution."""


def build(architecture: Architecture) -> Any:
    """mmdet's network in evaluation mode, its weights as they happen to be initialised.

    The global random state is left as it was.
    """
    _mmcv_stand_in.install()
    from mmdet.models.detectors import Mask2Former
    from mmengine.config import ConfigDict

    with torch.random.fork_rng(devices=[]):
        return Mask2Former(**ConfigDict(_configuration(architecture))).eval()


def load_weights(network: Any, weights: Mapping[str, Tensor], where: str) -> None:
    """Fill every tensor of the network from weights under mmdet's names, of 2.x or 3.x.

    mmdet 3.x reads a file with 2.x names without an exception and leaves 180 of Swin-S's 649
    tensors as they were: so names are brought up to date first, and each must find its place.
    Index tables stay the network's own. Raises UserError, naming where, for a tensor that is
    missing, surplus or of another shape.
    """
    tables = {name: tensor for name, tensor in network.state_dict().items() if _is_table(name)}
    newer = _openmmlab.to_newer_mmdet(
        {name: tensor for name, tensor in weights.items() if not _is_table(name)}
    )
    _mask2former_weights.check({**tables, **newer}, network, where)
    network.load_state_dict({**tables, **newer}, strict=True)


def _is_table(name: str) -> bool:
    """Whether a tensor follows from the configuration."""
    return _openmmlab.RECOMPUTED.fullmatch(name) is not None


def find_instances(network: Any, frame: Frame, original: Size) -> Instances:
    """The library's forward pass and post-processing of one prepared picture.

    A GPU computes in float32 proper, not in TF32; the results come back to the CPU.
    """
    from mmdet.structures import DetDataSample

    sizes = {
        "batch_input_shape": frame.padded,
        "img_shape": frame.content,
        "ori_shape": original,
    }
    pixels = frame.pixels.to(next(network.parameters()).device)
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        (answer,) = network.predict(pixels, [DetDataSample(metainfo=sizes)], rescale=True)
    found = answer.pred_instances.cpu()
    return Instances(found.labels, found.scores, found.bboxes, found.masks)


def sighting(instances: Instances, classes: Sequence[str]) -> Sighting:
    """What mmdet reported with a score above 0.05, best first; classes name the labels."""
    kept = instances.scores.argsort(descending=True, stable=True)
    kept = kept[instances.scores[kept] > FLOOR]
    masks = tuple(instances.masks[kept].numpy())
    rows = zip(
        instances.labels[kept].tolist(),
        instances.scores[kept].tolist(),
        instances.boxes[kept].tolist(),
        masks,
        strict=True,
    )
    detections = tuple(
        Detection(label=classes[label], score=score, box=tuple(box), mask=_masks.encode(mask))
        for label, score, box, mask in rows
    )
    return Sighting(detections, masks)


def _configuration(architecture: Architecture) -> dict[str, Any]:
    """The arguments of mmdet's Mask2Former."""
    return {
        "backbone": {
            "type": "SwinTransformer",
            "embed_dims": architecture.swin_width,
            "depths": architecture.swin_depths,
            "num_heads": architecture.swin_heads,
            "window_size": 7,
            "mlp_ratio": 4,
            "qkv_bias": True,
            "patch_norm": True,
            "out_indices": (0, 1, 2, 3),
        },
        "panoptic_head": _head(architecture),
        "panoptic_fusion_head": {
            "type": "MaskFormerFusionHead",
            "num_things_classes": architecture.classes,
            "num_stuff_classes": 0,
        },
        "test_cfg": {
            "panoptic_on": False,
            "semantic_on": False,
            "instance_on": True,
            "max_per_image": CANDIDATES,
        },
    }


def _head(architecture: Architecture) -> dict[str, Any]:
    """Pixel decoder, transformer decoder and their predictors."""
    width = architecture.width
    position = {"num_feats": width // 2, "normalize": True}
    return {
        "type": "Mask2FormerHead",
        "in_channels": [architecture.swin_width * 2**stage for stage in range(4)],
        "strides": [4, 8, 16, 32],
        "feat_channels": width,
        "out_channels": width,
        "num_things_classes": architecture.classes,
        "num_stuff_classes": 0,
        "num_queries": architecture.queries,
        "num_transformer_feat_level": 3,
        "pixel_decoder": {
            "type": "MSDeformAttnPixelDecoder",
            "num_outs": 3,
            "encoder": _encoder(architecture),
            "positional_encoding": position,
        },
        "transformer_decoder": _decoder(architecture),
        "positional_encoding": position,
        # The constructor reads these weights, which only training uses.
        "loss_cls": {"type": "CrossEntropyLoss", "class_weight": None},
    }


def _encoder(architecture: Architecture) -> dict[str, Any]:
    """Layers of deformable attention over three scales."""
    return {
        "num_layers": architecture.encoder_layers,
        "layer_cfg": {
            "self_attn_cfg": {
                "embed_dims": architecture.width,
                "num_heads": architecture.heads,
                "num_levels": 3,
                "num_points": 4,
                "dropout": 0.0,
                "batch_first": True,
            },
            "ffn_cfg": _feedforward(architecture.width, architecture.encoder_feedforward),
        },
    }


def _decoder(architecture: Architecture) -> dict[str, Any]:
    """Layers of masked cross attention followed by self attention."""
    attention = {
        "embed_dims": architecture.width,
        "num_heads": architecture.heads,
        "batch_first": True,
    }
    return {
        "num_layers": architecture.decoder_layers,
        "return_intermediate": True,
        "layer_cfg": {
            "self_attn_cfg": attention,
            "cross_attn_cfg": attention,
            "ffn_cfg": _feedforward(architecture.width, architecture.decoder_feedforward),
        },
    }


def _feedforward(width: int, hidden: int) -> dict[str, Any]:
    """Two linear layers with a ReLU between them."""
    return {
        "embed_dims": width,
        "feedforward_channels": hidden,
        "num_fcs": 2,
        "ffn_drop": 0.0,
        "act_cfg": {"type": "ReLU", "inplace": True},
    }
