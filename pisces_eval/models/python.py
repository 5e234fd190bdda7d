"""python:MODULE:CLASS tests a model that the user wrote.

The class is made without arguments. It must have ``capabilities``, ``fingerprint()`` and a method
for each capability, ``answer(requests)`` or ``draw(requests)``; ``notes`` is optional, and so is
``missing(cases)`` for a model that only replays. The current directory is importable while the
module is loaded and the object made, and not afterwards.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pisces_eval.errors import ModelError, PiscesEvalError, UserError
from pisces_eval.interfaces import Ask, Draw, Model, Plugin, Request

if TYPE_CHECKING:
    from PIL.Image import Image

_CAPABILITIES = frozenset({"answer", "draw"})


class UserModel:
    """A user's object with the blanks of the contract filled in."""

    def __init__(
        self, inner: Any, name: str, capabilities: frozenset[str], notes: tuple[str, ...]
    ) -> None:
        self.capabilities = capabilities
        self.notes = notes
        self._inner = inner
        self._name = name

    def fingerprint(self) -> str:
        """What the object says. Raises ModelError unless that is a text that is not empty."""
        with _told_as(f"{self._name}.fingerprint() failed"):
            said = self._inner.fingerprint()
        if not isinstance(said, str) or not said:
            raise ModelError(f"{self._name}.fingerprint() must return a text, not {said!r}")
        return said

    def answer(self, requests: Sequence[Ask]) -> Sequence[str]:
        """The object's answers. Raises ModelError if it does not claim to answer."""
        self._check("answer")
        answers: Sequence[str] = self._inner.answer(requests)
        return answers

    def draw(self, requests: Sequence[Draw]) -> Sequence[Image]:
        """The object's drawings. Raises ModelError if it does not claim to draw."""
        self._check("draw")
        drawings: Sequence[Image] = self._inner.draw(requests)
        return drawings

    def _check(self, capability: str) -> None:
        if capability not in self.capabilities:
            raise ModelError(f"{self._name} does not {capability}: its capabilities say so")


class UserReplay(UserModel):
    """The same for an object that knows beforehand what it lacks."""

    def missing(self, cases: Iterable[tuple[str, Request]]) -> list[str]:
        """What the object says it lacks."""
        with _told_as(f"{self._name}.missing() failed"):
            return list(self._inner.missing(cases))


def _load(argument: str) -> Model:
    """The user's model. Raises UserError if it cannot be imported, made, or lacks something."""
    module, _, name = argument.partition(":")
    if not module or not name:
        raise UserError(f"model python:{argument} is incomplete: write python:MODULE:CLASS")
    with _current_directory_importable():
        with _told_as(f"importing {module} failed"):
            found = _import(module)
        made = getattr(found, name, None)
        if not isinstance(made, type):
            raise UserError(f"{module} has no class {name}")
        with _told_as(f"{module}:{name}() failed"):
            return _wrap(made(), f"{module}:{name}")


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    """Python's own `-m` looks in the current directory first; so does this, while it lasts."""
    before = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    """Turn whatever the user's code raises into one line that says where."""
    try:
        yield
    except PiscesEvalError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{what}: {type(error).__name__}: {reason}") from error


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise UserError(
            f"no module {error.name} is installed or in {Path.cwd()}; write python:MODULE:CLASS"
        ) from error


def _wrap(inner: Any, name: str) -> UserModel:
    """The object behind the contract. Raises UserError that names the first thing it lacks."""
    capabilities = _words(inner, "capabilities", name)
    if not capabilities or not _CAPABILITIES.issuperset(capabilities):
        raise UserError(f"{name}.capabilities must be 'answer', 'draw' or both")
    for method in ("fingerprint", *sorted(capabilities)):
        if not callable(getattr(inner, method, None)):
            raise UserError(f"{name} lacks the method {method}()")
    notes = _words(inner, "notes", name) if hasattr(inner, "notes") else ()
    kind = UserReplay if callable(getattr(inner, "missing", None)) else UserModel
    return kind(inner, name, frozenset(capabilities), notes)


def _words(inner: Any, attribute: str, name: str) -> tuple[str, ...]:
    """An attribute that must be a collection of texts; a set comes sorted."""
    value = getattr(inner, attribute, None)
    if not isinstance(value, list | tuple | set | frozenset):
        raise UserError(f"{name} must have {attribute}: a set or tuple of texts")
    if not all(isinstance(word, str) for word in value):
        raise UserError(f"{name}.{attribute} must hold texts only")
    return tuple(sorted(value) if isinstance(value, set | frozenset) else value)


MODEL: Plugin[Model] = Plugin(
    name="python",
    usage="python:MODULE:CLASS",
    summary="a model that you wrote: a class in a module, installed or in the current directory",
    load=_load,
)
