"""Pisces as a model under test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec
import torch
from PIL.Image import Image

from pisces_eval.data.images import decode
from pisces_eval.interfaces import Ask, Draw
from pisces_eval.models.pisces import sampling
from pisces_eval.models.pisces.network import Pisces

ADAPTER_VERSION = 1
"""Raised when the same weights would answer or draw otherwise."""


class PiscesModel:
    """Answers and draws on the CPU in float32, one request at a time.

    Matrix kernels sum in another order for another batch shape, so a batch of requests is never
    one batch of tensors: that keeps every result independent of its neighbours, bit for bit.
    """

    capabilities = frozenset({"answer", "draw"})

    def __init__(self, network: Pisces, notes: tuple[str, ...] = ()) -> None:
        self.notes = notes
        self._network = network

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the adapter's version, the configuration and every weight."""
        return self._fingerprint

    def answer(self, requests: Sequence[Ask]) -> list[str]:
        """One text per request. Raises TaskError for a damaged image, ModelError."""
        return [self._answer(request) for request in requests]

    def draw(self, requests: Sequence[Draw]) -> list[Image]:
        """One square RGB image per request. Raises ModelError."""
        return [self._draw(request) for request in requests]

    @torch.inference_mode()
    def _answer(self, request: Ask) -> str:
        cap = self._network.config.max_text_tokens
        allowed = request.max_new_tokens
        return sampling.answer(
            self._network,
            request.text,
            [decode(picture) for picture in request.images],
            max_new_tokens=allowed if cap is None else min(allowed, cap),
            stop=request.stop,
            temperature=request.temperature,
            generator=_generator(request.seed),
        )

    @torch.inference_mode()
    def _draw(self, request: Draw) -> Image:
        return sampling.draw(self._network, request.prompt, _generator(request.seed))

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(f"pisces adapter {ADAPTER_VERSION}\n".encode())
        digest.update(msgspec.json.encode(self._network.config, order="sorted"))
        for name, tensor in self._network.tensors().items():
            digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


def _generator(seed: int) -> torch.Generator:
    """A stream of its own for one request; the global one is never touched."""
    return torch.Generator().manual_seed(seed % 2**64)
