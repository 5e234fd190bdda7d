"""SHA-256 of files, by which everything that decides a number is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

PIECE = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file, read in pieces. Raises OSError if it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
