from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors.onnx import DETECTOR
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.interfaces import Look, Vocabulary

pytestmark = pytest.mark.torch

VOCABULARY = Vocabulary(classes=("cat", "dog"), colors=("red", "blue"))
CELLS = 84  # 8x8 + 4x4 + 2x2 for 64x64


def model(
    folder: Path,
    answer: np.ndarray,
    input_shape: tuple[int | str, ...] = (1, 3, 64, 64),
    output_shape: tuple[int | str, ...] | None = None,
) -> Path:
    """A network that gives a constant answer plus the mean of its input at cell 0's class 0."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    share = np.zeros(answer.shape, dtype=np.float32)
    share[0, 0, 5] = 1 / 255
    axes = numpy_helper.from_array(np.array([1, 2, 3]), "axes")
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "share"], ["shared"]),
            helper.make_node("Add", ["answer", "shared"], ["output"]),
        ],
        "toy",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_shape or answer.shape)],
        [
            axes,
            numpy_helper.from_array(answer.astype(np.float32), "answer"),
            numpy_helper.from_array(share, "share"),
        ],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path = folder / "toy.onnx"
    onnx.save(built, path)
    return path


def shaped(
    folder: Path, answer: np.ndarray, input_shape: tuple[int | str, ...], input_type: int = 1
) -> Path:
    """A network of any form that ignores its input."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Identity", ["answer"], ["output"])],
        "shaped",
        [helper.make_tensor_value_info("images", input_type, input_shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, answer.shape)],
        [numpy_helper.from_array(answer, "answer")],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path = folder / "shaped.onnx"
    onnx.save(built, path)
    return path


def silence(classes: int = 2) -> np.ndarray:
    return np.zeros((1, CELLS, 5 + classes), dtype=np.float32)


def look(size: tuple[int, int] = (128, 64)) -> Look:
    return Look(id="a", image=Image.new("RGB", size, "blue"), color_classes=frozenset({"dog"}))


def test_boxes_are_decoded_suppressed_and_brought_to_the_pictures_pixels(tmp_path: Path) -> None:
    answer = silence()
    answer[0, 9] = (0.5, 0.5, math.log(2), math.log(1), 0.9, 0.0, 1.0)  # grid (1, 1), stride 8
    answer[0, 10] = (-0.4, 0.5, math.log(2), math.log(1), 0.8, 0.5, 1.0)  # nearly the same box
    answer[0, 83] = (0.5, 0.0, math.log(2), math.log(4), 0.5, 1.0, 0.0)  # grid (1, 1), stride 32
    detector = DETECTOR.load(str(model(tmp_path, answer)))
    (seen,) = detector.detect([look()], VOCABULARY)  # 128x64 into 64x64: ratio 0.5
    assert [each.label for each in seen] == ["dog", "cat", "cat"]
    assert [each.score for each in seen] == pytest.approx([0.9, 0.5, 0.4], abs=1e-6)
    dog, large, small = seen
    assert dog.box == pytest.approx((8, 16, 40, 32), abs=1e-4)
    assert large.box == pytest.approx((32, 0, 128, 64), abs=1e-4)
    assert small.box == pytest.approx((9.6, 16, 41.6, 32), abs=1e-4)
    assert dog.mask is None
    assert dog.colors is not None
    assert dog.colors[1] > dog.colors[0]
    assert small.colors is None


def test_objects_in_the_padding_and_below_the_floor_are_left_out(tmp_path: Path) -> None:
    answer = silence()
    answer[0, 63] = (0.0, 0.0, 0.0, 0.0, 0.9, 1.0, 0.0)  # bottom right of 64x64, below the picture
    answer[0, 1] = (0.5, 0.5, 0.0, 0.0, 0.05, 0.9, 0.9)
    detector = DETECTOR.load(str(model(tmp_path, answer)))
    assert detector.detect([look()], VOCABULARY)[0] == ()


