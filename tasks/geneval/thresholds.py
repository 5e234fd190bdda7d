"""The numbers in GenEval's verdict that one may turn, and what the official evaluator sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pisces_eval.errors import UserError


@dataclass(frozen=True)
class Thresholds:
    """The official options; with other values a verdict is no official GenEval verdict."""

    threshold: float = 0.3
    """Keep detections that score above it, for every tag but counting; 0 to 1."""
    counting_threshold: float = 0.9
    """The same for counting."""
    max_objects: int = 16
    """Keep at most so many of a class; at least 1."""
    max_overlap: float = 1.0
    """Drop a detection that overlaps a better one of its class so much (IoU); 1.0 drops none."""
    position_threshold: float = 0.1
    """Part of both boxes' sizes by which two centres must be apart to lie left of, above, …"""

    def of(self, tag: str) -> float:
        """The score that a detection must exceed for a prompt of this tag."""
        return self.counting_threshold if tag == "counting" else self.threshold


OFFICIAL = Thresholds()

LIMITS = {
    "threshold": (0.0, 1.0),
    "counting_threshold": (0.0, 1.0),
    "max_objects": (1.0, 1000.0),
    "max_overlap": (0.0, 1.0),
    "position_threshold": (0.0, 10.0),
}


def turn(thresholds: Thresholds, options: Mapping[str, float]) -> Thresholds:
    """The thresholds with other values. Raises UserError for an unknown name or unfit value."""
    for name, value in options.items():
        if name not in LIMITS:
            raise UserError(f"geneval has no option {name}; it has {', '.join(LIMITS)}")
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise UserError(f"geneval's {name} is {value:g}; it may be {low:g} to {high:g}")
    turned = {**asdict(thresholds), **options}
    return Thresholds(**{**turned, "max_objects": int(turned["max_objects"])})
