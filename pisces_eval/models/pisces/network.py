"""The Pisces network: two image encoders around one language model (arXiv 2506.10395).

    image ─ understanding encoder ─ projector ─┐               ┌─ text head ─ next token
                                     tokens ───┤ Llama backbone │
    image ─ generation encoder ─ a×a pooling ─ projector ─┘    └─ vector head ─ next visual vector
                                                                                └─ decoder ─ pixels

The two image paths share nothing: looking never runs the generation path, drawing never the
understanding path. The generation encoder makes the vectors that training regresses to; a drawing's
vectors come from the vector head instead.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaModel, SiglipVisionConfig, SiglipVisionModel
from transformers.cache_utils import Cache

from pisces_eval.models.pisces.config import LanguageConfig, PiscesConfig, TowerConfig
from pisces_eval.models.pisces.decoder import FlowDecoder
from pisces_eval.models.pisces.tokenizer import BOS, EOS, PAD, VOCABULARY_SIZE


class Pisces(nn.Module):
    """All weights of one model. D is the language model's width, V a visual vector's."""

    def __init__(self, config: PiscesConfig) -> None:
        super().__init__()
        self.config = config
        width, vector_size = config.language.hidden_size, config.generation.hidden_size
        self.understanding_encoder = _tower(config.understanding)
        self.understanding_projector = _projector(config.understanding.hidden_size, width)
        self.generation_encoder = _tower(config.generation)
        self.generation_projector = _projector(vector_size, width)
        self.language = _language(config.language)
        self.text_head = nn.Linear(width, VOCABULARY_SIZE, bias=False)
        self.vector_head = _projector(width, vector_size)
        self.decoder = FlowDecoder(config.decoder, config.generation_tokens, vector_size)

    def see(self, pixels: Tensor) -> Tensor:
        """What the language model sees of (B, 3, S, S) images: (B, patches, D), unpooled."""
        features = self.understanding_encoder(pixel_values=pixels).last_hidden_state
        seen: Tensor = self.understanding_projector(features)
        return seen

    def visual_vectors(self, pixels: Tensor) -> Tensor:
        """The vectors that describe (B, 3, S, S) images for drawing: (B, generation_tokens, V).

        The generation encoder's patches, averaged over squares of pool_stride, row by row.
        """
        features = self.generation_encoder(pixel_values=pixels).last_hidden_state
        grid = self.config.generation.grid
        plane = features.transpose(1, 2).unflatten(2, (grid, grid))
        pooled = functional.avg_pool2d(plane, self.config.pool_stride)
        return pooled.flatten(2).transpose(1, 2)

    def embed(self, tokens: list[int]) -> Tensor:
        """Token ids as (1, N, D)."""
        embedded: Tensor = self.language.embed_tokens(torch.tensor([tokens]))
        return embedded

    def read(self, embeddings: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        """Hidden states (B, N, D) of embeddings (B, N, D) that follow what the cache holds."""
        output = self.language(inputs_embeds=embeddings, past_key_values=cache, use_cache=True)
        return output.last_hidden_state, output.past_key_values

    def tensors(self) -> dict[str, Tensor]:
        """Every weight by name, names sorted.

        Releases of transformers differ in whether a SigLIP tower nests its parts in one called
        vision_model; that level is left out, so that checkpoints serve them all.
        """
        named = {name.replace(".vision_model.", "."): t for name, t in self.state_dict().items()}
        return dict(sorted(named.items()))


def build(config: PiscesConfig) -> Pisces:
    """A network for inference whose weights are yet to be filled in; no random state is touched."""
    with torch.random.fork_rng(devices=[]):  # torch and transformers initialise from the global one
        return Pisces(config).eval().requires_grad_(False)


def fill_randomly(network: Pisces, seed: int) -> Pisces:
    """Deterministic random weights: matrices uniform with variance 1 / fan-in, norms 1, biases 0.

    Uniform values are scaled integers, so the same seed gives the same bits on every machine.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.tensors().items():
        if tensor.ndim > 1:
            bound = (3 * tensor.shape[0] / tensor.numel()) ** 0.5
            random = torch.rand(tensor.shape, generator=generator)
            tensor.copy_((random - 0.5) * (2 * bound))
        else:
            tensor.fill_(0.0 if name.endswith("bias") else 1.0)
    return network


def _tower(config: TowerConfig) -> SiglipVisionModel:
    return SiglipVisionModel(
        SiglipVisionConfig(
            image_size=config.image_size,
            patch_size=config.patch_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            vision_use_head=False,  # its pooled vector has no reader here
        )
    )


def _language(config: LanguageConfig) -> LlamaModel:
    return LlamaModel(
        LlamaConfig(
            vocab_size=VOCABULARY_SIZE,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.key_value_heads,
            max_position_embeddings=config.max_positions,
            rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
            bos_token_id=BOS,
            eos_token_id=EOS,
            pad_token_id=PAD,
        )
    )


def _projector(inputs: int, outputs: int) -> nn.Sequential:
    """Two layers with a GELU between; the paper says MLP, its depth is open."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.GELU(), nn.Linear(outputs, outputs))
