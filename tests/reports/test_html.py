"""report.html: self-contained, inert, bounded, the same every time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from pisces_eval.interfaces import Evidence, Picture, RunView
from pisces_eval.records import Sample, Score
from pisces_eval.reports.html import REPORT

MakeRun = Callable[..., RunView]
Entry = tuple[Sample, Evidence, tuple[Score, ...]]
MakeEntry = Callable[[int, "str | None", Mapping[str, object]], Entry]
RIGHT = {"values": {"accuracy": 1.0}}

HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&{{ 7*7 }}<script>alert(2)</script>"


@dataclass
class Element:
    """One element with its attributes and the text directly within it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    parents: tuple[Element, ...] = field(default=(), repr=False)


class Elements(HTMLParser):
    """All elements of a page in order."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        element = Element(tag, values, parents=tuple(self._open))
        self.found.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def of(self, tag: str, css_class: str = "") -> Iterator[Element]:
        for element in self.found:
            classes = element.attributes.get("class", "").split()
            if element.tag == tag and (not css_class or css_class in classes):
                yield element


def one(elements: Iterator[Element]) -> Element:
    (element,) = elements
    return element


def card_of(page: Elements, identifier: str) -> Element:
    name = one(code for code in page.of("code") if code.attributes.get("title") == identifier)
    return name.parents[-2]


@pytest.fixture
def page(make_run: MakeRun) -> Elements:
    return Elements(REPORT.render(make_run()))


def test_is_named_for_the_run_folder() -> None:
    assert (REPORT.name, REPORT.filename) == ("html", "report.html")


def test_loads_nothing_from_anywhere(make_run: MakeRun) -> None:
    text = REPORT.render(make_run())
    loading = ("src", "href", "srcset", "data", "action", "poster", "xlink:href", "background")
    for element in Elements(text).found:
        for name in loading:
            target = element.attributes.get(name, "#")
            assert target.startswith(("data:image/jpeg;base64,", "#")), (element.tag, name, target)
        assert element.tag not in {"link", "iframe", "object", "embed", "base"}
    assert "url(" not in text
    assert "@import" not in text


def test_policy_lets_in_only_its_own_style_and_script(page: Elements) -> None:
    policy = one(meta for meta in page.of("meta") if meta.attributes.get("http-equiv")).attributes[
        "content"
    ]

    def source(tag: str) -> str:
        digest = hashlib.sha256(one(page.of(tag)).text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert [part.strip() for part in policy.split(";")] == [
        "default-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src {source('style')}",
        f"script-src {source('script')}",
    ]


def test_nothing_needs_what_the_policy_forbids(page: Elements) -> None:
    for element in page.found:
        assert "style" not in element.attributes
        assert not any(name.startswith("on") for name in element.attributes)


def test_hostile_text_stays_text(make_run: MakeRun, make_entry: MakeEntry) -> None:
    sample, evidence, scores = make_entry(0, HOSTILE, {"values": {HOSTILE: 1.0}, "answer": HOSTILE})
    sample = replace(sample, id=HOSTILE, prompt=HOSTILE, gold=HOSTILE, category=HOSTILE)
    scores = tuple(replace(score, reason=HOSTILE) for score in scores)
    page = Elements(
        REPORT.render(make_run(model=HOSTILE, entries={"quiz": ((sample, evidence, scores),)}))
    )

    assert len(list(page.of("script"))) == len(list(page.of("style"))) == 1
    assert not list(page.of("img"))
    assert HOSTILE in one(page.of("h1")).text
    card = one(page.of("article"))
    assert card.attributes["data-category"] == HOSTILE
    # id, category, prompt, response, gold, then value name, extracted answer, reason per protocol
    assert card.text.count(HOSTILE) == 5 + 2 * 3


def test_says_mini_in_a_banner_at_the_task_and_on_every_number(page: Elements) -> None:
    assert "mini data, not comparable" in one(page.of("aside", "banner")).text
    quiz = one(part for part in page.of("section", "task") if part.attributes["id"] == "task-1")
    remark = one(part for part in page.of("p", "remark") if quiz in part.parents)
    assert remark.text == "mini data, not comparable"
    numbers = [row for row in page.of("tr") if " ± " in row.text and quiz in row.parents]
    data = [row for row in numbers if not any(p.tag == "thead" for p in row.parents)]
    assert data
    assert all("not comparable" in row.text for row in data)


def test_every_number_has_its_interval_and_its_n(page: Elements) -> None:
    scores = [cell for cell in page.of("td", "score") if cell.text != "—"]

    assert len(scores) == 10
    for score in scores:
        row = score.parents[-1]
        cells = [cell.text for cell in page.of("td") if cell.parents[-1] is row]
        assert re.fullmatch(r"[\d.]+ ± [\d.]+", cells[0])
        assert re.fullmatch(r"\[-?[\d.]+, [\d.]+\]", cells[1])
        assert re.fullmatch(r"[\d,]+( in \d+ clusters)?", cells[3])


def test_every_plot_can_be_read_aloud(page: Elements) -> None:
    spoken = [plot.attributes["aria-label"] for plot in page.of("svg", "plot")]

    assert "43.7 ± 1.6, 95 % interval [40.5, 46.9]" in spoken


def test_verdicts_follow_the_first_protocol(page: Elements) -> None:
    quiz = [card for card in page.of("article") if "quiz-" in card.text]

    assert [card.attributes["data-verdict"] for card in quiz] == [
        "right",
        "wrong",
        "unparsed",
        "error",
    ]


def test_a_card_shows_question_answer_gold_and_verdict_by_protocol(page: Elements) -> None:
    card = card_of(page, "quiz-1")

    for text in ("Which colour is the square?", "A: red", "A expected", "official", "lmms-eval"):
        assert text in card.text


def test_a_failed_sample_says_who_is_to_blame(page: Elements) -> None:
    assert "model failed: out of memory" in card_of(page, "quiz-3").text


def test_a_drawing_shows_the_boxes_a_verdict_looks_at_and_the_reason(page: Elements) -> None:
    overlay = one(page.of("svg", "overlay"))
    labels = [text.text for text in page.of("text") if overlay in text.parents]

    assert overlay.attributes["viewbox"] == "0 0 64 48"
    assert labels == ["cat 0.97"]
    assert "1 of 2 detections drawn" in card_of(page, "sketch-0").text
    assert "expected cat>=2, found 1" in card_of(page, "sketch-1").text


@pytest.mark.parametrize("identifier", ["quiz-1", "sketch-1"], ids=["damaged", "gone"])
def test_a_picture_that_cannot_be_shown_leaves_a_placeholder(
    page: Elements, identifier: str
) -> None:
    card = card_of(page, identifier)

    assert [part for part in page.of("p", "gone") if card in part.parents]
    assert not [part for part in page.of("img") if card in part.parents]


def test_a_file_that_cannot_be_read_leaves_a_placeholder(
    make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lost = Picture(tmp_path_factory.mktemp("images") / "lost.png", "lost.png")
    page = Elements(REPORT.render(make_run(pictures={"quiz": {"quiz-0": (lost,)}})))

    assert not list(page.of("img"))
    assert "the picture cannot be shown" in card_of(page, "quiz-0").text


def test_the_same_run_gives_the_same_text(make_run: MakeRun) -> None:
    assert REPORT.render(make_run()) == REPORT.render(make_run())


def test_ten_thousand_samples_stay_small(make_run: MakeRun, make_entry: MakeEntry) -> None:
    long = "word " * 5_000
    score = {"values": {"accuracy": 1.0}, "answer": long, "reason": long}
    entries = {"quiz": tuple(make_entry(number, long, score) for number in range(10_000))}
    text = REPORT.render(make_run(entries=entries))

    assert text.count("<article") == 200
    assert "Showing 200 of 10,000 samples" in text
    assert "(the first 2,000 of 25,000 characters)" in text
    assert len(text.encode()) < 4_000_000


def test_more_pictures_than_fit_are_counted(make_run: MakeRun, make_entry: MakeEntry) -> None:
    sample, evidence, scores = make_entry(0, "A", RIGHT)
    entry = (replace(sample, images=("c3" * 32,) * 7), evidence, scores)
    page = Elements(REPORT.render(make_run(entries={"quiz": (entry,)}, pictures={})))

    assert len(list(page.of("p", "gone"))) == 4
    assert "3 more pictures not shown" in one(page.of("article")).text


def test_a_run_without_results_still_renders(make_run: MakeRun) -> None:
    page = Elements(REPORT.render(make_run(results=())))

    assert not list(page.of("article"))
    assert "Provenance" in one(page.of("main")).text
