"""seal.json: one SHA-256 per file of a finished run and one root over them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pisces_eval.errors import UserError
from pisces_eval.records import Record, fingerprint
from pisces_eval.store.digest import sha256_of
from pisces_eval.store.folder import LOCK_NAME, PART, pretty_json, write_whole

SEAL_NAME = "seal.json"


class Seal(Record, frozen=True, kw_only=True):
    """Relative path to SHA-256, and the SHA-256 of that table."""

    root: str
    files: dict[str, str]


def make_seal(folder: Path) -> Seal:
    """The seal of what the folder holds now."""
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (SEAL_NAME, LOCK_NAME) and path.suffix != PART
    }
    return Seal(root=fingerprint(files), files=files)


def write_seal(folder: Path) -> Seal:
    """Seals a finished run."""
    seal = make_seal(folder)
    write_whole(folder / SEAL_NAME, pretty_json(seal))
    return seal


def broken_seals(folder: Path) -> list[str]:
    """What differs from the seal, one phrase a file; empty if all is as it was sealed.

    Raises UserError if there is no seal, or none that can be read.
    """
    path = folder / SEAL_NAME
    if not path.is_file():
        raise UserError(f"{path} does not exist; only a finished run is sealed")
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=Seal)
    except msgspec.DecodeError as error:
        raise UserError(f"{path} cannot be read ({error})") from error
    if fingerprint(sealed.files) != sealed.root:
        return [f"{SEAL_NAME}: its root does not match its own table"]
    now = make_seal(folder).files
    return [
        *(f"{name}: missing" for name in sorted(sealed.files.keys() - now.keys())),
        *(f"{name}: new" for name in sorted(now.keys() - sealed.files.keys())),
        *(
            f"{name}: changed"
            for name in sorted(now)
            if sealed.files.get(name, now[name]) != now[name]
        ),
    ]
