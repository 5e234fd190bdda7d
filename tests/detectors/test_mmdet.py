from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pisces_eval.detectors import _masks, _mmcv_stand_in
from pisces_eval.detectors.mmdet import DETECTOR, MmdetDetector, Reference
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Look, Vocabulary

OFFICIAL = "743b7d99" + "0" * 56
CLASSES = tuple(f"class {number}" for number in range(80))
COLORS = ("red", "blue")


@dataclass
class NoColors:
    """A colour classifier that colours nothing."""

    comparable: bool = True
    notes: tuple[str, ...] = ("colours by nobody",)

    def fingerprint(self) -> str:
        return "none"

    def with_colors(self, looks: Any, detections: Any, masks: Any, vocabulary: Vocabulary) -> Any:
        assert [len(each) for each in detections] == [len(each) for each in masks]
        return detections


def detector(sha256: str = OFFICIAL, library: str = "3.3.0", colors: Any = None) -> MmdetDetector:
    return MmdetDetector(Reference(None, "file.pth", sha256, library), colors or NoColors())


@pytest.mark.parametrize("argument", ["", "nowhere.pth", "nowhere.pth,colors=clip"])
def test_a_file_that_is_not_there_is_named(argument: str) -> None:
    with pytest.raises(UserError, match=r"write mmdet:CHECKPOINT\.pth"):
        DETECTOR.load(argument)


@pytest.mark.torch
def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pth"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UserError, match=r"damaged\.pth is damaged"):
        DETECTOR.load(str(path))


@pytest.mark.torch
def test_only_genevals_weights_and_colours_are_comparable() -> None:
    assert detector().comparable
    assert not detector(sha256="ab" * 32).comparable
    assert not detector(colors=NoColors(comparable=False)).comparable
    assert "not the checkpoint GenEval used" in detector(sha256="ab" * 32).notes[0]
    assert detector().notes == (
        "detector mmdet 3.3.0 has the weights of file.pth (SHA-256 743b7d99…)",
        "colours by nobody",
    )


@pytest.mark.torch
def test_the_fingerprint_follows_file_and_library() -> None:
    assert detector().fingerprint() == detector().fingerprint()
    others = [detector(sha256="ab" * 32), detector(library="3.4.0")]
    assert len({detector().fingerprint(), *(other.fingerprint() for other in others)}) == 3


@pytest.mark.torch
def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(TaskError, match="task asks for 2"):
        detector().detect([], Vocabulary(("cat", "dog"), COLORS))


@pytest.mark.torch
def test_mmdets_answer_becomes_detections(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from pisces_eval.detectors import _mmdet

    masks = torch.zeros(4, 6, 8, dtype=torch.bool)
    masks[0, 1:3, 2:5] = True
    masks[1, 0:6, 0:8] = True
    masks[3, 5, 7] = True
    answer = _mmdet.Instances(
        labels=torch.tensor([3, 0, 1, 79]),
        scores=torch.tensor([0.25, 0.75, 0.0, 0.05]),
        boxes=torch.tensor([[2.0, 1, 5, 3], [0, 0, 8, 6], [0, 0, 0, 0], [7, 5, 8, 6]]),
        masks=masks,
    )
    monkeypatch.setattr(_mmdet, "find_instances", lambda *_: answer)
    look = Look("one", Image.new("RGB", (8, 6)), frozenset())
    [found] = detector().detect([look], Vocabulary(CLASSES, COLORS))
    assert [(each.label, each.score, each.box) for each in found] == [
        ("class 0", 0.75, (0, 0, 8, 6)),
        ("class 3", 0.25, (2, 1, 5, 3)),
    ]
    assert found[1].mask is not None
    assert np.array_equal(_masks.decode(found[1].mask), masks[0].numpy())


def test_the_stand_in_has_every_operation_and_none_works() -> None:
    stand_in = _mmcv_stand_in.StandIn("mmcv._ext")
    with pytest.raises(EnvironmentFailure, match="operation nms is not installed"):
        stand_in.nms()
    assert not hasattr(stand_in, "__path__")
