"""GenEval's verdict on one image: a pure function of its detections and its prompt.

Source: the evaluator of djghosh13/geneval @af4902f and arXiv 2310.11513. Verdicts, reasons and
details are the official ones, but for two things that the official program leaves to chance: equal
scores put the later detection first, and two relations are named left/right before above/below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pisces_eval.errors import TaskError
from pisces_eval.records import Detection
from pisces_eval.scoring.color_margin import undecided
from pisces_eval.tasks.geneval.boxes import Boxes, relations, select, to_float32
from pisces_eval.tasks.geneval.prompts import Clause, Prompt
from pisces_eval.tasks.geneval.thresholds import OFFICIAL, Thresholds
from pisces_eval.tasks.geneval.vocabulary import CLASSES, COLORS


@dataclass(frozen=True)
class Verdict:
    """What GenEval says of one image."""

    correct: bool
    reason: str
    """One line for each clause that failed, in the official words; empty if none did."""
    details: Mapping[str, list[list[float]]]
    """Class to its kept [x1, y1, x2, y2, score], best first; classes in vocabulary order."""
    surplus: tuple[str, ...] = ()
    """One line for each class of which more was seen than the prompt names; no fault officially."""
    undecided: tuple[str, ...] = ()
    """Classes of objects whose colour was asked for and hangs by a hair."""


@dataclass(frozen=True)
class Found:
    """A detection that counts, with its score as float32."""

    score: float
    detection: Detection

    @property
    def box(self) -> Boxes:
        """[x1, y1, x2, y2] as float32."""
        return np.array(self.detection.box, dtype=np.float32)

    @property
    def official(self) -> list[float]:
        """[x1, y1, x2, y2, score], each a float32."""
        return [*map(to_float32, self.detection.box), self.score]


CLASS_NUMBER = {name: number for number, name in enumerate(CLASSES)}
CLASS_SET = frozenset(CLASSES)

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
    return Verdict(
        correct=not reason,
        reason=reason,
        details={name: [one.official for one in objects] for name, objects in found.items()},
        surplus=tuple(_more_than_named(prompt, found)),
        undecided=tuple(_undecided(prompt, found)),
    )


def keep(
    detections: Sequence[Detection], threshold: float, thresholds: Thresholds
) -> dict[str, list[Found]]:
    """The detections that count, by class in vocabulary order, best first.

    threshold is the score to exceed; of thresholds only the caps apply. Raises TaskError for a
    label outside the vocabulary.
    """
    if strangers := {detection.label for detection in detections} - CLASS_SET:
        raise TaskError(
            f"recorded detections name {min(strangers)!r}, which is no GenEval class; "
            "detector classes must be renamed by index to GenEval's 80 names"
        )
    # In float32 on both sides: a score of float32(0.3) is not above 0.3.
    floor = to_float32(threshold)
    by_class: defaultdict[str, list[Found]] = defaultdict(list)
    for detection in detections:
        score = to_float32(detection.score)
        if score > floor:
            by_class[detection.label].append(Found(score, detection))
    return {
        name: _best(by_class[name], thresholds)
        for name in sorted(by_class, key=CLASS_NUMBER.__getitem__)
    }


def _best(candidates: Sequence[Found], thresholds: Thresholds) -> list[Found]:
    scores = [one.score for one in candidates]
    boxes = [one.detection.box for one in candidates]
    kept = select(scores, boxes, thresholds.max_objects, thresholds.max_overlap)
    return [candidates[index] for index in kept]


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


def _more_than_named(prompt: Prompt, found: Mapping[str, list[Found]]) -> Iterator[str]:
    for clause in prompt.include:
        count = len(found.get(clause.name, []))
        if count > clause.count:
            yield f"expected {clause.name}<{clause.count + 1}, found {count}"


def _undecided(prompt: Prompt, found: Mapping[str, list[Found]]) -> Iterator[str]:
    for clause in prompt.include:
        asked = found.get(clause.name, [])[: clause.count] if clause.color else []
        if any(undecided(one.detection.colors or ()) for one in asked):
            yield clause.name


def _surplus(clause: Clause, count: int) -> str:
    if count < clause.count:
        return ""
    return f"expected {clause.name}<{clause.count}, found {count}"
