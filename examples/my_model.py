"""Your model in ten lines: say what it can do, what it is, and answer.

pisces-eval run --tasks mmmu --mini --model python:my_model:MyModel     (from this folder)
"""

from collections.abc import Sequence

from pisces_eval.interfaces import Ask


class MyModel:
    capabilities = frozenset({"answer"})

    def fingerprint(self) -> str:
        return "my-model, version 1: change this when its answers can change"

    def answer(self, requests: Sequence[Ask]) -> list[str]:
        return ["A" for request in requests]  # request.text, request.images, request.seed
