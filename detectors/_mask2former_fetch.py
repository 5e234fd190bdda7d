"""Downloads GenEval's Mask2Former checkpoint once and keeps it converted in the user's cache.

OpenMMLab's server could not be reached from where this was written: the address and the beginning
of the digest are those that mmdet's model index gives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock

from pisces_eval.errors import EnvironmentFailure
from pisces_eval.store.digest import sha256_of

Progress = Callable[[int, "int | None"], None]
"""Told (bytes so far, bytes in all or None if the server does not say)."""

TIMEOUT = 60.0
"""Seconds without a byte after which the server counts as gone."""

PIECE = 1 << 20

NOTHING_LEFT = 416
"""The server's answer when we ask for what follows the last byte; the digest tells if it is."""


def _swin_small() -> Any:
    from pisces_eval.detectors import _openmmlab

    return _openmmlab.network_config()


@dataclass(frozen=True)
class Release:
    """A published checkpoint."""

    url: str
    sha256: str
    """How its SHA-256 (hex) begins."""
    config: Callable[[], Any] = _swin_small
    """Makes the transformers configuration of its network."""


GENEVAL = Release(
    url=(
        "https://download.openmmlab.com/mmdetection/v2.0/mask2former/"
        "mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco/"
        "mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco_20220504_001756-743b7d99.pth"
    ),
    sha256="743b7d99",
)


def cache_folder() -> Path:
    """$PISCES_EVAL_CACHE, else pisces-eval in $XDG_CACHE_HOME or in ~/.cache."""
    own = os.environ.get("PISCES_EVAL_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "pisces-eval"


def cached_checkpoint(release: Release = GENEVAL) -> Path:
    """Where the converted checkpoint lies once it is fetched."""
    return cache_folder() / f"mask2former-{release.sha256}.safetensors"


def fetch_checkpoint(progress: Progress, release: Release = GENEVAL) -> Path:
    """The converted checkpoint in the cache, downloaded first if it is not there.

    A download that was cut off goes on where it stopped. Raises EnvironmentFailure if the server or
    the disk fails or the file is not the one expected, UserError if it holds another network.
    """
    target = cached_checkpoint(release)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.is_file():
                _fetch(release, target, progress)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write to {target.parent} ({error.strerror or error}); make room there or set "
            "PISCES_EVAL_CACHE to another folder"
        ) from error
    return target


def _fetch(release: Release, target: Path, progress: Progress) -> None:
    """Downloads beside the target, checks, converts."""
    from pisces_eval.detectors import _mask2former_weights

    download = target.with_suffix(".pth")
    if not download.is_file():
        unfinished = target.with_suffix(".pth.part")
        _download(release.url, unfinished, progress)
        digest = sha256_of(unfinished)
        if not digest.startswith(release.sha256):
            unfinished.unlink()
            raise EnvironmentFailure(
                f"{release.url} gave a file with SHA-256 {digest[:8]}…, not {release.sha256}…; "
                "it was deleted: try again, or give a file of your own as mask2former:FILE.pth"
            )
        unfinished.replace(download)
    _mask2former_weights.convert(download, target, release.config())
    download.unlink()


def _download(url: str, unfinished: Path, progress: Progress) -> None:
    """Appends what is missing of the file; raises EnvironmentFailure if that stops early."""
    try:
        done, total = _receive(url, unfinished, progress)
    except HTTPError as error:
        if error.code == NOTHING_LEFT:
            return
        raise _failure(url, f"{error.code} {error.reason}") from error
    except URLError as error:
        raise _failure(url, str(error.reason)) from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _failure(url, str(error) or type(error).__name__) from error
    if total is not None and done < total:
        raise _failure(url, f"the connection closed after {done} of {total} bytes")


def _receive(url: str, unfinished: Path, progress: Progress) -> tuple[int, int | None]:
    """(bytes now in the file, bytes it should have)."""
    done = unfinished.stat().st_size if unfinished.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    with urlopen(request, timeout=TIMEOUT) as response:
        done = done if _continues(response, done) else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        with unfinished.open("ab" if done else "wb") as file:
            progress(done, total)
            while piece := response.read(PIECE):
                file.write(piece)
                done += len(piece)
                progress(done, total)
    return done, total


def _continues(response: HTTPResponse, done: int) -> bool:
    """Whether the server sends the rest from there rather than the whole again."""
    where = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status == 206 and where is not None and int(where[1]) == done


def _failure(url: str, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot download {url}: {why}; run the command again to go on, or download the file "
        "elsewhere and give it as mask2former:FILE.pth"
    )
