"""What the official scorer lacks: a strict verdict, thresholds to turn, alarms."""

import random

import msgspec
import pytest

from pisces_eval.errors import UserError
from pisces_eval.interfaces import Evidence
from pisces_eval.records import Detection, Perception, Response, Sample, Score
from pisces_eval.tasks.geneval import TASK
from pisces_eval.tasks.geneval.alarms import find_alarms

ROW = {"tag": "single_object", "include": [{"class": "dog", "count": 1}], "prompt": "a dog"}
COLORED = {
    "tag": "colors",
    "include": [{"class": "dog", "count": 1, "color": "red"}],
    "prompt": "a red dog",
}


def sample(row, number=0):
    return Sample(
        id=f"{number:05d}/0000",
        kind="draw",
        prompt=row["prompt"],
        reference={"row": row},
        category=row["tag"],
        cluster=f"{number:05d}",
        request="r",
    )


def score(row, *detections, protocol="official", task=TASK):
    evidence = Evidence(
        Response(id="1", request="r", image="i"),
        Perception(id="1", image="i", detections=detections),
    )
    return task.score(sample(row), evidence, protocol, random.Random(0))


def dog(confidence=0.8, colors=None):
    return Detection(label="dog", score=confidence, box=(0, 0, 9, 9), colors=colors)


def test_a_second_dog_is_a_fault_only_under_strict():
    assert score(ROW, dog(), dog()).values["overall"] == 1.0
    strict = score(ROW, dog(), dog(), protocol="strict")
    assert (strict.values["overall"], strict.reason) == (0.0, "expected dog<2, found 2")


def test_strict_is_official_where_nothing_is_surplus():
    assert score(ROW, dog(), protocol="strict") == msgspec.structs.replace(
        score(ROW, dog()), protocol="strict"
    )


def test_a_tuned_task_uses_its_thresholds():
    assert score(ROW, dog(0.35)).values["overall"] == 1.0
    assert score(ROW, dog(0.35), task=TASK.tuned({"threshold": 0.4})).values["overall"] == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"treshold": 0.4}, "geneval has no option treshold; it has threshold"),
        ({"threshold": 1.5}, "threshold is 1.5; it may be 0 to 1"),
        ({"max_objects": 0.0}, "max_objects is 0; it may be 1 to 1000"),
    ],
)
def test_unfit_options_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        TASK.tuned(options)


def test_a_colour_that_hangs_by_a_hair_is_flagged():
    close = (20.0, 19.96, *[0.0] * 8)
    clear = (20.0, 19.0, *[0.0] * 8)
    assert score(COLORED, dog(colors=close)).flags == ("colour of dog undecided",)
    assert score(COLORED, dog(colors=clear)).flags == ()


def many(right, total, answer="1 dog"):
    values = [float(number < right) for number in range(total)]
    samples = [sample(ROW, number) for number in range(total)]
    scores = [
        Score(
            id=s.id,
            protocol="official",
            values={"overall": v, "image_accuracy": v},
            answer=answer,
        )
        for s, v in zip(samples, values, strict=True)
    ]
    return samples, scores


def test_a_low_single_object_score_is_an_alarm():
    assert "check the detector" in find_alarms(*many(240, 320))[0]
    assert find_alarms(*many(310, 320)) == ()


def test_a_handful_of_images_is_too_few_for_that_alarm():
    assert find_alarms(*many(3, 4)) == ()


def test_a_blind_detector_is_an_alarm():
    assert "saw nothing in 320 of 320" in find_alarms(*many(320, 320, answer="nothing"))[0]
