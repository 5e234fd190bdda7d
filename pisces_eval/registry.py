"""Finds plug-ins: built in, by entry point of an installed package, and in --plugin files.

Each module or package directly under pisces_eval.tasks, .models, .detectors and .reports is a
plug-in unless its name starts with an underscore; it exposes one attribute (TASK, MODEL, DETECTOR,
REPORT). Other packages register the same objects under the entry point groups of the same names.
Listing imports only these light modules: none of them may import torch and its like at the top.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, cast

from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.interfaces import Detector, Model, Plugin, Report, Task

Found = TypeVar("Found")


class Group(NamedTuple):
    """One kind of plug-in: its package, which is its entry point group too, and its attribute."""

    package: str
    attribute: str
    noun: str


TASKS = Group("pisces_eval.tasks", "TASK", "task")
MODELS = Group("pisces_eval.models", "MODEL", "model")
DETECTORS = Group("pisces_eval.detectors", "DETECTOR", "detector")
REPORTS = Group("pisces_eval.reports", "REPORT", "report")
ATTRIBUTES = tuple(group.attribute for group in (TASKS, MODELS, DETECTORS, REPORTS))


@dataclass(frozen=True)
class Registry:
    """All plug-ins that this process can see."""

    files: tuple[Path, ...] = ()
    """--plugin files, whose plug-ins shadow the others."""

    def tasks(self) -> dict[str, Task]:
        """All tasks by name, sorted."""
        return {name: cast(Task, found) for name, found in self._all(TASKS).items()}

    def models(self) -> dict[str, Plugin[Model]]:
        """All model adapters by name, sorted."""
        return {name: cast("Plugin[Model]", found) for name, found in self._all(MODELS).items()}

    def detectors(self) -> dict[str, Plugin[Detector]]:
        """All detector back ends by name, sorted."""
        found = self._all(DETECTORS)
        return {name: cast("Plugin[Detector]", plugin) for name, plugin in found.items()}

    def reports(self) -> dict[str, Report]:
        """All report formats by name, sorted."""
        return {name: cast(Report, found) for name, found in self._all(REPORTS).items()}

    def task(self, name: str) -> Task:
        """The task of that name. Raises UserError with the nearest names."""
        return _pick(self.tasks(), name, TASKS)

    def model(self, spec: str) -> Model:
        """Loads the model of a string such as 'images:FOLDER'. Raises UserError and its kin."""
        return _load(self.models(), spec, MODELS)

    def detector(self, spec: str) -> Detector:
        """Loads the detector of a string such as 'onnx:PATH'. Raises UserError and its kin."""
        return _load(self.detectors(), spec, DETECTORS)

    def fetchable(self, name: str) -> Plugin[Any]:
        """The plug-in of a name such as 'detector:mask2former'. Raises UserError."""
        noun, _, wanted = name.partition(":")
        found: Mapping[str, Plugin[Any]]
        if noun == MODELS.noun:
            found = self.models()
        elif noun == DETECTORS.noun:
            found = self.detectors()
        else:
            raise UserError(f"'{name}' cannot be fetched; write model:NAME or detector:NAME")
        return _pick(found, wanted, MODELS if noun == MODELS.noun else DETECTORS)

    def _all(self, group: Group) -> dict[str, Any]:
        found = {}
        for plugin in _built_in(group):
            found[_name(plugin)] = plugin
        for plugin in _installed(group):
            found.setdefault(_name(plugin), plugin)
        for file in self.files:
            plugin = getattr(_module_from(file), group.attribute, None)
            if plugin is not None:
                found[_name_in(file, plugin, group)] = plugin
        return dict(sorted(found.items()))


def split_names(text: str, known: Iterable[str], noun: str = TASKS.noun) -> tuple[str, ...]:
    """'a,b' to its names, without repeats. Raises UserError for an unknown or an empty list."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise UserError(f"no {noun} named; give some, separated by commas: {', '.join(known)}")
    known_names = dict.fromkeys(known)
    for name in names:
        _pick(known_names, name, Group("", "", noun))
    return names


def install_command(plugin: Plugin[Any]) -> str:
    """What installs the packages that a plug-in requires."""
    extra = f"[{plugin.extra}]" if plugin.extra else ""
    return f'pip install "pisces-eval{extra}"'


def _pick(found: Mapping[str, Found], name: str, group: Group) -> Found:
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(found)}"
    raise UserError(f"no {group.noun} is called '{name}'; {advice}")


def _load(found: Mapping[str, Plugin[Found]], spec: str, group: Group) -> Found:
    name, _, argument = spec.partition(":")
    plugin = _pick(found, name, group)
    for module in plugin.requires:
        if importlib.util.find_spec(module) is None:
            raise EnvironmentFailure(
                f"{group.noun} '{name}' needs the package {module}; install it with: "
                f"{install_command(plugin)}"
            )
    return plugin.load(argument)


def _name(plugin: Any) -> str:
    return str(plugin.info.name if hasattr(plugin, "info") else plugin.name)


def _name_in(file: Path, plugin: Any, group: Group) -> str:
    try:
        return _name(plugin)
    except AttributeError as error:
        raise UserError(
            f"--plugin {file}: {group.attribute} is no {group.noun} plug-in ({error}); see "
            "docs/adapters.md"
        ) from error


def _built_in(group: Group) -> Iterator[Any]:
    package = importlib.import_module(group.package)
    for module in pkgutil.iter_modules(package.__path__, group.package + "."):
        if not module.name.rpartition(".")[2].startswith("_"):
            yield getattr(importlib.import_module(module.name), group.attribute)


def _installed(group: Group) -> Iterator[Any]:
    for entry in entry_points(group=group.package):
        try:
            yield entry.load()
        except (ImportError, AttributeError) as error:
            package = entry.dist.name if entry.dist else entry.value
            raise EnvironmentFailure(
                f"the {group.noun} '{entry.name}' of the package {package} cannot be imported "
                f"({error}); mend or uninstall that package"
            ) from error


def _module_from(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"pisces_eval_plugin_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UserError(f"--plugin {file}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        raise UserError(f"--plugin {file}: {type(error).__name__}: {error}") from error
    if not any(hasattr(module, attribute) for attribute in ATTRIBUTES):
        raise UserError(f"--plugin {file}: it has none of {', '.join(ATTRIBUTES)}")
    return module
