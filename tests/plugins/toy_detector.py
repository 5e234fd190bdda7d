"""Sees one thing that fills the picture, red if its first pixel is more red than blue."""

from pisces_eval.interfaces import Plugin
from pisces_eval.records import Detection


class ToyDetector:
    notes = ("toy detector",)
    comparable = False

    def fingerprint(self):
        return "toy"

    def detect(self, looks, vocabulary):
        return [(self._see(look),) for look in looks]

    def _see(self, look):
        red, _, blue = look.image.getpixel((0, 0))
        return Detection(
            label="thing",
            score=0.9,
            box=(0.0, 0.0, *map(float, look.image.size)),
            colors=(float(red), float(blue)),
        )


DETECTOR = Plugin(
    name="toy", usage="toy", summary="sees a thing", load=lambda argument: ToyDetector()
)
