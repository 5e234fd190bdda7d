from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pisces_eval.detectors import _mask2former_fetch as fetch
from pisces_eval.errors import EnvironmentFailure, UserError

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

Steps = list[tuple[int, "int | None"]]


@dataclass
class Served:
    """One file on a server of our own, which may break off or know no ranges."""

    content: bytes
    url: str = ""
    cut_after: int | None = None
    knows_ranges: bool = True
    tells_length: bool = True
    asked: list[str] = field(default_factory=list)
    """The Range header of each request."""


@pytest.fixture
def served() -> Iterator[Served]:
    file = Served(b"")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            file.asked.append(wanted)
            start = int(re.findall(r"\d+", wanted)[0]) if wanted and file.knows_ranges else 0
            if self.path != "/x.pth":
                self.send_error(404)
            elif start and start >= len(file.content):
                self.send_error(416)
            else:
                self.answer(start)

        def answer(self, start: int) -> None:
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-/{len(file.content)}")
            if file.tells_length:
                self.send_header("Content-Length", str(len(file.content) - start))
            self.end_headers()
            self.wfile.write(file.content[start : file.cut_after])

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    file.url = f"http://127.0.0.1:{server.server_port}/x.pth"
    yield file
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PISCES_EVAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def release(
    served: Served, tmp_path: Path, small_config: Any, mmdet2: dict[str, Tensor]
) -> fetch.Release:
    """A small checkpoint of OpenMMLab's form, on the server."""
    import torch

    torch.save({"meta": {}, "state_dict": mmdet2}, tmp_path / "x.pth")
    served.content = (tmp_path / "x.pth").read_bytes()
    digest = hashlib.sha256(served.content).hexdigest()
    return fetch.Release(served.url, digest[:8], lambda: small_config)


def silent(_done: int, _total: int | None) -> None:
    """A progress nobody looks at."""


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_genevals_file_is_known_by_its_digest() -> None:
    assert fetch.GENEVAL.url.endswith("-743b7d99.pth")
    assert fetch.GENEVAL.sha256 == "743b7d99"


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISCES_EVAL_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    monkeypatch.setenv("HOME", "/home/someone")
    assert fetch.cache_folder() == Path("/own")
    monkeypatch.delenv("PISCES_EVAL_CACHE")
    assert fetch.cache_folder() == Path("/shared/pisces-eval")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert fetch.cache_folder() == Path("/home/someone/.cache/pisces-eval")
    assert fetch.cached_checkpoint().name == "mask2former-743b7d99.safetensors"


def test_it_is_downloaded_converted_and_kept(
    release: fetch.Release, served: Served, cache: Path, tmp_path: Path
) -> None:
    from pisces_eval.detectors import _mask2former_weights

    steps: Steps = []
    path = fetch.fetch_checkpoint(lambda done, total: steps.append((done, total)), release)
    assert path == fetch.cached_checkpoint(release)
    assert names(cache) == [path.name]
    size = len(served.content)
    assert steps[0] == (0, size)
    assert steps[-1] == (size, size)
    ours, original = (_mask2former_weights.read(each) for each in (path, tmp_path / "x.pth"))
    assert (ours.origin, ours.digest) == (original.origin, original.digest)

    assert fetch.fetch_checkpoint(silent, release) == path
    assert served.asked == [""]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(
    release: fetch.Release, served: Served, cache: Path, knows_ranges: bool
) -> None:
    served.cut_after, served.knows_ranges = 70_000, knows_ranges
    with pytest.raises(EnvironmentFailure, match="closed after 70000 of") as failure:
        fetch.fetch_checkpoint(silent, release)
    assert "run the command again to go on" in str(failure.value)
    assert len(names(cache)) == 1

    served.cut_after = None
    steps: Steps = []
    path = fetch.fetch_checkpoint(lambda done, total: steps.append((done, total)), release)
    assert served.asked == ["", "bytes=70000-"]
    assert steps[0] == (70_000 if knows_ranges else 0, len(served.content))
    assert names(cache) == [path.name]


def test_a_whole_download_that_was_not_converted_is_not_repeated(
    release: fetch.Release, served: Served, cache: Path
) -> None:
    cache.mkdir()
    unfinished = fetch.cached_checkpoint(release).with_suffix(".pth.part")
    unfinished.write_bytes(served.content)
    assert fetch.fetch_checkpoint(silent, release).is_file()
    assert served.asked == [f"bytes={len(served.content)}-"]


def test_a_server_that_tells_no_length_will_do(release: fetch.Release, served: Served) -> None:
    served.tells_length = False
    steps: Steps = []
    fetch.fetch_checkpoint(lambda done, total: steps.append((done, total)), release)
    assert steps[-1] == (len(served.content), None)


def test_another_file_is_deleted_and_named(served: Served, cache: Path) -> None:
    served.content = b"<html>a portal's page</html>"
    release = fetch.Release(served.url, "743b7d99")
    with pytest.raises(EnvironmentFailure, match=r"gave a file with SHA-256 \w{8}…, not 743b7d99"):
        fetch.fetch_checkpoint(silent, release)
    assert names(cache) == []


def test_a_server_without_the_file_is_named(served: Served) -> None:
    release = fetch.Release(served.url.replace("x.pth", "y.pth"), "743b7d99")
    with pytest.raises(EnvironmentFailure, match=r"y\.pth: 404 Not Found; run the command again"):
        fetch.fetch_checkpoint(silent, release)


def test_no_server_is_named() -> None:
    release = fetch.Release("http://127.0.0.1:9/x.pth", "743b7d99")
    with pytest.raises(EnvironmentFailure, match=r"cannot download http://127\.0\.0\.1:9/x\.pth: "):
        fetch.fetch_checkpoint(silent, release)


def test_a_cache_that_cannot_be_written_is_named(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PISCES_EVAL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(EnvironmentFailure, match="set PISCES_EVAL_CACHE to another folder"):
        fetch.fetch_checkpoint(silent, fetch.Release(served.url, "743b7d99"))


def test_another_network_of_the_right_digest_is_refused(
    served: Served, cache: Path, tmp_path: Path, small_config: Any
) -> None:
    import torch

    torch.save({"state_dict": {"fc.weight": torch.zeros(3)}}, tmp_path / "x.pth")
    served.content = (tmp_path / "x.pth").read_bytes()
    digest = hashlib.sha256(served.content).hexdigest()
    with pytest.raises(UserError, match="not a Mask2Former of this configuration"):
        fetch.fetch_checkpoint(silent, fetch.Release(served.url, digest, lambda: small_config))
    assert not [name for name in names(cache) if name.endswith(".safetensors")]
