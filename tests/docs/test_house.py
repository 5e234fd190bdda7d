"""How the house is built: rooms import only downwards, and nothing heavy loads for a listing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "pisces_eval": ROOT / "pisces_eval",
    "pisces_eval.tasks": ROOT / "tasks",
    "pisces_eval.detectors": ROOT / "detectors",
    "pisces_eval.reports": ROOT / "reports",
}
LEVELS = {
    "": 0,  # the package itself: its version
    "errors": 0,
    "records": 0,
    "formatting": 1,
    "interfaces": 1,
    "stats": 1,
    "data": 2,
    "scoring": 2,
    "store": 2,
    "tasks": 3,
    "detectors": 3,
    "models": 3,
    "reports": 3,
    "registry": 4,
    "run": 5,
    "checkup": 5,
    "cli": 6,
}
"""A room may import itself and rooms of lower levels."""

PLUGIN_ROOMS = ("tasks", "detectors", "models", "reports")
HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "pandas",
    "scipy",
    "PIL",
    "numpy",
    "pyarrow",
    "jinja2",
)
MOST_LINES = 400
LONGEST_FUNCTION = 60


def modules():
    """Every module of the package by its dotted name."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join((package, *parts)).removesuffix(".__init__")
            found[name] = path
    return found


MODULES = modules()


def room(module):
    return module.split(".")[1] if "." in module else ""


def imports(name, *, when_loaded):
    """Our modules that a module imports: all of them, or only those needed to load it."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    nodes = loaded_statements(tree.body) if when_loaded else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} line {node.lineno}: write the import in full"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES:
                    yield inner
                elif node.module in MODULES:
                    yield node.module


def loaded_statements(body):
    """Statements that run when a module is loaded: not in functions, not for type checkers only."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from loaded_statements(node.orelse)
            continue
        yield node
        for inner in ("body", "orelse", "finalbody"):
            yield from loaded_statements(getattr(node, inner, []))


def cycle_from(name, edges, path=()):
    if name in path:
        return [*path[path.index(name) :], name]
    for other in edges.pop(name, ()):
        found = cycle_from(other, edges, (*path, name))
        if found:
            return found
    return None


def functions(tree):
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_room_has_its_level():
    assert {room(name) for name in MODULES} == set(LEVELS)


@pytest.mark.parametrize("name", MODULES)
def test_rooms_import_only_downwards(name):
    home = room(name)
    upwards = [
        other
        for other in imports(name, when_loaded=False)
        if room(other) != home and LEVELS[room(other)] >= LEVELS[home]
    ]
    assert upwards == []


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) not in PLUGIN_ROOMS])
def test_the_engine_knows_no_plugin_by_name(name):
    others = imports(name, when_loaded=False)
    assert [other for other in others if room(other) in PLUGIN_ROOMS] == []


def test_no_modules_import_each_other_in_a_circle():
    edges = {name: {*imports(name, when_loaded=True)} - {name} for name in MODULES}
    for name in MODULES:
        # What was visited without finding a circle need not be visited again.
        assert cycle_from(name, edges) is None


def test_a_circle_is_found():
    assert cycle_from("a", {"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_short(name):
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{name} has {lines} lines: which of its ideas can live alone?"


@pytest.mark.parametrize("name", MODULES)
def test_functions_are_short(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    long = [
        f"{function.name}: {function.end_lineno - function.lineno + 1} lines"
        for function in functions(tree)
        if function.end_lineno - function.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [n for n in MODULES if n.rpartition(".")[2].strip("_") in drawers] == []


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) != "cli"])
def test_only_the_command_line_prints(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [f.lineno for f in calls if isinstance(f, ast.Name) and f.id == "print"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["tasks", "list"],
        ["tasks", "list", "--json"],
        ["models"],
        ["detectors"],
    ],
    ids=" ".join,
)
def test_listing_loads_nothing_heavy(arguments, tmp_path):
    program = f"""
import json, sys
from pisces_eval.cli.main import main
try:
    code = main({arguments!r})
except SystemExit as leaving:
    code = leaving.code
print(json.dumps([code, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_every_package_is_installed():
    project = msgspec.toml.decode((ROOT / "pyproject.toml").read_bytes())
    packages = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(packages)


def test_every_folder_with_modules_is_a_package():
    lacking = [p.parent for p in MODULES.values() if not (p.parent / "__init__.py").is_file()]
    assert lacking == []
