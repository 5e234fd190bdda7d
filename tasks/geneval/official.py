"""The files that GenEval's own scripts write: results.jsonl and the printed summary.

Formats of `evaluate_images.py` and `summary_scores.py` of djghosh13/geneval @af4902f, to the byte:
anyone can check our numbers with the official summary script.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pisces_eval.tasks.geneval.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """One judged image as the official evaluator reports it."""

    filename: str
    tag: str
    prompt: str
    metadata: str
    """The prompt's official row, as JSON."""
    verdict: Verdict

    @property
    def correct(self) -> bool:
        """The official verdict."""
        return self.verdict.correct


def results_text(rows: Iterable[Row]) -> str:
    """results.jsonl: a line an image; metadata and details are JSON inside JSON."""
    return "".join(_line(row) for row in rows)


def summary_text(rows: Sequence[Row]) -> str:
    """What the official summary script prints. Empty for no rows, on which the script fails."""
    if not rows:
        return ""
    tags = _by(rows, lambda row: row.tag)
    prompts = _by(rows, lambda row: row.metadata)
    any_correct = [any(row.correct for row in images) for images in prompts.values()]
    lines = [
        "Summary",
        "=======",
        f"Total images: {len(rows)}",
        f"Total prompts: {len(prompts)}",
        f"% correct images: {_accuracy(rows):.2%}",
        f"% correct prompts: {sum(any_correct) / len(any_correct):.2%}",
        "",
        "Task breakdown",
        "==============",
        *(
            f"{tag:<16} = {_accuracy(images):.2%} ({_correct(images)} / {len(images)})"
            for tag, images in tags.items()
        ),
        "",
        f"Overall score (avg. over tasks): {overall(rows):.5f}",
    ]
    return "\n".join(lines) + "\n"


def overall(rows: Sequence[Row]) -> float:
    """The unweighted mean of the tags' image accuracies, over the tags that are there."""
    import numpy as np

    return float(np.mean([_accuracy(images) for images in _by(rows, lambda r: r.tag).values()]))


def _line(row: Row) -> str:
    fields = {
        "filename": row.filename,
        "tag": row.tag,
        "prompt": row.prompt,
        "correct": row.correct,
        "reason": row.verdict.reason,
        "metadata": row.metadata,
        "details": json.dumps(row.verdict.details),
    }
    # The official file is written by pandas, which escapes the slash.
    return json.dumps(fields, separators=(",", ":")).replace("/", "\\/") + "\n"


def _by(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _correct(rows: Sequence[Row]) -> int:
    return sum(row.correct for row in rows)


def _accuracy(rows: Sequence[Row]) -> float:
    return _correct(rows) / len(rows)
