from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from pisces_eval.errors import EnvironmentFailure, ModelError, UserError
from pisces_eval.interfaces import Ask, Draw, Model, Replays
from pisces_eval.models.python import MODEL

COMPLETE = """
    class Echo:
        capabilities = {"answer"}
        def fingerprint(self):
            return "echo 1"
        def answer(self, requests):
            return [request.text for request in requests]
"""

_numbers = count()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Writes a module into the current directory and returns its name, a new one each time."""
    monkeypatch.chdir(tmp_path)
    written: list[str] = []

    def write(source: str) -> str:
        name = f"written_by_a_test_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(dedent(source))
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def refused(argument: str) -> str:
    with pytest.raises(UserError) as caught:
        MODEL.load(argument)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_class_with_one_capability_and_no_notes_is_enough(write) -> None:
    model: Model = MODEL.load(f"{write(COMPLETE)}:Echo")
    assert model.capabilities == frozenset({"answer"})
    assert model.notes == ()
    assert model.fingerprint() == "echo 1"
    assert model.answer([Ask(text="a"), Ask(text="b")]) == ["a", "b"]
    assert not isinstance(model, Replays)


def test_what_it_does_not_claim_is_blocked(write) -> None:
    name = write(COMPLETE + "        def draw(self, requests):\n            return ['picture']\n")
    with pytest.raises(ModelError, match="does not draw"):
        MODEL.load(f"{name}:Echo").draw([Draw(prompt="a", artifact="a.png")])


def test_a_class_that_only_draws_is_enough(write) -> None:
    name = write(COMPLETE.replace("answer", "draw").replace("request.text", "request.prompt"))
    assert MODEL.load(f"{name}:Echo").draw([Draw(prompt="a", artifact="a.png")]) == ["a"]


def test_notes_are_kept_in_order(write) -> None:
    name = write(COMPLETE + "        notes = ['second thoughts', 'after that']\n")
    assert MODEL.load(f"{name}:Echo").notes == ("second thoughts", "after that")


def test_a_replaying_class_says_what_it_lacks(write) -> None:
    name = write(COMPLETE + "        def missing(self, cases):\n            return ['all']\n")
    model = MODEL.load(f"{name}:Echo")
    assert isinstance(model, Replays)
    assert model.missing([]) == ["all"]


def test_properties_serve_as_well_as_attributes(write) -> None:
    property_ = "        capabilities = property(lambda self: self.words)\n"
    name = write(COMPLETE.replace("capabilities =", "words =") + property_)
    assert MODEL.load(f"{name}:Echo").capabilities == frozenset({"answer"})


def test_the_search_path_is_put_back(write) -> None:
    before = list(sys.path)
    MODEL.load(f"{write(COMPLETE)}:Echo")
    refused(f"{write('1 / 0')}:Echo")
    assert sys.path == before


def test_a_module_in_a_package_is_found(write, tmp_path: Path) -> None:
    name = write(COMPLETE)
    package = tmp_path / f"package_of_{name}"
    package.mkdir()
    (tmp_path / f"{name}.py").rename(package / "inner.py")
    assert MODEL.load(f"{package.name}.inner:Echo").fingerprint() == "echo 1"


@pytest.mark.parametrize("argument", ["", "module", "module:", ":Class"])
def test_an_incomplete_name_is_refused(argument: str) -> None:
    assert "write python:MODULE:CLASS" in refused(argument)


def test_a_missing_module_or_class_is_named(write) -> None:
    assert "no module no_such_module" in refused("no_such_module:Echo")
    assert "no module no_such_package" in refused("no_such_package.inner:Echo")
    assert "has no class Other" in refused(f"{write(COMPLETE)}:Other")
    assert "has no class value" in refused(f"{write('value = 3')}:value")


def test_a_module_that_lacks_another_says_which(write) -> None:
    told = refused(f"{write('import another_missing_one')}:Echo")
    assert "importing" in told
    assert "another_missing_one" in told


@pytest.mark.parametrize(
    "source", ["1 / 0", "def broken(:", "raise RuntimeError('two\\nlines')", "raise KeyError"]
)
def test_a_module_that_fails_is_one_line(write, source: str) -> None:
    assert "importing" in refused(f"{write(source)}:Echo")


def test_a_constructor_that_fails_is_one_line(write) -> None:
    source = "class Echo:\n    def __init__(self):\n        raise OSError('no\\nweights')"
    assert refused(f"{write(source)}:Echo").endswith("Echo() failed: OSError: no weights")


def test_a_constructor_with_arguments_is_refused(write) -> None:
    source = "class Echo:\n    def __init__(self, folder):\n        pass"
    assert "folder" in refused(f"{write(source)}:Echo")


def test_our_own_errors_pass_through(write) -> None:
    source = (
        "from pisces_eval.errors import EnvironmentFailure\n"
        "class Echo:\n"
        "    def __init__(self):\n"
        "        raise EnvironmentFailure('no device')"
    )
    with pytest.raises(EnvironmentFailure, match="no device"):
        MODEL.load(f"{write(source)}:Echo")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('{"answer"}', '"answer"', "must have capabilities"),
        ('{"answer"}', "set()", "'answer', 'draw' or both"),
        ('{"answer"}', '{"answer", "sing"}', "'answer', 'draw' or both"),
        ('{"answer"}', "{1}", "texts only"),
        ('{"answer"}', '{"answer", "draw"}', "lacks the method draw()"),
        ("capabilities", "abilities", "must have capabilities"),
        ("def answer", "def reply", "lacks the method answer()"),
        ("def fingerprint", "def mark", "lacks the method fingerprint()"),
        ("def fingerprint", "notes = 'one'\n        def fingerprint", "must have notes"),
    ],
)
def test_a_broken_contract_is_refused(write, old: str, new: str, told: str) -> None:
    assert told in refused(f"{write(COMPLETE.replace(old, new))}:Echo")


def test_a_fingerprint_that_is_no_text_is_refused(write) -> None:
    name = write(COMPLETE.replace('"echo 1"', "None"))
    model = MODEL.load(f"{name}:Echo")
    with pytest.raises(ModelError, match="must return a text"):
        model.fingerprint()
