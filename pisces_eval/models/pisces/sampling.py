"""How Pisces answers and draws: one autoregressive loop over tokens, one over visual vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from transformers.cache_utils import Cache

from pisces_eval.errors import ModelError
from pisces_eval.models.pisces import tokenizer
from pisces_eval.models.pisces.decoder import guided
from pisces_eval.models.pisces.network import Pisces
from pisces_eval.models.pisces.pixels import to_image, to_pixels


class Context:
    """A sequence that grows: keys and values of what was read stay in the cache."""

    def __init__(self, network: Pisces) -> None:
        self._network = network
        self._cache: Cache | None = None
        self._length = 0

    def extend(self, embeddings: Tensor) -> Tensor:
        """Read (1, N, D) more and return the last hidden state, (1, 1, D).

        Raises ModelError if the sequence grows beyond the language model's positions.
        """
        self._length += embeddings.shape[1]
        most = self._network.config.language.max_positions
        if self._length > most:
            raise ModelError(f"the request needs {self._length} positions; the model has {most}")
        hidden, self._cache = self._network.read(embeddings, self._cache)
        return hidden[:, -1:]


def answer(
    network: Pisces,
    text: str,
    images: Sequence[Image.Image],
    *,
    max_new_tokens: int,
    stop: Sequence[str],
    temperature: float,
    generator: torch.Generator,
) -> str:
    """The answer to a text about images, without the stop string that ended it.

    Temperature 0 takes the likeliest token; above, one is drawn with the generator.
    Raises ModelError if the request is too long or a logit is not finite.
    """
    context = Context(network)
    embeddings = _question(network, text, images)
    stops = [word.encode() for word in stop]
    written = bytearray()
    for _ in range(max_new_tokens):
        logits = network.text_head(context.extend(embeddings))[0, 0]
        token = _choose(logits, temperature, generator)
        if token == tokenizer.EOS:
            break
        written.append(token)
        ends = [end for word in stops if (end := written.find(word)) >= 0]
        if ends:
            del written[min(ends) :]
            break
        embeddings = network.embed([token])
    return tokenizer.decode(bytes(written))


def draw(network: Pisces, prompt: str, generator: torch.Generator) -> Image.Image:
    """A drawing of the prompt: S x S RGB, its noise from the generator.

    Raises ModelError if the prompt is too long or a pixel is not finite.
    """
    vectors = imagine(network, prompt)
    noise = torch.randn(network.decoder.noise_shape, generator=generator)
    return to_image(network.decoder.draw(vectors, noise))


def imagine(network: Pisces, prompt: str) -> Tensor:
    """The visual vectors (1, generation_tokens, V) that follow a prompt, each fed back in turn.

    With text guidance, a second sequence without the prompt reads the same vectors.
    """
    scale = network.config.text_guidance
    prompts = [prompt] if scale == 1 else [prompt, ""]
    contexts = [Context(network) for _ in prompts]
    embeddings = [network.embed(tokenizer.drawing(words)) for words in prompts]
    vectors: list[Tensor] = []
    for _ in range(network.config.generation_tokens):
        predictions: list[Tensor] = [
            network.vector_head(context.extend(more))
            for context, more in zip(contexts, embeddings, strict=True)
        ]
        vector = predictions[0] if scale == 1 else guided(predictions[0], predictions[1], scale)
        vectors.append(vector)
        embeddings = [network.generation_projector(vector)] * len(contexts)
    return torch.cat(vectors, dim=1)


def _question(network: Pisces, text: str, images: Sequence[Image.Image]) -> Tensor:
    """Embeddings (1, N, D) of a question, each IMG replaced by what is seen of its image."""
    side = network.config.understanding.image_size
    seen = [network.see(to_pixels(image, side)) for image in images]
    embedded = network.embed(tokenizer.question(text, len(images)))
    return torch.cat([embedded[:, :1], *seen, embedded[:, 1 + len(images) :]], dim=1)


def _choose(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    """The next token of a text: a byte or EOS, never another special token."""
    allowed = logits[: tokenizer.EOS + 1]
    if not bool(torch.isfinite(allowed).all()):
        raise ModelError("the text head made logits that are not finite: check the weights")
    if temperature == 0:
        return int(allowed.argmax())
    chances = torch.softmax(allowed / temperature, dim=0)
    return int(torch.multinomial(chances, 1, generator=generator))
