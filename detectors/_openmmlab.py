"""OpenMMLab's Mask2Former Swin-S, GenEval's detector, under the names that transformers uses.

Names in three dialects: mmdet 2.x (the checkpoint that GenEval downloads), mmdet 3.x (the same
training run published again) and transformers. What we write has transformers 4.x's names, which
4.x and 5.x both read; what we run has 5.x's. Checked against the parameters of mmdet 2.28.2 and
3.3.0 (Apache-2.0) and transformers 4.57 and 5.23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

CHECKPOINTS = ("743b7d99", "c9d0c4f2")
"""How the SHA-256 of GenEval's checkpoint begins: the file of mmdet 2.x and that of 3.x."""

LABELS = 80
"""COCO's classes, in COCO's order, which is GenEval's."""

Renames = tuple[tuple[str, str], ...]
"""(old beginning, new beginning) of dotted names; '*' stands for a number, kept in its place."""

NEWER_MMDET: Renames = (
    (
        "panoptic_head.pixel_decoder.encoder.layers.*.attentions.0",
        "panoptic_head.pixel_decoder.encoder.layers.*.self_attn",
    ),
    (
        "panoptic_head.pixel_decoder.encoder.layers.*.ffns.0",
        "panoptic_head.pixel_decoder.encoder.layers.*.ffn",
    ),
    (
        "panoptic_head.transformer_decoder.layers.*.attentions.0",
        "panoptic_head.transformer_decoder.layers.*.cross_attn",
    ),
    (
        "panoptic_head.transformer_decoder.layers.*.attentions.1",
        "panoptic_head.transformer_decoder.layers.*.self_attn",
    ),
    (
        "panoptic_head.transformer_decoder.layers.*.ffns.0",
        "panoptic_head.transformer_decoder.layers.*.ffn",
    ),
)
"""mmdet 2.x to 3.x."""


def _under(old: str, new: str, renames: Renames) -> Renames:
    """The renames with both sides put under a common beginning."""
    return tuple((old + before, new + after) for before, after in renames)


BACKBONE = _under(
    "backbone.",
    "model.pixel_level_module.encoder.",
    (
        ("patch_embed.projection", "embeddings.patch_embeddings.projection"),
        ("patch_embed.norm", "embeddings.norm"),
        ("norm0", "hidden_states_norms.stage1"),
        ("norm1", "hidden_states_norms.stage2"),
        ("norm2", "hidden_states_norms.stage3"),
        ("norm3", "hidden_states_norms.stage4"),
        ("stages.*.downsample", "encoder.layers.*.downsample"),
        *_under(
            "stages.*.blocks.*.",
            "encoder.layers.*.blocks.*.",
            (
                ("norm1", "layernorm_before"),
                ("norm2", "layernorm_after"),
                (
                    "attn.w_msa.relative_position_bias_table",
                    "attention.self.relative_position_bias_table",
                ),
                ("attn.w_msa.qkv", "attention.self.qkv"),
                ("attn.w_msa.proj", "attention.output.dense"),
                ("ffn.layers.0.0", "intermediate.dense"),
                ("ffn.layers.1", "output.dense"),
            ),
        ),
    ),
)

PIXEL_DECODER = _under(
    "panoptic_head.pixel_decoder.",
    "model.pixel_level_module.decoder.",
    (
        ("input_convs.*.conv", "input_projections.*.0"),
        ("input_convs.*.gn", "input_projections.*.1"),
        ("lateral_convs.0.conv", "adapter_1.0"),
        ("lateral_convs.0.gn", "adapter_1.1"),
        ("output_convs.0.conv", "layer_1.0"),
        ("output_convs.0.gn", "layer_1.1"),
        ("mask_feature", "mask_projection"),
        ("level_encoding.weight", "level_embed"),
        *_under(
            "encoder.layers.*.",
            "encoder.layers.*.",
            (
                ("self_attn", "self_attn"),
                ("norms.0", "self_attn_layer_norm"),
                ("norms.1", "final_layer_norm"),
                ("ffn.layers.0.0", "fc1"),
                ("ffn.layers.1", "fc2"),
            ),
        ),
    ),
)

TRANSFORMER_DECODER = _under(
    "panoptic_head.transformer_decoder.",
    "model.transformer_module.decoder.",
    (
        ("post_norm", "layernorm"),
        *_under(
            "layers.*.",
            "layers.*.",
            (
                ("cross_attn.attn", "cross_attn"),
                ("self_attn.attn", "self_attn"),
                ("norms.0", "cross_attn_layer_norm"),
                ("norms.1", "self_attn_layer_norm"),
                ("norms.2", "final_layer_norm"),
                ("ffn.layers.0.0", "fc1"),
                ("ffn.layers.1", "fc2"),
            ),
        ),
    ),
)

HEADS: Renames = (
    ("panoptic_head.query_embed", "model.transformer_module.queries_embedder"),
    ("panoptic_head.query_feat", "model.transformer_module.queries_features"),
    ("panoptic_head.level_embed", "model.transformer_module.level_embed"),
    ("panoptic_head.cls_embed", "class_predictor"),
    *_under(
        "panoptic_head.mask_embed.",
        "model.transformer_module.decoder.mask_predictor.mask_embedder.",
        (("0", "0.0"), ("2", "1.0"), ("4", "2.0")),
    ),
)

