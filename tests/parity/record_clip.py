"""Records how clip-anytorch 2.6.0 sees the colours of small pictures, for test_clip_parity.py.

Runs in the tox environment clip and needs no network:

    tox exec -e clip -- python tests/parity/record_clip.py

Network and pictures come from seeds (made_clip.py). Kept are the logits and, of the tokeniser, the
merges and codes that the prompts use: with these alone they are split as with all.
"""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import made_clip as made
import torch

from pisces_eval.detectors import _clip_anytorch
from pisces_eval.detectors._clip import PROMPTS, ColorClassifier

FIXTURE = Path(__file__).parent / "fixtures" / "clip_anytorch_2.6.0.json"

SPECIAL = ("<|startoftext|>", "<|endoftext|>")


def main() -> None:
    """Write the fixture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.pt"
        made.write_openai_file(path)
        towers = _clip_anytorch.load(str(path), torch.device("cpu"))
    judge = ColorClassifier(towers, torch.device("cpu"), "tiny")
    colored = judge.with_colors(*made.pictures(), made.VOCABULARY)
    texts = [
        prompt.format(color=color, name=name)
        for name in made.VOCABULARY.classes
        for color in made.VOCABULARY.colors
        for prompt in PROMPTS
    ]
    merges, codes = used(towers.tokenizer, texts)
    FIXTURE.write_text(
        json.dumps(
            {
                "source": f"clip-anytorch {towers.version}, torch {torch.__version__}",
                "merges": merges,
                "codes": codes,
                "tokens": {text: towers.tokens([text])[0].tolist() for text in sorted(set(texts))},
                "logits": [[detection.colors for detection in found] for found in colored],
            },
            indent=None,
            separators=(",", ":"),
        )
        + "\n"
    )


def used(tokenizer: Any, texts: list[str]) -> tuple[list[str], dict[str, int]]:
    """The merges that these texts need, best first, and the codes of all that they join."""
    merges: set[tuple[str, str]] = set()
    for word in {word for text in texts for word in tokenizer.pat.findall(text)}:
        parts = [*word[:-1], word[-1] + "</w>"]
        while pair := min(
            (each for each in pairwise(parts) if each in tokenizer.bpe_ranks),
            key=tokenizer.bpe_ranks.__getitem__,
            default=None,
        ):
            merges.add(pair)
            parts = joined(parts, pair)
    ordered = sorted(merges, key=tokenizer.bpe_ranks.__getitem__)
    pieces = {piece for pair in ordered for piece in (*pair, "".join(pair))}
    letters = {letter for text in texts for letter in text if letter != " "}
    names = pieces | letters | {letter + "</w>" for letter in letters} | set(SPECIAL)
    codes = {name: tokenizer.encoder[name] for name in names}
    return [" ".join(pair) for pair in ordered], dict(
        sorted(codes.items(), key=lambda item: item[1])
    )


def joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """The parts with each occurrence of a pair, from the left, made one."""
    result: list[str] = []
    for part in parts:
        if result and (result[-1], part) == pair:
            result[-1] += part
        else:
            result.append(part)
    return result


if __name__ == "__main__":
    main()
