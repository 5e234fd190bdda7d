from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pisces_eval.detectors import _masks
from pisces_eval.detectors.mini import DETECTOR
from pisces_eval.errors import TaskError, UserError
from pisces_eval.interfaces import Detector, Look, Vocabulary

VOCABULARY = Vocabulary(
    classes=tuple(f"class {number}" for number in range(80)), colors=("red", "green", "blue")
)


def drawing(number: int, size: tuple[int, int] = (96, 96)) -> Look:
    image = Image.new("RGB", size, ("white", "navy", "grey")[number % 3])
    ImageDraw.Draw(image).ellipse((10 + 5 * number, 20, 50, 70), fill="red")
    return Look(id=str(number), image=image, color_classes=frozenset(VOCABULARY.classes[::2]))


@pytest.fixture(scope="module")
def mini() -> Detector:
    return DETECTOR.load("")


def test_naming_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, pisces_eval.detectors.mini, pisces_eval.detectors.recorded, "
        "pisces_eval.detectors.onnx; "
        "print([m for m in ('torch', 'transformers', 'numpy', 'PIL', 'pycocotools', 'onnxruntime')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_argument_is_refused() -> None:
    with pytest.raises(UserError, match="takes no argument"):
        DETECTOR.load("large")


@pytest.mark.torch
def test_it_says_that_it_is_a_toy(mini: Detector) -> None:
    assert not mini.comparable
    assert mini.notes[0] == (
        "detector mini has random weights: GenEval verdicts under it carry no meaning"
    )
    assert "CLIP" in mini.notes[1]


@pytest.mark.torch
def test_it_sees_enough_to_exercise_a_verdict(mini: Detector) -> None:
    looks = [drawing(number) for number in range(4)]
    seen = mini.detect(looks, VOCABULARY)
    assert len(seen) == len(looks)
    assert all(any(each.score > 0.3 for each in detections) for detections in seen)
    assert len({tuple(each.score for each in detections) for detections in seen}) == len(looks)


@pytest.mark.torch
def test_every_detection_keeps_its_contract(mini: Detector) -> None:
    look = drawing(1, size=(90, 130))
    seen = mini.detect([look], VOCABULARY)[0]
    assert {each.label in look.color_classes for each in seen} == {True, False}
    for each in seen:
        assert each.label in VOCABULARY.classes
        assert 0.0 <= each.score <= 1.0
        assert each.mask is not None
        mask = _masks.decode(each.mask)
        assert mask.shape == (130, 90)
        rows, columns = np.nonzero(mask)
        assert each.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (each.colors is not None) == (each.label in look.color_classes)


@pytest.mark.torch
def test_a_second_detector_sees_the_same_whatever_the_batch(mini: Detector) -> None:
    looks = [drawing(number) for number in range(3)]
    together = mini.detect(looks, VOCABULARY)
    again = DETECTOR.load("")
    assert again.fingerprint() == mini.fingerprint()
    assert [again.detect([look], VOCABULARY)[0] for look in reversed(looks)] == together[::-1]


@pytest.mark.torch
def test_loading_leaves_the_global_random_state_alone() -> None:
    import torch

    torch.manual_seed(11)
    state = torch.get_rng_state()
    DETECTOR.load("")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.torch
def test_weights_do_not_depend_on_the_global_random_state(mini: Detector) -> None:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12345)
        assert DETECTOR.load("").fingerprint() == mini.fingerprint()


@pytest.mark.torch
def test_another_number_of_classes_is_refused(mini: Detector) -> None:
    with pytest.raises(TaskError, match="80 labels, the task asks for 2 classes"):
        mini.detect([drawing(0)], Vocabulary(classes=("cat", "dog"), colors=()))
