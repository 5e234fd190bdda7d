"""Other wordings of the 553 prompts: models are often evaluated on rewritten, longer ones.

A variant keeps the official order and rules and replaces the wording alone. Scores on different
wordings are different benchmarks (BAGEL: 0.82 on the original, 0.88 on a rewritten file), so the
variant's name and SHA-256 stand in every result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pisces_eval.errors import UserError
from pisces_eval.tasks.geneval.prompts import Prompt, official_row


@dataclass(frozen=True)
class Variant:
    """A wording of the prompts and what must be said of it."""

    name: str
    notes: tuple[str, ...] = ()


ORIGINAL = Variant("original prompts, seed 43")


def read_variant(path: Path, prompts: Sequence[Prompt]) -> tuple[tuple[Prompt, ...], Variant]:
    """The prompts in the wording of a file: one a line (.txt), or JSON lines with "prompt".

    JSON lines may carry the official fields too, which must then be the official ones. Raises
    UserError for a file that cannot be read, has another number of lines, or another rule.
    """
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--prompts {path} cannot be read: {error}") from error
    if len(lines) != len(prompts):
        raise UserError(
            f"--prompts {path} has {len(lines)} lines; GenEval has {len(prompts)} prompts, and the "
            "file must reword each, in order"
        )
    read = _from_json if path.suffix == ".jsonl" else _from_text
    wordings = [
        read(line, prompt, f"--prompts {path} line {number}")
        for number, (line, prompt) in enumerate(zip(lines, prompts, strict=True), start=1)
    ]
    sha = hashlib.sha256(content).hexdigest()
    variant = Variant(
        name=f"prompts of {path.name}, SHA-256 {sha}",
        notes=(f"prompts reworded by {path.name} ({sha[:12]}): a column of their own",),
    )
    return tuple(
        msgspec.structs.replace(prompt, prompt=wording)
        for prompt, wording in zip(prompts, wordings, strict=True)
    ), variant


def _from_text(line: str, prompt: Prompt, where: str) -> str:
    if not line.strip():
        raise UserError(f"{where} is empty; '{prompt.prompt}' needs a wording")
    return line.strip()


def _from_json(line: str, prompt: Prompt, where: str) -> str:
    try:
        row: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UserError(f"{where} is no JSON object: {error}") from error
    official = official_row(prompt)
    for key in ("tag", "include", "exclude"):
        if key in row and row[key] != official.get(key):
            raise UserError(
                f"{where}: its {key} is not that of GenEval's prompt '{prompt.prompt}'; a variant "
                "may change the wording alone"
            )
    wording = row.get("prompt")
    if not isinstance(wording, str):
        raise UserError(f'{where} lacks "prompt", a text')
    return _from_text(wording, prompt, where)
