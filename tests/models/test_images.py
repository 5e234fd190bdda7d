from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from pisces_eval.errors import ModelError, UserError
from pisces_eval.interfaces import Ask, Draw, Replays
from pisces_eval.models.images import MODEL

ROW = {"tag": "counting", "include": [{"class": "cat", "count": 2}], "prompt": "two cats"}


def paint(path: Path, colour: tuple[int, int, int] = (10, 20, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), colour).save(path)
    return path


def draw(row: int = 0, number: int = 0, metadata: str = json.dumps(ROW)) -> Draw:
    return Draw(
        prompt="two cats",
        artifact=f"{row:05}/samples/{number:04}.png",
        companions=((f"{row:05}/metadata.jsonl", metadata),),
        task="geneval",
    )


def missing(folder: Path, *requests: Draw) -> list[str]:
    model = MODEL.load(str(folder))
    assert isinstance(model, Replays)
    return model.missing([("geneval", request) for request in requests])


@pytest.mark.parametrize("name", ["0000.png", "00000.png", "0.png"])
@pytest.mark.parametrize("row", ["00003", "3"])
def test_names_are_matched_as_numbers(tmp_path: Path, row: str, name: str) -> None:
    paint(tmp_path / row / "samples" / name, (1, 2, 3))
    image = MODEL.load(str(tmp_path)).draw([draw(3)])[0]
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (6, 4), (1, 2, 3))


def test_pictures_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    for number in range(3):
        paint(tmp_path / "00000" / "samples" / f"{number:04}.png", (number, 0, 0))
    images = MODEL.load(str(tmp_path)).draw([draw(0, number) for number in (2, 0, 1)])
    assert [image.getpixel((0, 0))[0] for image in images] == [2, 0, 1]


def test_other_files_are_ignored(tmp_path: Path) -> None:
    paint(tmp_path / "00000" / "samples" / "0000.png")
    paint(tmp_path / "00000" / "grid.png")
    paint(tmp_path / "00000" / "samples" / "preview.png")
    (tmp_path / "00000" / "samples" / "0000.png.bak").write_text("")
    (tmp_path / "README").write_text("")
    (tmp_path / "logs").mkdir()
    assert missing(tmp_path, draw()) == []


def test_what_is_missing_is_said_once_and_clearly(tmp_path: Path) -> None:
    paint(tmp_path / "00018" / "samples" / "0000.png")
    (tmp_path / "00019").mkdir()
    wanted = [draw(row, number) for row in (17, 18, 19) for number in range(2)]
    assert missing(tmp_path, *wanted) == [
        "00017: no folder",
        "00018: image 1 is missing (samples/0001.png)",
        "00019: image 0 is missing (samples/0000.png)",
        "00019: image 1 is missing (samples/0001.png)",
    ]


def test_drawing_what_is_missing_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "00000" / "samples" / "0000.png")
    with pytest.raises(UserError, match="00000: image 1 is missing"):
        MODEL.load(str(tmp_path)).draw([draw(0, 1)])


def test_questions_are_none_of_its_business(tmp_path: Path) -> None:
    paint(tmp_path / "00000" / "samples" / "0000.png")
    model = MODEL.load(str(tmp_path))
    assert model.missing([("mmmu", Ask(text="?"))]) == []
    with pytest.raises(ModelError):
        model.answer([Ask(text="?")])


@pytest.mark.parametrize("text", [json.dumps(ROW), json.dumps(ROW, indent=1, sort_keys=True)])
def test_metadata_of_the_same_row_is_accepted(tmp_path: Path, text: str) -> None:
    paint(tmp_path / "00000" / "samples" / "0000.png")
    (tmp_path / "00000" / "metadata.jsonl").write_text(text + "\n")
    assert missing(tmp_path, draw()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(ROW | {"prompt": "two dogs"}), "is another prompt than geneval's row 3"),
        ("[]", "is another prompt than geneval's row 3"),
        ('{"prompt":', "not one JSON object"),
        (json.dumps(ROW) + "\n" + json.dumps(ROW), "not one JSON object"),
    ],
)
def test_metadata_of_another_row_is_refused(tmp_path: Path, text: str, told: str) -> None:
    paint(tmp_path / "00003" / "samples" / "0000.png")
    (tmp_path / "00003" / "metadata.jsonl").write_text(text)
    with pytest.raises(UserError) as caught:
        missing(tmp_path, draw(3))
    assert told in str(caught.value)
    assert "00003/metadata.jsonl" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="metadata"):
        MODEL.load(str(tmp_path)).draw([draw(3)])


def test_two_files_for_one_picture_are_refused(tmp_path: Path) -> None:
    for name in ("0000.png", "00000.png"):
        paint(tmp_path / "00000" / "samples" / name)
    with pytest.raises(UserError, match=r"image 0 is also 0000\.png"):
        MODEL.load(str(tmp_path))


def test_two_folders_for_one_row_are_refused(tmp_path: Path) -> None:
    for name in ("00004", "4"):
        paint(tmp_path / name / "samples" / "0000.png")
    with pytest.raises(UserError, match="row 4 is also 00004"):
        MODEL.load(str(tmp_path))


def test_a_folder_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        MODEL.load(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no folder named by a row number"):
        MODEL.load(str(tmp_path))
    with pytest.raises(UserError, match="images:FOLDER"):
        MODEL.load("")


def test_a_task_of_another_layout_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "00000" / "samples" / "0000.png")
    with pytest.raises(UserError, match=r"task other wants a\.png"):
        MODEL.load(str(tmp_path)).missing(
            [("other", Draw(prompt="a", artifact="a.png", task="other"))]
        )


def test_a_damaged_picture_is_the_models_fault(tmp_path: Path) -> None:
    path = paint(tmp_path / "00000" / "samples" / "0000.png")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ModelError, match=r"0000\.png"):
        MODEL.load(str(tmp_path)).draw([draw()])


def test_the_fingerprint_is_that_of_the_pictures_in_the_layout(tmp_path: Path) -> None:
    path = paint(tmp_path / "00000" / "samples" / "0000.png")
    before = MODEL.load(str(tmp_path)).fingerprint()
    paint(tmp_path / "00000" / "grid.png")
    path.rename(path.with_name("00000.png"))
    assert MODEL.load(str(tmp_path)).fingerprint() == before
    paint(path.with_name("00001.png"))
    more = MODEL.load(str(tmp_path)).fingerprint()
    paint(path.with_name("00001.png"), (9, 9, 9))
    assert len({before, more, MODEL.load(str(tmp_path)).fingerprint()}) == 3