TO_TRANSFORMERS = BACKBONE + PIXEL_DECODER + TRANSFORMER_DECODER + HEADS
"""mmdet 3.x to transformers 4.x; fused projections still in one piece."""

NEWER_TRANSFORMERS = _under(
    "model.pixel_level_module.encoder.",
    "model.pixel_level_module.encoder.swin.",
    (
        *_under(
            "encoder.layers.*.blocks.*.",
            "encoder.layers.*.blocks.*.",
            (
                (
                    "attention.self.relative_position_bias_table",
                    "attention.relative_position_bias.relative_position_bias_table",
                ),
                ("attention.self.query", "attention.q_proj"),
                ("attention.self.key", "attention.k_proj"),
                ("attention.self.value", "attention.v_proj"),
                ("attention.output.dense", "attention.o_proj"),
                ("intermediate.dense", "mlp.fc1"),
                ("output.dense", "mlp.fc2"),
            ),
        ),
        ("encoder", "encoder"),
        ("embeddings", "embeddings"),
        ("layernorm", "layernorm"),
    ),
)
"""transformers 4.x to 5.x."""

RECOMPUTED = re.compile(r".*\.(relative_position_index|class_weight)")
"""Names of what follows from the configuration: index tables and the loss's class weights."""

BACKBONE_FUSED = re.compile(r"(.*\.attention\.self\.)qkv(\.weight|\.bias)")
DECODER_FUSED = re.compile(r"(.*\.decoder\.layers\.\d+\.self_attn\.)in_proj_(weight|bias)")
DOWNSAMPLE = re.compile(r".*\.downsample\.(norm|reduction)\.(weight|bias)")

CORNERS = (0, 2, 1, 3)
"""Where mmdet keeps the four pixels that transformers merges, (row, column) = 00, 10, 01, 11."""


def is_mmdet(names: Iterable[str]) -> bool:
    """Whether names are those of an mmdet detector, of either version."""
    return any(name.startswith(("backbone.", "panoptic_head.")) for name in names)


def from_mmdet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An mmdet network's tensors (2.x or 3.x names) under transformers 4.x's names.

    Fused query, key and value projections are cut in three, merged pixels put in transformers'
    order. A name without counterpart stays as it is, for the network's own check to find.
    """
    converted: dict[str, Tensor] = {}
    for name, tensor in to_newer_mmdet(state).items():
        converted.update(_reshaped(_renamed(name, TO_TRANSFORMERS), tensor))
    return converted


def to_newer_mmdet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An mmdet network's learned tensors (2.x or 3.x names) under 3.x's names."""
    return {
        _renamed(name, NEWER_MMDET): tensor
        for name, tensor in state.items()
        if not RECOMPUTED.fullmatch(name)
    }


def to_current(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A transformers network's tensors (4.x or 5.x names) under 5.x's names."""
    return {
        _renamed(name, NEWER_TRANSFORMERS): tensor
        for name, tensor in state.items()
        if not RECOMPUTED.fullmatch(name)
    }


def _renamed(name: str, renames: Renames) -> str:
    """The name after the first rename that fits, or as it is."""
    for old, new in renames:
        found = _pattern(old).fullmatch(name)
        if found:
            *numbers, rest = found.groups(default="")
            return new.replace("*", "{}").format(*numbers) + rest
    return name


def _pattern(old: str) -> re.Pattern[str]:
    """Matches names that begin so; groups are the numbers and what follows."""
    return re.compile(re.escape(old).replace(r"\*", r"(\d+)") + r"(\..+)?")


def _reshaped(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The tensors that one of mmdet's becomes; one of an impossible shape is left alone."""
    fused = tensor.ndim > 0 and tensor.shape[0] % 3 == 0
    merged = tensor.ndim > 0 and tensor.shape[-1] % len(CORNERS) == 0
    if fused and (found := BACKBONE_FUSED.fullmatch(name)):
        parts = ("query", "key", "value")
        for part, third in zip(parts, tensor.chunk(3), strict=True):
            yield found[1] + part + found[2], third.clone()
    elif fused and (found := DECODER_FUSED.fullmatch(name)):
        for part, third in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{found[1]}{part}_proj.{found[2]}", third.clone()
    elif merged and DOWNSAMPLE.fullmatch(name):
        channels = tensor.reshape(*tensor.shape[:-1], -1, len(CORNERS))
        yield name, channels[..., list(CORNERS)].transpose(-1, -2).flatten(-2)
    else:
        yield name, tensor


def network_config() -> Any:
    """transformers.Mask2FormerConfig of mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco."""
    from transformers import Mask2FormerConfig, SwinConfig

    backbone = SwinConfig(
        embed_dim=96,
        depths=[2, 2, 18, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        patch_size=4,
        mlp_ratio=4.0,
        qkv_bias=True,
        drop_path_rate=0.3,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    return Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=256,
        mask_feature_size=256,
        hidden_dim=256,
        encoder_layers=6,
        encoder_feedforward_dim=1024,
        decoder_layers=10,
        dim_feedforward=2048,
        num_attention_heads=8,
        dropout=0.0,
        pre_norm=False,
        enforce_input_projection=False,
        common_stride=4,
        num_queries=100,
        num_labels=LABELS,
    )
