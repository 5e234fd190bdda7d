"""Answers and draws from the seed alone; can be told to fail: toy:fail-on=dots-2,stop-after=3."""

import random

from PIL import Image

from pisces_eval.interfaces import Plugin


class ToyModel:
    capabilities = frozenset({"answer", "draw"})
    notes = ("toy model",)

    def __init__(self, argument):
        self.settings = dict(part.split("=") for part in argument.split(",") if part)
        self.calls = []

    def fingerprint(self):
        return "toy"

    def answer(self, requests):
        return [self._serve(r, lambda rng: f"{rng.randint(1, 6)}") for r in requests]

    def draw(self, requests):
        return [self._serve(r, self._paint) for r in requests]

    def _paint(self, rng):
        return Image.new("RGB", (8, 8), rng.choice(["red", "blue"]))

    def _serve(self, request, make):
        if request.id == self.settings.get("fail-on") or self.settings.get("fail-on") == "all":
            raise RuntimeError("no\nluck")
        self.calls.append(request.id)
        if len(self.calls) > int(self.settings.get("stop-after", 10**9)):
            raise KeyboardInterrupt
        return make(random.Random(request.seed))


MODEL = Plugin(name="toy", usage="toy", summary="a toy", load=ToyModel)
