"""report.md: the whole file is held against a golden one; hostile names stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from pisces_eval.interfaces import RunView
from pisces_eval.reports.markdown import REPORT

GOLDEN = Path(__file__).parent / "golden" / "report.md"

MakeRun = Callable[..., RunView]


def test_matches_the_golden_file(make_run: MakeRun) -> None:
    assert REPORT.render(make_run()) == GOLDEN.read_text(encoding="utf-8")


def test_is_named_for_the_run_folder() -> None:
    assert (REPORT.name, REPORT.filename) == ("markdown", "report.md")


def test_every_row_of_a_mini_task_says_so(make_run: MakeRun) -> None:
    rows = [line for line in REPORT.render(make_run()).splitlines() if line.startswith("| quiz |")]

    assert rows
    assert all("mini data, not comparable" in row for row in rows)


def test_every_number_stands_with_its_interval_and_n(make_run: MakeRun) -> None:
    rows = [line for line in REPORT.render(make_run()).splitlines() if " ± " in line]
    numbers = [row for row in rows if row.startswith("| ") and "score ± s.e." not in row]

    assert len(numbers) == 10
    assert all(re.search(r"± \S+ \| \[.+?, .+?\] \| [\d,]+", row) for row in numbers)


def test_hostile_names_cannot_add_cells_lines_or_markup(make_run: MakeRun) -> None:
    text = REPORT.render(make_run(model="a|b\n# owned <img src=x> [l](http://x) `c`"))

    assert text.splitlines()[0] == r"# a\|b # owned \<img src=x\> [l\](http://x) \`c\`"


def test_a_run_without_results_still_renders(make_run: MakeRun) -> None:
    assert "## Provenance" in REPORT.render(make_run(results=()))


def test_an_alarm_is_read_before_any_number(make_run: MakeRun) -> None:
    run = make_run()
    loud = msgspec.structs.replace(run.results.results[0], alarms=("the detector is blind",))

    text = REPORT.render(make_run(results=(loud,)))

    assert text.index("alarm: the detector is blind") < text.index(" ± ")
