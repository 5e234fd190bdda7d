"""Every relative link of the documentation leads to a file, and every anchor to a heading."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

FENCE = re.compile(r"^(?P<fence>`{3,})[^\n]*\n.*?^(?P=fence)$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"(?P<target>[^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$", re.MULTILINE)


def links(text):
    """Targets of all links outside code."""
    prose = FENCE.sub("", text)
    found = [match["target"] for match in HTML_LINK.finditer(prose)]
    return found + [match["target"] for match in LINK.finditer(INLINE_CODE.sub("code", prose))]


def anchors(text):
    """The names that GitHub gives to headings: lower case, no punctuation, hyphens for spaces."""
    names, seen = [], Counter()
    for match in HEADING.finditer(FENCE.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match["text"]).lower()
        name = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        names.append(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def is_elsewhere(target):
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def faults(page, text):
    """What is wrong with the links of a text that stands in the place of a page."""
    for target in links(text):
        if is_elsewhere(target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    assert list(faults(page, page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](nowhere.md)", ["nowhere.md: no such file"]),
        ("[a](../../outside.md)", ["../../outside.md: no such file"]),
        ("[a](#no-such)", ["#no-such: no such heading"]),
        ("[a](data.md#no-such)", ["data.md#no-such: no such heading"]),
        ('<img alt="" src="nowhere.png">', ["nowhere.png: no such file"]),
        ("[a](data.md) [b](#clusters) [c](https://example.org/x.md)", []),
        ("`[a](nowhere.md)`\n\n```\n[a](nowhere.md)\n```\n", []),
    ],
)
def test_dead_links_are_found_and_live_ones_are_not(text, expected):
    assert list(faults(ROOT / "docs" / "estimates.md", text)) == expected


def test_anchors_are_named_as_github_names_them():
    assert anchors("# What it is, in `code`\n## A & B\n## A & B\n") == [
        "what-it-is-in-code",
        "a--b",
        "a--b-1",
    ]


def test_every_page_is_reached_from_the_readme():
    linked, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        linked.add(page)
        for target in links(page.read_text(encoding="utf-8")):
            file = (page.parent / target.partition("#")[0]).resolve()
            if not is_elsewhere(target) and file.suffix == ".md" and file.is_file():
                todo.extend({file} - linked - set(todo))
    assert [page.name for page in PAGES if page not in linked] == []
