"""Reasons and corner cases of the official verdict, one by one."""

import pytest

from pisces_eval.errors import TaskError
from pisces_eval.records import Detection
from pisces_eval.tasks.geneval.prompts import Clause, Prompt
from pisces_eval.tasks.geneval.verdict import Thresholds, Verdict, judge
from pisces_eval.tasks.geneval.vocabulary import COLORS

LEFT, RIGHT, NEAR_LEFT = (0, 0, 100, 100), (200, 0, 300, 100), (20, 0, 120, 100)


def seen(
    label: str,
    score: float = 0.95,
    box: tuple[float, float, float, float] = LEFT,
    color: str | None = None,
) -> Detection:
    logits = None if color is None else tuple(20.0 + (each == color) for each in COLORS)
    return Detection(label=label, score=score, box=box, colors=logits)


def prompt(*include: Clause, exclude: tuple[Clause, ...] = (), tag: str = "any") -> Prompt:
    return Prompt(tag=tag, include=include, exclude=exclude, prompt="a photo")


def wants(name: str, count: int = 1) -> Clause:
    return Clause(name=name, count=count)


TWO_CLOCKS = prompt(wants("clock", 2), exclude=(wants("clock", 3),), tag="counting")
RED_CAR = prompt(Clause(name="car", count=1, color="red"))
BIRD_LEFT_OF_COUCH = prompt(
    wants("couch"), Clause(name="bird", count=1, position=("left of", 0)), tag="position"
)


def test_what_is_there_is_correct() -> None:
    verdict = judge(prompt(wants("dog")), [seen("dog", 0.5, (1, 2, 3, 4)), seen("dog", 0.75)])
    details = {"dog": [[0.0, 0.0, 100.0, 100.0, 0.75], [1.0, 2.0, 3.0, 4.0, 0.5]]}
    surplus = ("expected dog<2, found 2",)
    assert verdict == Verdict(correct=True, reason="", details=details, surplus=surplus)


def test_no_detections_at_all() -> None:
    verdict = judge(prompt(wants("dog"), wants("cat")), [])
    assert verdict == Verdict(
        correct=False, reason="expected dog>=1, found 0\nexpected cat>=1, found 0", details={}
    )


def test_exclude_passes_when_nothing_is_there() -> None:
    assert judge(TWO_CLOCKS, []).reason == "expected clock>=2, found 0"


def test_empty_mask_never_counts() -> None:
    empty = seen("dog", 0.0, (0, 0, 0, 0))
    assert judge(prompt(wants("dog")), [empty]).details == {}


def test_too_few_are_counted() -> None:
    assert judge(TWO_CLOCKS, [seen("clock")]).reason == "expected clock>=2, found 1"


def test_exactly_the_count_is_correct() -> None:
    assert judge(TWO_CLOCKS, [seen("clock")] * 2).correct


def test_surplus_fails_the_exclude_only() -> None:
    assert judge(TWO_CLOCKS, [seen("clock")] * 3).reason == "expected clock<3, found 3"


def test_surplus_is_capped_by_max_objects() -> None:
    assert judge(TWO_CLOCKS, [seen("clock")] * 40).reason == "expected clock<3, found 16"


def test_counting_has_a_threshold_of_its_own() -> None:
    assert not judge(TWO_CLOCKS, [seen("clock", 0.89)] * 2).correct
    assert judge(prompt(wants("clock", 2)), [seen("clock", 0.89)] * 2).correct


@pytest.mark.parametrize(
    ("tag", "score"), [("single_object", 0.3), ("counting", 0.9), ("colors", 0.30000001192092896)]
)
def test_score_at_the_threshold_is_dropped(tag: str, score: float) -> None:
    assert judge(prompt(wants("dog"), tag=tag), [seen("dog", score)]).details == {}


def test_other_thresholds_can_be_asked_for() -> None:
    assert judge(prompt(wants("dog")), [seen("dog", 0.25)], Thresholds(threshold=0.2)).correct


def test_objects_of_other_classes_are_free() -> None:
    assert judge(prompt(wants("dog")), [seen("cat"), seen("dog"), seen("person")]).correct


