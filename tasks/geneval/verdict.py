"""GenEval's verdict on one image: a pure function of its detections and its prompt.

Source: the evaluator of djghosh13/geneval @af4902f and arXiv 2310.11513. Verdicts, reasons and
details are the official ones, but for two things that the official program leaves to chance: equal
scores put the later detection first, and two relations are named left/right before above/below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pisces_eval.errors import TaskError
from pisces_eval.records import Detection
from pisces_eval.tasks.geneval.boxes import Boxes, relations, select
from pisces_eval.tasks.geneval.prompts import Clause, Prompt
from pisces_eval.tasks.geneval.vocabulary import CLASSES, COLORS


@dataclass(frozen=True)
class Thresholds:
    """The official options; with other values a verdict is no official GenEval verdict."""

    threshold: float = 0.3
    """Keep detections that score above it, for every tag but counting."""
    counting_threshold: float = 0.9
    """The same for counting."""
    max_objects: int = 16
    """Keep at most so many of a class."""
    max_overlap: float = 1.0
    """Drop a detection that overlaps a better one of its class so much (IoU); 1.0 drops none."""
    position_threshold: float = 0.1
    """Part of both boxes' sizes by which two centres must be apart to lie left of, above, …"""

    def of(self, tag: str) -> float:
        """The score that a detection must exceed for a prompt of this tag."""
        return self.counting_threshold if tag == "counting" else self.threshold


@dataclass(frozen=True)
class Verdict:
    """What GenEval says of one image."""

    correct: bool
    reason: str
    """One line for each clause that failed, in the official words; empty if none did."""
    details: Mapping[str, list[list[float]]]
    """Class to its kept [x1, y1, x2, y2, score], best first; classes in vocabulary order."""


@dataclass(frozen=True)
class Found:
    """A detection that counts, with its [x1, y1, x2, y2, score] as float32."""

    box: Boxes
    detection: Detection


OFFICIAL = Thresholds()

Group = list[Found] | None
"""The objects that met a clause; None if it failed."""


def judge(
    prompt: Prompt, detections: Sequence[Detection], thresholds: Thresholds = OFFICIAL
) -> Verdict:
    """Judge an image by what a detector saw in it, in the detector's order.

    Raises TaskError if a detection is of no GenEval class, or lacks the colour logits that the
    verdict needs.
    """
    found = keep(detections, thresholds.of(prompt.tag), thresholds)
    faults: list[str] = []
    groups: list[Group] = []
    for clause in prompt.include:
        objects = found.get(clause.name, [])[: clause.count]
        fault = _fault(clause, objects, groups, thresholds.position_threshold)
        groups.append(None if fault else objects)
        faults.append(fault)
    faults += [_surplus(clause, len(found.get(clause.name, []))) for clause in prompt.exclude]
    reason = "\n".join(fault for fault in faults if fault)
    details = {name: [one.box.tolist() for one in objects] for name, objects in found.items()}
    return Verdict(correct=not reason, reason=reason, details=details)


def keep(
    detections: Sequence[Detection], threshold: float, thresholds: Thresholds
) -> dict[str, list[Found]]:
    """The detections that count, by class in vocabulary order, best first.

    threshold is the score to exceed; of thresholds only the caps apply. Raises TaskError for a
    label outside the vocabulary.
    """
    by_class: defaultdict[str, list[Detection]] = defaultdict(list)
    for detection in detections:
        by_class[detection.label].append(detection)
    if strangers := by_class.keys() - set(CLASSES):
        raise TaskError(
            f"recorded detections name {min(strangers)!r}, which is no GenEval class; "
            "detector classes must be renamed by index to GenEval's 80 names"
        )
    found: dict[str, list[Found]] = {}
    for name in CLASSES:
        if candidates := by_class.get(name):
            boxes = np.array([(*one.box, one.score) for one in candidates], dtype=np.float32)
            kept = select(boxes, threshold, thresholds.max_objects, thresholds.max_overlap)
            if kept:
                found[name] = [Found(boxes[index], candidates[index]) for index in kept]
    return found


def _fault(clause: Clause, objects: list[Found], groups: Sequence[Group], slack: float) -> str:
    """Why the best objects of its class do not meet an include clause; empty if they do."""
    if len(objects) < clause.count:
        return f"expected {clause.name}>={clause.count}, found {len(objects)}"
    if clause.color is not None and (fault := _wrong_color(clause, clause.color, objects)):
        return fault
    if clause.position is None:
        return ""
    relation, target = clause.position
    return _wrong_place(clause.name, relation, objects, groups[target], slack)


def _wrong_color(clause: Clause, color: str, objects: Sequence[Found]) -> str:
    seen = [_color(one.detection) for one in objects]
    if seen.count(color) >= clause.count:
        return ""
    tally = ", ".join(f"{seen.count(each)} {each}" for each in COLORS if each in seen)
    return (
        f"expected {color} {clause.name}>={clause.count}, "
        f"found {seen.count(color)} {color}; and {tally}"
    )


def _color(detection: Detection) -> str:
    """The colour with the highest logit; of equal ones the earlier in the vocabulary."""
    logits = detection.colors
    if logits is None or len(logits) != len(COLORS):
        count = 0 if logits is None else len(logits)
        raise TaskError(
            f"recorded detections of {detection.label!r} have no colours for this prompt "
            f"({count} logits, {len(COLORS)} needed); run the detector again with its colour "
            "classifier on"
        )
    return COLORS[max(range(len(COLORS)), key=logits.__getitem__)]


def _wrong_place(
    name: str, relation: str, objects: Sequence[Found], targets: Group, slack: float
) -> str:
    if targets is None:
        return f"no target for {name} to be {relation}"
    for one in objects:
        for target in targets:
            true = relations(one.box, target.box, slack)
            if relation not in true:
                return f"expected {name} {relation} target, found {' and '.join(true)} target"
    return ""


def _surplus(clause: Clause, count: int) -> str:
    if count < clause.count:
        return ""
    return f"expected {clause.name}<{clause.count}, found {count}"
