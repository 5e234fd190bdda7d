"""A small Mask2Former of GenEval's structure, under transformers' and under mmdet's names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import Tensor

DEPTHS = (2, 1, 1, 1)
ENCODER_LAYERS = 2
DECODER_LAYERS = 2
SEED = 20220504


@pytest.fixture(scope="session")
def small_config() -> Any:
    from transformers import Mask2FormerConfig, SwinConfig

    backbone = SwinConfig(
        embed_dim=16,
        depths=list(DEPTHS),
        num_heads=[1, 2, 4, 8],
        window_size=7,
        drop_path_rate=0.3,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    return Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_layers=ENCODER_LAYERS,
        encoder_feedforward_dim=48,
        decoder_layers=DECODER_LAYERS + 1,
        dim_feedforward=64,
        num_attention_heads=4,
        num_queries=20,
        num_labels=80,
    )


@pytest.fixture(scope="session")
def small_tensors(small_config: Any) -> dict[str, Tensor]:
    """Every tensor that mmdet has too, random, by transformers 5.x's names.

    The last layers are amplified as in detector mini, so that there is something to report.
    """
    import torch
    from transformers import Mask2FormerForUniversalSegmentation

    generator = torch.Generator().manual_seed(SEED)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        state = Mask2FormerForUniversalSegmentation(small_config).state_dict()
    tensors = {
        name: tensor + 0.02 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in state.items()
        if name != "criterion.empty_weight" and ".swin.layernorm." not in name
    }
    tensors["class_predictor.weight"] *= 20
    tensors["model.pixel_level_module.decoder.mask_projection.weight"] *= 40
    return tensors


@pytest.fixture(scope="session")
def mmdet3(small_tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors as mmdet 3.x would write them."""
    backwards = Backwards(dict(small_tensors), {})
    backwards.backbone()
    backwards.pixel_decoder()
    backwards.transformer_decoder()
    backwards.heads()
    assert backwards.left == {}
    return backwards.made


