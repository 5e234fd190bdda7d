"""pisces-eval.toml: defaults for flags, in the folder where the command is given."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pisces_eval.errors import UserError

CONFIG_NAME = "pisces-eval.toml"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """pisces-eval.toml: defaults of the flags of the same names."""

    model: str | None = None
    detector: str | None = None
    data_dir: str | None = None
    seed: int | None = None
    batch_size: int | None = None


def read_config(folder: Path) -> Config:
    """The configuration in a folder; all defaults without one. Raises UserError for a bad file."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return Config()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        known = ", ".join(Config.__struct_fields__)
        raise UserError(f"{path}: {error}; it may hold {known}") from error