def test_details_keep_the_order_of_the_vocabulary() -> None:
    found = [seen("toothbrush"), seen("dog"), seen("person")]
    assert list(judge(prompt(wants("dog")), found).details) == ["person", "dog", "toothbrush"]


def test_right_color() -> None:
    assert judge(RED_CAR, [seen("car", color="red")]).correct


def test_only_the_best_object_is_asked_for_its_color() -> None:
    verdict = judge(RED_CAR, [seen("car", 0.8, color="red"), seen("car", 0.9, color="blue")])
    assert verdict.reason == "expected red car>=1, found 0 red; and 1 blue"


def test_colors_are_tallied_in_the_order_of_the_palette() -> None:
    cars = prompt(Clause(name="car", count=4, color="red"))
    found = [seen("car", color=color) for color in ("white", "blue", "red", "blue")]
    reason = "expected red car>=4, found 1 red; and 1 red, 2 blue, 1 white"
    assert judge(cars, found).reason == reason


def test_of_equal_colors_the_earlier_wins() -> None:
    grey = Detection(label="car", score=0.9, box=LEFT, colors=(1.0,) * len(COLORS))
    assert judge(RED_CAR, [grey]).correct


@pytest.mark.parametrize("colors", [None, (1.0, 2.0)])
def test_missing_colors_are_an_error(colors: tuple[float, ...] | None) -> None:
    car = Detection(label="car", score=0.9, box=LEFT, colors=colors)
    with pytest.raises(TaskError, match="recorded detections of 'car' have no colours"):
        judge(RED_CAR, [car])


def test_colors_of_objects_beyond_the_count_are_not_needed() -> None:
    assert judge(RED_CAR, [seen("car", 0.9, color="red"), seen("car", 0.8)]).correct


def test_right_place() -> None:
    assert judge(BIRD_LEFT_OF_COUCH, [seen("couch", box=RIGHT), seen("bird", box=LEFT)]).correct


def test_wrong_place_says_where_it_is() -> None:
    verdict = judge(BIRD_LEFT_OF_COUCH, [seen("couch", box=LEFT), seen("bird", box=RIGHT)])
    assert verdict.reason == "expected bird left of target, found right of target"


def test_no_relation_leaves_two_spaces() -> None:
    verdict = judge(BIRD_LEFT_OF_COUCH, [seen("couch", box=NEAR_LEFT), seen("bird", box=LEFT)])
    assert verdict.reason == "expected bird left of target, found  target"


def test_two_relations_are_named_horizontal_first() -> None:
    found = [seen("couch", box=LEFT), seen("bird", box=(100, 100, 200, 200))]
    reason = "expected bird left of target, found right of and below target"
    assert judge(BIRD_LEFT_OF_COUCH, found).reason == reason


def test_missing_reference_object_is_two_faults() -> None:
    verdict = judge(BIRD_LEFT_OF_COUCH, [seen("bird")])
    assert verdict.reason == "expected couch>=1, found 0\nno target for bird to be left of"


def test_missing_placed_object_is_one_fault() -> None:
    assert judge(BIRD_LEFT_OF_COUCH, [seen("couch")]).reason == "expected bird>=1, found 0"


def test_wrong_color_leaves_the_place_unasked() -> None:
    wanted = prompt(
        wants("couch"), Clause(name="bird", count=1, color="red", position=("left of", 0))
    )
    found = [seen("couch", box=LEFT), seen("bird", box=RIGHT, color="black")]
    assert judge(wanted, found).reason == "expected red bird>=1, found 0 red; and 1 black"


def test_first_pair_out_of_place_is_the_only_one_named() -> None:
    wanted = prompt(wants("couch"), Clause(name="bird", count=2, position=("left of", 0)))
    found = [seen("couch", box=LEFT), seen("bird", box=RIGHT), seen("bird", 0.94, NEAR_LEFT)]
    assert judge(wanted, found).reason == "expected bird left of target, found right of target"


def test_label_outside_the_vocabulary_is_an_error() -> None:
    with pytest.raises(TaskError, match="'mouse', which is no GenEval class"):
        judge(prompt(wants("dog")), [seen("mouse")])