@dataclass
class Backwards:
    """The key map the other way round, written from the table of names, not from our code."""

    left: dict[str, Tensor]
    """What is still to be renamed, by transformers 5.x's names."""
    made: dict[str, Tensor]
    """What is, by mmdet 3.x's names."""

    def move(self, new: str, old: str, suffixes: tuple[str, ...] = (".weight", ".bias")) -> None:
        for suffix in suffixes:
            self.made[old + suffix] = self.left.pop(new + suffix)

    def fuse(self, new: str, old: str) -> None:
        import torch

        for kind in ("weight", "bias"):
            parts = [self.left.pop(f"{new}{part}_proj.{kind}") for part in "qkv"]
            self.made[old + kind] = torch.cat(parts)

    def scatter(self, new: str, old: str) -> None:
        """From channels within corners to corners within channels, one by one."""
        import torch

        merged = self.left.pop(new)
        channels = merged.shape[-1] // 4
        self.made[old] = torch.empty_like(merged)
        for block, (row, column) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
            for channel in range(channels):
                place = channel * 4 + row * 2 + column
                self.made[old][..., place] = merged[..., block * channels + channel]

    def backbone(self) -> None:
        encoder = "model.pixel_level_module.encoder."
        embeddings = f"{encoder}swin.embeddings."
        self.move(f"{embeddings}patch_embeddings.projection", "backbone.patch_embed.projection")
        self.move(f"{embeddings}norm", "backbone.patch_embed.norm")
        for stage, depth in enumerate(DEPTHS):
            new, old = f"{encoder}swin.encoder.layers.{stage}.", f"backbone.stages.{stage}."
            self.move(f"{encoder}hidden_states_norms.stage{stage + 1}", f"backbone.norm{stage}")
            for block in range(depth):
                self.block(f"{new}blocks.{block}.", f"{old}blocks.{block}.")
            if stage < len(DEPTHS) - 1:
                for part in ("norm.weight", "norm.bias", "reduction.weight"):
                    self.scatter(f"{new}downsample.{part}", f"{old}downsample.{part}")

    def block(self, new: str, old: str) -> None:
        import torch

        self.move(f"{new}layernorm_before", f"{old}norm1")
        self.move(f"{new}layernorm_after", f"{old}norm2")
        self.move(f"{new}attention.o_proj", f"{old}attn.w_msa.proj")
        self.move(f"{new}mlp.fc1", f"{old}ffn.layers.0.0")
        self.move(f"{new}mlp.fc2", f"{old}ffn.layers.1")
        self.fuse(f"{new}attention.", f"{old}attn.w_msa.qkv.")
        table = ("relative_position_bias_table",)
        self.move(f"{new}attention.relative_position_bias.", f"{old}attn.w_msa.", table)
        self.made[f"{old}attn.w_msa.relative_position_index"] = torch.zeros(49, 49).long()

    def pixel_decoder(self) -> None:
        new, old = "model.pixel_level_module.decoder.", "panoptic_head.pixel_decoder."
        for level in range(3):
            self.move(f"{new}input_projections.{level}.0", f"{old}input_convs.{level}.conv")
            self.move(f"{new}input_projections.{level}.1", f"{old}input_convs.{level}.gn")
        self.move(f"{new}adapter_1.0", f"{old}lateral_convs.0.conv", (".weight",))
        self.move(f"{new}adapter_1.1", f"{old}lateral_convs.0.gn")
        self.move(f"{new}layer_1.0", f"{old}output_convs.0.conv", (".weight",))
        self.move(f"{new}layer_1.1", f"{old}output_convs.0.gn")
        self.move(f"{new}mask_projection", f"{old}mask_feature")
        self.made[f"{old}level_encoding.weight"] = self.left.pop(f"{new}level_embed")
        for layer in range(ENCODER_LAYERS):
            inner, outer = f"{new}encoder.layers.{layer}.", f"{old}encoder.layers.{layer}."
            for part in ("sampling_offsets", "attention_weights", "value_proj", "output_proj"):
                self.move(f"{inner}self_attn.{part}", f"{outer}self_attn.{part}")
            self.move(f"{inner}self_attn_layer_norm", f"{outer}norms.0")
            self.move(f"{inner}final_layer_norm", f"{outer}norms.1")
            self.move(f"{inner}fc1", f"{outer}ffn.layers.0.0")
            self.move(f"{inner}fc2", f"{outer}ffn.layers.1")

    def transformer_decoder(self) -> None:
        new = "model.transformer_module.decoder."
        old = "panoptic_head.transformer_decoder."
        self.move(f"{new}layernorm", f"{old}post_norm")
        for layer in range(DECODER_LAYERS):
            inner, outer = f"{new}layers.{layer}.", f"{old}layers.{layer}."
            fused = ("_weight", "_bias")
            self.move(f"{inner}cross_attn.in_proj", f"{outer}cross_attn.attn.in_proj", fused)
            self.move(f"{inner}cross_attn.out_proj", f"{outer}cross_attn.attn.out_proj")
            self.fuse(f"{inner}self_attn.", f"{outer}self_attn.attn.in_proj_")
            self.move(f"{inner}self_attn.out_proj", f"{outer}self_attn.attn.out_proj")
            self.move(f"{inner}cross_attn_layer_norm", f"{outer}norms.0")
            self.move(f"{inner}self_attn_layer_norm", f"{outer}norms.1")
            self.move(f"{inner}final_layer_norm", f"{outer}norms.2")
            self.move(f"{inner}fc1", f"{outer}ffn.layers.0.0")
            self.move(f"{inner}fc2", f"{outer}ffn.layers.1")

    def heads(self) -> None:
        new = "model.transformer_module."
        self.move(f"{new}queries_embedder", "panoptic_head.query_embed", (".weight",))
        self.move(f"{new}queries_features", "panoptic_head.query_feat", (".weight",))
        self.move(f"{new}level_embed", "panoptic_head.level_embed", (".weight",))
        self.move("class_predictor", "panoptic_head.cls_embed")
        embedder = f"{new}decoder.mask_predictor.mask_embedder."
        for number in range(3):
            self.move(f"{embedder}{number}.0", f"panoptic_head.mask_embed.{2 * number}")


@pytest.fixture(scope="session")
def older_name() -> Any:
    """What mmdet 2.x calls a tensor of mmdet 3.x."""

    def older(name: str) -> str:
        head, _, tail = name.partition("_decoder.")
        tail = re.sub(r"\.ffn\.", ".ffns.0.", tail)
        tail = re.sub(r"\.cross_attn\.", ".attentions.0.", tail)
        number = 0 if head.endswith("pixel") else 1
        tail = re.sub(r"\.self_attn\.", f".attentions.{number}.", tail)
        return f"{head}_decoder.{tail}" if tail else name

    return older


@pytest.fixture(scope="session")
def mmdet2(mmdet3: dict[str, Tensor], older_name: Any) -> dict[str, Tensor]:
    """The same tensors as mmdet 2.x would write them, which is how GenEval's file is."""
    return {older_name(name): tensor for name, tensor in mmdet3.items()}