def test_the_network_sees_the_letterboxed_picture(tmp_path: Path) -> None:
    answer = silence()
    answer[0, 0, 4] = 1.0
    detector = DETECTOR.load(str(model(tmp_path, answer)))
    (seen,) = detector.detect([look()], VOCABULARY)
    assert seen[0].score == pytest.approx((255 / 3 + 114) / 2 / 255, abs=1e-5)


def test_a_symbolic_batch_size_is_accepted(tmp_path: Path) -> None:
    path = model(tmp_path, silence(), ("batch", 3, 64, 64), ("batch", CELLS, 7))
    assert DETECTOR.load(str(path)).detect([look()], VOCABULARY)[0] == ()


def test_it_says_that_its_numbers_are_its_own(tmp_path: Path) -> None:
    detector = DETECTOR.load(str(model(tmp_path, silence())))
    assert not detector.comparable
    assert detector.notes[0] == (
        "detector onnx:toy.onnx is not GenEval's: its scores are a column of their own"
    )
    assert "CLIP" in detector.notes[1]


def test_the_fingerprint_follows_the_file(tmp_path: Path) -> None:
    first = DETECTOR.load(str(model(tmp_path, silence()))).fingerprint()
    assert DETECTOR.load(str(model(tmp_path, silence()))).fingerprint() == first
    changed = silence()
    changed[0, 0, 0] = 0.25
    assert DETECTOR.load(str(model(tmp_path, changed))).fingerprint() != first


@pytest.mark.parametrize(
    ("input_shape", "output_shape", "why"),
    [
        ((1, 3, 60, 64), (1, CELLS, 7), "sides that 32 divides"),
        ((1, 3, "h", "w"), (1, CELLS, 7), "one float32 input 1x3xHxW"),
        ((1, 1, 64, 64), (1, CELLS, 7), "one float32 input 1x3xHxW"),
        ((1, 3, 96, 64), (1, CELLS, 7), r"1x126x\(5 \+ classes\)"),
        ((1, 3, 64, 64), (1, CELLS, 5), r"1x84x\(5 \+ classes\)"),
    ],
)
def test_another_form_is_refused(
    tmp_path: Path,
    input_shape: tuple[int | str, ...],
    output_shape: tuple[int, ...],
    why: str,
) -> None:
    answer = np.zeros(output_shape, dtype=np.float32)
    with pytest.raises(UserError, match=why) as caught:
        DETECTOR.load(str(shaped(tmp_path, answer, input_shape)))
    assert "\n" not in str(caught.value)


def test_half_precision_inputs_are_refused(tmp_path: Path) -> None:
    half = 10  # onnx.TensorProto.FLOAT16
    with pytest.raises(UserError, match=r"expected one float32 input.*float16"):
        DETECTOR.load(str(shaped(tmp_path, silence(), (1, 3, 64, 64), half)))


def test_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    detector = DETECTOR.load(str(model(tmp_path, silence(classes=3))))
    with pytest.raises(UserError, match="knows 3 classes, the task asks for 2"):
        detector.detect([look()], VOCABULARY)


@pytest.mark.parametrize("nonsense", [1.5, -0.5, math.nan, math.inf])
def test_probabilities_that_are_none_are_refused(tmp_path: Path, nonsense: float) -> None:
    answer = silence()
    answer[0, 5, 6] = nonsense
    detector = DETECTOR.load(str(model(tmp_path, answer)))
    with pytest.raises(EnvironmentFailure, match="outside 0 to 1"):
        detector.detect([look()], VOCABULARY)


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    path = model(tmp_path, silence())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"toy.onnx") as caught:
        DETECTOR.load(str(path))
    assert "\n" not in str(caught.value)


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("not a network", encoding="utf-8")
    with pytest.raises(UserError, match=r"notes.onnx is no ONNX model"):
        DETECTOR.load(str(path))


@pytest.mark.parametrize("argument", ["", "nowhere.onnx"])
def test_a_missing_file_is_refused(argument: str) -> None:
    with pytest.raises(UserError, match=r"write onnx:MODEL.onnx"):
        DETECTOR.load(argument)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model(tmp_path, silence())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EnvironmentFailure, match=r"pip install \"pisces-eval\[onnx\]\""):
        DETECTOR.load(str(path))
