"""A small CLIP by seed, in OpenAI's names and in transformers', and pictures to show it.

The numbers come from NumPy's RandomState, whose streams never change, so that recorder and replay
make the same network and the same pictures anywhere, and no file of either has to be kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pisces_eval.interfaces import Look, Vocabulary
from pisces_eval.records import Detection

SEED = 29
VOCABULARY_SIZE = 49408
CONTEXT = 77
WIDTH = 128
HEADS = 2
LAYERS = 2
SHARED = 48
PATCH = 32
SIDE = 224

VOCABULARY = Vocabulary(
    classes=("car", "traffic light", "hot dog", "tennis racket", "computer keyboard"),
    colors=(
        "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white",
    ),
)  # fmt: skip


def tensors() -> dict[str, np.ndarray]:
    """The network's float32 weights under OpenAI's names."""
    draw = np.random.RandomState(SEED)

    def around(centre: float, spread: float, *shape: int) -> np.ndarray:
        return np.float32(centre + spread * draw.standard_normal(shape))

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": around(1, 0.1, WIDTH), f"{name}.bias": around(0, 0.1, WIDTH)}

    def linear(name: str, out: int, into: int) -> dict[str, np.ndarray]:
        return {
            f"{name}weight": around(0, 1.5 * into**-0.5, out, into),
            f"{name}bias": around(0, 0.1, out),
        }

    def tower(name: str) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for layer in range(LAYERS):
            block = f"{name}.resblocks.{layer}"
            made |= norm(f"{block}.ln_1") | norm(f"{block}.ln_2")
            made |= linear(f"{block}.attn.in_proj_", 3 * WIDTH, WIDTH)
            made |= linear(f"{block}.attn.out_proj.", WIDTH, WIDTH)
            made |= linear(f"{block}.mlp.c_fc.", 4 * WIDTH, WIDTH)
            made |= linear(f"{block}.mlp.c_proj.", WIDTH, 4 * WIDTH)
        return made

    made = {
        "logit_scale": np.array(4.6052, np.float32),
        "token_embedding.weight": around(0, 1, VOCABULARY_SIZE, WIDTH),
        "positional_embedding": around(0, 0.5, CONTEXT, WIDTH),
        "text_projection": around(0, WIDTH**-0.5, WIDTH, SHARED),
        "visual.class_embedding": around(0, 1, WIDTH),
        "visual.positional_embedding": around(0, 0.5, (SIDE // PATCH) ** 2 + 1, WIDTH),
        "visual.conv1.weight": around(0, 0.03, WIDTH, 3, PATCH, PATCH),
        "visual.proj": around(0, WIDTH**-0.5, WIDTH, SHARED),
    }
    made |= norm("ln_final") | norm("visual.ln_pre") | norm("visual.ln_post")
    return made | tower("transformer") | tower("visual.transformer")


def in_transformers(made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same weights under transformers' names."""
    renamed = {
        "logit_scale": made["logit_scale"],
        "text_model.embeddings.token_embedding.weight": made["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": made["positional_embedding"],
        "text_projection.weight": made["text_projection"].T,
        "vision_model.embeddings.class_embedding": made["visual.class_embedding"],
        "vision_model.embeddings.position_embedding.weight": made["visual.positional_embedding"],
        "vision_model.embeddings.patch_embedding.weight": made["visual.conv1.weight"],
        "visual_projection.weight": made["visual.proj"].T,
    }
    for end in ("weight", "bias"):
        renamed[f"text_model.final_layer_norm.{end}"] = made[f"ln_final.{end}"]
        renamed[f"vision_model.pre_layrnorm.{end}"] = made[f"visual.ln_pre.{end}"]
        renamed[f"vision_model.post_layernorm.{end}"] = made[f"visual.ln_post.{end}"]
        for ours, theirs in (("transformer", "text"), ("visual.transformer", "vision")):
            for layer in range(LAYERS):
                old = f"{ours}.resblocks.{layer}"
                new = f"{theirs}_model.encoder.layers.{layer}"
                renamed[f"{new}.layer_norm1.{end}"] = made[f"{old}.ln_1.{end}"]
                renamed[f"{new}.layer_norm2.{end}"] = made[f"{old}.ln_2.{end}"]
                renamed[f"{new}.mlp.fc1.{end}"] = made[f"{old}.mlp.c_fc.{end}"]
                renamed[f"{new}.mlp.fc2.{end}"] = made[f"{old}.mlp.c_proj.{end}"]
                renamed[f"{new}.self_attn.out_proj.{end}"] = made[f"{old}.attn.out_proj.{end}"]
                parts = np.split(made[f"{old}.attn.in_proj_{end}"], 3)
                for letter, part in zip("qkv", parts, strict=True):
                    renamed[f"{new}.self_attn.{letter}_proj.{end}"] = part
    return {name: np.array(array, order="C") for name, array in renamed.items()}


def write_openai_file(path: Path) -> None:
    """The network as a plain state dict."""
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in tensors().items()}, path)


def write_transformers_folder(
    folder: Path, merges: list[str], codes: dict[str, int], activation: str = "quick_gelu"
) -> None:
    """The network as transformers keeps it; merges and codes are the tokeniser's."""
    from safetensors.numpy import save_file

    layers = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "hidden_act": activation,
    }
    text = {
        "vocab_size": VOCABULARY_SIZE,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": VOCABULARY_SIZE - 2,
        "eos_token_id": VOCABULARY_SIZE - 1,
        "pad_token_id": 1,
    }
    config: dict[str, Any] = {
        "model_type": "clip",
        "projection_dim": SHARED,
        "text_config": {**layers, **text},
        "vision_config": {**layers, "image_size": SIDE, "patch_size": PATCH},
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.json").write_text(json.dumps(codes))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    save_file(in_transformers(tensors()), folder / "model.safetensors", {"format": "pt"})


def pictures() -> tuple[list[Look], list[tuple[Detection, ...]], list[list[np.ndarray]]]:
    """Three pictures, each with an object of every class: coloured noise under elliptic masks."""
    draw = np.random.RandomState(SEED + 1)
    looks, detections, masks = [], [], []
    for number, (width, height) in enumerate(((160, 120), (97, 203), (256, 256))):
        tints = draw.randint(0, 256, (4, 4, 3)).astype(np.uint8)
        image = Image.fromarray(tints).resize((width, height), Image.Resampling.NEAREST)
        found, shapes = [], []
        for name in VOCABULARY.classes:
            left, right = np.sort(draw.choice(width + 1, 2, replace=False)).tolist()
            top, bottom = np.sort(draw.choice(height + 1, 2, replace=False)).tolist()
            shapes.append(_ellipse((height, width), (left, top, right, bottom)))
            found.append(Detection(label=name, score=0.5, box=(left, top, right, bottom)))
        looks.append(Look(id=str(number), image=image, color_classes=frozenset(VOCABULARY.classes)))
        detections.append(tuple(found))
        masks.append(shapes)
    return looks, detections, masks


def _ellipse(size: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    """The ellipse that fills a box, in whole-number arithmetic."""
    left, top, right, bottom = box
    rows, columns = np.indices(size, dtype=np.int64)
    wide, high = right - left, bottom - top
    across = (2 * columns + 1 - left - right) * high
    down = (2 * rows + 1 - top - bottom) * wide
    return across**2 + down**2 <= (wide * high) ** 2
