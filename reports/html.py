"""report.html: one file that shows a run, opens from disk and touches no network.

A Content-Security-Policy lets in this page's own style sheet and script by their hashes and images
as data URIs, and nothing else. Every text of the run is escaped; no script holds data.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources

from pisces_eval.interfaces import RunView
from pisces_eval.records import TaskResult
from pisces_eval.reports._gallery import Gallery, gallery
from pisces_eval.reports._numbers import (
    Caveat,
    HeadlineRow,
    MetricTable,
    caveats,
    headline_rows,
    metric_tables,
    status,
)
from pisces_eval.reports._provenance import Fact, FactGroup, provenance_groups, short_fact


@dataclass(frozen=True)
class TaskView:
    """One task: its numbers under every protocol, and its samples."""

    anchor: str
    """Made of the task's place in the run, so that no name gets into an id."""
    name: str
    data: str
    fingerprint: Fact
    statuses: tuple[str, ...]
    tables: tuple[MetricTable, ...]
    gallery: Gallery


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    model: str
    identity: Fact
    caveats: tuple[Caveat, ...]
    headlines: tuple[HeadlineRow, ...]
    tasks: tuple[TaskView, ...]
    provenance: tuple[FactGroup, ...]


@dataclass(frozen=True)
class HtmlReport:
    """The report for people: numbers with whiskers, and samples to look at."""

    name: str = "html"
    filename: str = "report.html"

    def render(self, run: RunView) -> str:
        """The page as text; the same run gives the same text."""
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup

        environment = Environment(
            loader=FunctionLoader(_template_text),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style, script = _template_text("report.css"), _template_text("report.js")
        return environment.get_template("report.html.j2").render(
            page=page(run),
            policy=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
        )


REPORT = HtmlReport()


def page(run: RunView) -> Page:
    """The run as the template wants it."""
    results = run.results.results
    names = dict.fromkeys(result.task for result in results)
    return Page(
        model=run.results.model,
        identity=short_fact("Identity", run.results.identity),
        caveats=caveats(run),
        headlines=headline_rows(results),
        tasks=tuple(
            _task_view(run, number, tuple(result for result in results if result.task == name))
            for number, name in enumerate(names, start=1)
        ),
        provenance=provenance_groups(run),
    )


def _task_view(run: RunView, number: int, results: tuple[TaskResult, ...]) -> TaskView:
    first = results[0]
    remarks = dict.fromkeys(status(result) for result in results)
    return TaskView(
        anchor=f"task-{number}",
        name=first.task,
        data=first.data,
        fingerprint=short_fact("Task fingerprint", first.fingerprint),
        statuses=tuple(remark for remark in remarks if remark),
        tables=tuple(table for result in results for table in metric_tables(result)),
        gallery=gallery(run, first.task),
    )


def _template_text(name: str) -> str:
    folder = resources.files("pisces_eval.reports") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'"
    )


def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
