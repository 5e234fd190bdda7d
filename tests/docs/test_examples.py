"""What the documentation shows works: blocks that say so are run, commands are parsed.

CONTRIBUTING.md, "Documentation", explains the marks in front of blocks.
"""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pisces_eval.cli.main import build_parser, parse
from pisces_eval.registry import Registry

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|runs with|runs|shows) ?(?P<name>\S*) -->\n)?"
    r"^(?P<fence>`{3,})(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"^<!-- (?:file|runs|shows)\b.*$", re.MULTILINE)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
COMMAND = "pisces-eval"
START = "from pisces_eval.cli.main import main; raise SystemExit(main())"


class Block(NamedTuple):
    mark: str
    name: str
    language: str
    body: str


def blocks(page):
    return [
        Block(match["mark"] or "", match["name"] or "", match["language"], match["body"])
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def commands(text):
    """The arguments of each pisces-eval command in a text; what follows two blanks is a remark."""
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        for part in line.split("&&"):
            words = shlex.split(re.split(r"\s{2,}", part.strip())[0], comments=True)
            if words and words[0].rpartition("/")[2] == COMMAND:
                yield words[1:]


def shown_commands(page):
    """Every command of a page: in blocks, in indented blocks, and whole ones between backticks."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language in ("", "sh", "bash"):
            yield from commands(block.body)
    indented = re.findall(rf"^    ({COMMAND} .*)$", text, re.MULTILINE)
    inline = [code for code in INLINE_CODE.findall(text) if code.startswith(f"{COMMAND} ")]
    yield from commands("\n".join(indented))
    # `pisces-eval run` names a verb and is no whole command.
    yield from (words for words in commands("\n".join(inline)) if len(words) > 1)


def unknown_names(parsed, registry):
    """Names in --tasks, --model and --detector that nothing has."""
    tasks = filter(None, getattr(parsed, "tasks", "").split(","))
    specs = [(name, registry.tasks()) for name in tasks]
    specs.append((getattr(parsed, "model", None), registry.models()))
    specs.append((getattr(parsed, "detector", None), registry.detectors()))
    return [spec for spec, known in specs if spec and spec.partition(":")[0] not in known]


def flags(parser):
    """All flags of a parser and its verbs."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            found |= {flag for verb in action.choices.values() for flag in flags(verb)}
    return found


def run(command, folder, path=""):
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PISCES_EVAL_")},
        "PATH": os.pathsep.join((path, os.environ["PATH"])),
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path):
    """An empty folder that holds the examples."""
    shutil.copytree(EXAMPLES, tmp_path / "page" / "examples")
    return tmp_path / "page"


@pytest.fixture
def path(tmp_path):
    """A folder for PATH with pisces-eval and python as they are installed here."""
    home = tmp_path / "bin"
    home.mkdir()
    for name, arguments in ((COMMAND, ["-I", "-c", START]), ("python", [])):
        words = shlex.join([sys.executable, *arguments])
        (home / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (home / name).chmod(0o755)
    return str(home)


def is_there(name):
    return shutil.which(name) is not None or importlib.util.find_spec(name) is not None


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.mark.startswith("runs") for block in blocks(page))],
    ids=lambda page: page.name,
)
def test_a_page_does_what_it_says(page, folder, path):
    printed = None
    for block in blocks(page):
        if block.mark == "file":
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(block.body, encoding="utf-8")
        elif block.mark == "shows":
            assert printed is None or printed == block.body
        elif block.mark.startswith("runs"):
            if block.mark == "runs with" and not is_there(block.name):
                printed = None
                continue
            start = [sys.executable] if block.language == "python" else ["sh", "-e"]
            done = run([*start, "-c", block.body], folder, path)
            assert done.returncode == 0, f"{block.body}\n{done.stderr}"
            printed = done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_mark_stands_in_front_of_a_block(page):
    marked = [block for block in blocks(page) if block.mark]
    assert len(marked) == len(MARK.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("page", "words"),
    [(page, words) for page in PAGES for words in shown_commands(page)],
    ids=lambda value: value.name if isinstance(value, Path) else " ".join(value),
)
def test_shown_commands_exist(page, words):
    try:
        parsed = parse(words)
    except SystemExit as leaving:
        assert leaving.code == 0, f"{page.name} shows a command that is none"
        return
    files = getattr(parsed, "plugin", ())
    if all((ROOT / file).is_file() for file in files):  # others are written on the page, and run
        assert unknown_names(parsed, Registry(tuple(ROOT / file for file in files))) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_in_prose_exist(page):
    known = flags(build_parser())
    shown = {
        code.split()[0]
        for code in INLINE_CODE.findall(page.read_text(encoding="utf-8"))
        if re.match(r"--[a-z]", code)
    }
    assert shown <= known


def test_commands_are_found_with_remarks_and_line_breaks():
    text = (
        "pisces-eval run \\\n--mini\nls\npip list && .venv/bin/pisces-eval doctor   a remark # or\n"
    )
    assert list(commands(text)) == [["run", "--mini"], ["doctor"]]


def test_the_example_model_answers(folder):
    arguments = ["run", "--tasks", "mmmu", "--mini", "--model", "python:my_model:MyModel"]
    done = run([sys.executable, "-I", "-c", START, *arguments, "--json"], folder / "examples")
    assert done.returncode == 0, done.stderr
    assert '"model": "python:my_model:MyModel"' in done.stdout


def test_the_example_benchmark_judges(folder):
    lines = (f'{{"id": "dots-{n}", "text": "{n + 1 if n < 4 else 0}."}}\n' for n in range(6))
    (folder / "answers.jsonl").write_text("".join(lines))
    arguments = ["run", "--plugin", "examples/count_dots.py", "--tasks", "count_dots"]
    model = ["--model", "answers:answers.jsonl", "--out", "run"]
    done = run([sys.executable, "-I", "-c", START, *arguments, *model], folder)
    assert done.returncode == 0, done.stderr
    assert '"value": 0.6666666666666666,' in (folder / "run" / "results.json").read_text()


def test_the_readme_shows_the_example_model():
    code = (EXAMPLES / "my_model.py").read_text(encoding="utf-8").partition('"""\n\n')[2]
    shown = [block.body for block in blocks(ROOT / "README.md") if block.language == "python"]
    assert shown[:1] == [code]
