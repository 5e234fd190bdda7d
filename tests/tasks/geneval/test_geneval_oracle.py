"""The verdict agrees with a second one, written from the rules alone in exact arithmetic.

The oracle has no arrays and no rounding but that of scores: it extracts maxima one by one, counts
overlapping pixels in sets and compares squares of fractions. Boxes lie on a coarse grid, on which
float32 cannot round a comparison to the other side.
"""

import struct
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from pisces_eval.records import Detection
from pisces_eval.tasks.geneval.prompts import Clause, Prompt
from pisces_eval.tasks.geneval.verdict import Thresholds, judge

NAMES = ["person", "dog", "cake"]
PALETTE = [
    *("red", "orange", "yellow", "green", "blue"),
    *("purple", "pink", "brown", "black", "white"),
]
RELATIONS = ["left of", "right of", "above", "below"]
SCORES = [0.05, 0.3, 0.30000001192092896, 0.31, 0.5, 0.9, 0.8999999761581421, 0.91, 0.95]
GRID = 8

Box = tuple[float, float, float, float]


def single(number: float) -> float:
    """The nearest float32."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


def naive_survivors(
    detections: list[Detection], name: str, bar: float, cap: int, max_overlap: float
) -> list[Detection]:
    pool = [(single(d.score), i, d) for i, d in enumerate(detections) if d.label == name]
    queue = []
    while pool:
        best = max(pool, key=lambda entry: entry[:2])
        pool.remove(best)
        if best[0] > single(bar):
            queue.append(best[2])
    queue = queue[:cap]
    if max_overlap == 1.0:
        return queue
    survivors = []
    while queue:
        head = queue.pop(0)
        survivors.append(head)
        queue = [d for d in queue if naive_overlap(head.box, d.box) < Fraction(max_overlap)]
    return survivors


def naive_overlap(a: Box, b: Box) -> Fraction:
    def pixels(low: float, high: float) -> set[int]:
        return set(range(int(low), int(high) + 1))

    width = len(pixels(a[0], a[2]) & pixels(b[0], b[2]))
    height = len(pixels(a[1], a[3]) & pixels(b[1], b[3]))
    size_a = len(pixels(a[0], a[2])) * len(pixels(a[1], a[3]))
    size_b = len(pixels(b[0], b[2])) * len(pixels(b[1], b[3]))
    return Fraction(width * height, size_a + size_b - width * height)


def naive_relations(a: Box, b: Box) -> list[str]:
    net, off = [], []
    for low, high in ((0, 2), (1, 3)):
        a_low, a_high, b_low, b_high = (Fraction(v) for v in (a[low], a[high], b[low], b[high]))
        distance = (a_low + a_high) / 2 - (b_low + b_high) / 2
        room = Fraction(1, 10) * (abs(a_high - a_low) + abs(b_high - b_low))
        off.append(distance)
        if abs(distance) <= room:
            net.append(Fraction(0))
        else:
            net.append(distance - room if distance > 0 else distance + room)
    if all(abs(part) < Fraction(1, 1000) for part in net):
        return []
    square = off[0] ** 2 + off[1] ** 2
    names = []
    for part, words in ((net[0], ("left of", "right of")), (net[1], ("above", "below"))):
        if 4 * part**2 > square:
            names.append(words[part > 0])
    return names


def naive_verdict(
    prompt: Prompt, detections: list[Detection], thresholds: Thresholds
) -> tuple[str, dict[str, list[Detection]]]:
    """The reason and the survivors of each class."""
    bar = thresholds.counting_threshold if prompt.tag == "counting" else thresholds.threshold
    alive = {
        name: naive_survivors(detections, name, bar, thresholds.max_objects, thresholds.max_overlap)
        for name in NAMES
    }
    lines: list[str] = []
    matched: dict[int, list[Detection]] = {}
    for number, clause in enumerate(prompt.include):
        top = alive[clause.name][: clause.count]
        if len(top) < clause.count:
            lines.append(f"expected {clause.name}>={clause.count}, found {len(top)}")
            continue
        if clause.color:
            logits = [list(d.colors or ()) for d in top]
            labels = [PALETTE[each.index(max(each))] for each in logits]
            right = labels.count(clause.color)
            if right < clause.count:
                tally = [f"{labels.count(c)} {c}" for c in PALETTE if labels.count(c)]
                wanted = f"expected {clause.color} {clause.name}>={clause.count}"
                found = f"found {right} {clause.color}"
                lines.append(f"{wanted}, {found}; and " + ", ".join(tally))
                continue
        if clause.position:
            relation, target = clause.position
            if target not in matched:
                lines.append(f"no target for {clause.name} to be {relation}")
                continue
            pairs = [naive_relations(d.box, t.box) for d in top for t in matched[target]]
            wrong = [found for found in pairs if relation not in found]
            if wrong:
                place = " and ".join(wrong[0])
                lines.append(f"expected {clause.name} {relation} target, found {place} target")
                continue
        matched[number] = top
    for clause in prompt.exclude:
        if len(alive[clause.name]) >= clause.count:
            present = len(alive[clause.name])
            lines.append(f"expected {clause.name}<{clause.count}, found {present}")
    return "\n".join(lines), {name: found for name, found in alive.items() if found}


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, 12)), draw(st.integers(0, 12))
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    x1, y1, x2, y2 = (float(GRID * v) for v in (left, top, left + width, top + height))
    return x1, y1, x2, y2


detections = st.lists(
    st.builds(
        Detection,
        label=st.sampled_from(NAMES),
        score=st.sampled_from(SCORES),
        box=boxes(),
        colors=st.tuples(*[st.integers(0, 2).map(float)] * len(PALETTE)),
    ),
    max_size=12,
)

thresholds = st.sampled_from(
    [Thresholds(), Thresholds(max_objects=2), Thresholds(max_overlap=0.5, threshold=0.05)]
)


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    include = []
    for number in range(draw(st.integers(1, 3))):
        place = st.tuples(st.sampled_from(RELATIONS), st.integers(0, max(0, number - 1)))
        include.append(
            Clause(
                name=draw(st.sampled_from(NAMES)),
                count=draw(st.integers(1, 2)),
                color=draw(st.none() | st.sampled_from(PALETTE[:3])),
                position=draw(st.none() | place) if number else None,
            )
        )
    exclude = [Clause(name=include[0].name, count=include[0].count + 1)] * draw(st.integers(0, 1))
    tag = draw(st.sampled_from(["counting", "position"]))
    return Prompt(tag=tag, include=tuple(include), exclude=tuple(exclude), prompt="a photo")


@settings(max_examples=250, deadline=None)
@given(prompts(), detections, thresholds)
def test_verdict_agrees_with_the_naive_one(
    prompt: Prompt, detections: list[Detection], thresholds: Thresholds
) -> None:
    reason, survivors = naive_verdict(prompt, detections, thresholds)
    verdict = judge(prompt, detections, thresholds)
    assert verdict.reason == reason
    assert verdict.correct == (not reason)
    assert verdict.details == {
        name: [[*d.box, single(d.score)] for d in found] for name, found in survivors.items()
    }
