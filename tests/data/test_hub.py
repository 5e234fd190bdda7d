"""Hub rows name their commit; without the hub the cache serves, or one line says how to fetch."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pisces_eval.data.hub import hub_rows
from pisces_eval.errors import EnvironmentFailure, TaskError, UserError
from pisces_eval.interfaces import Rows

pytestmark = pytest.mark.torch

NAME = "owner/Quiz"
OLD, NEW = "a" * 40, "b" * 40

Answer = Callable[..., SimpleNamespace]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, an empty data set cache, and the folder of our data set in the former."""
    datasets = pytest.importorskip("datasets")
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub" / "datasets--owner--Quiz"


@pytest.fixture
def hub_answers(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Put a function in the place of the one request that reaches for the network."""
    from huggingface_hub import HfApi

    return lambda answer: monkeypatch.setattr(HfApi, "dataset_info", answer)


@pytest.fixture
def unreachable(hub_answers: Callable[[Answer], None]) -> None:
    hub_answers(raising(ConnectionError("no route\nto host")))


def raising(error: Exception) -> Answer:
    def answer(*_: object, **__: object) -> SimpleNamespace:
        raise error

    return answer


def http_error(name: str) -> Exception:
    from huggingface_hub import errors

    response = SimpleNamespace(headers={}, request=None, status_code=404)
    kind: type[Exception] = getattr(errors, name)
    return kind("refused", response=response)  # type: ignore[call-arg]


def put_snapshot(cache: Path, commit: str, texts: list[str], *, ref: str | None = None) -> Path:
    import pyarrow
    from pyarrow import parquet

    rows = [{"q": text, "image": {"bytes": text.encode(), "path": "p.png"}} for text in texts]
    folder = cache / "snapshots" / commit / "data"
    folder.mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "test-00000-of-00001.parquet")
    if ref:
        (cache / "refs").mkdir(exist_ok=True)
        (cache / "refs" / ref).write_text(commit)
    return folder.parent


def ask(**options: Any) -> Rows:
    defaults: dict[str, Any] = {"config": None, "split": "test", "revision": None}
    return hub_rows(NAME, **{**defaults, "image_columns": ("image",), **options})


def texts(rows: Rows) -> list[str]:
    return [row["q"] for row in rows]


@pytest.mark.usefixtures("unreachable")
class TestOutOfReach:
    def test_cached_rows_are_read_at_the_commit_of_the_ref(
        self, cache: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put_snapshot(cache, NEW, ["newer"])
        put_snapshot(cache, OLD, ["one", "two"], ref="main")

        rows = ask()

        assert (rows.revision, rows.count, texts(rows)) == (OLD, 2, ["one", "two"])
        assert rows.source == "hub owner/Quiz test"
        assert f"at commit {OLD} from the local cache" in caplog.text

    def test_images_are_pictures_of_the_stored_bytes(self, cache: Path) -> None:
        put_snapshot(cache, OLD, [f"text {number}" for number in range(40)], ref="main")

        row = list(ask())[39]

        assert row["image"].read() == b"text 39"
        assert row["image"].name == "owner/Quiz test row 39 column image"

    @pytest.mark.parametrize(("revision", "commit"), [("v1", OLD), (NEW, NEW)])
    def test_a_cached_tag_or_commit_is_found(self, cache: Path, revision: str, commit: str) -> None:
        put_snapshot(cache, OLD, ["old"], ref="v1")
        put_snapshot(cache, NEW, ["new"], ref="main")

        assert ask(revision=revision).revision == commit

    def test_without_a_ref_the_newest_snapshot_serves(self, cache: Path) -> None:
        for commit, time in ((OLD, 2), (NEW, 1)):
            os.utime(put_snapshot(cache, commit, [commit]), (time, time))

        rows = ask()

        assert (rows.revision, texts(rows)) == (OLD, [OLD])

    def test_a_revision_that_is_not_cached_is_never_replaced(self, cache: Path) -> None:
        put_snapshot(cache, OLD, ["old"], ref="main")

        with pytest.raises(EnvironmentFailure, match=r"at revision v2 is neither reachable"):
            ask(revision="v2")

    def test_nothing_cached_says_how_to_fetch_in_one_line(self) -> None:
        with pytest.raises(EnvironmentFailure) as caught:
            ask()

        message = str(caught.value)
        assert "\n" not in message
        assert "(ConnectionError: no route)" in message
        assert "hf download owner/Quiz --repo-type dataset --local-dir data/quiz" in message
        assert "--data-dir data/quiz" in message
        assert "--mini" in message

    def test_missing_shards_do_not_pass_for_a_smaller_data_set(self, cache: Path) -> None:
        snapshot = put_snapshot(cache, OLD, ["one"], ref="main")
        whole = snapshot / "data" / "test-00000-of-00001.parquet"
        whole.rename(whole.with_name("test-00000-of-00002.parquet"))

        with pytest.raises(EnvironmentFailure, match="1 of 2 files data/test-"):
            ask()

    def test_a_split_that_is_not_there_is_named(self, cache: Path) -> None:
        put_snapshot(cache, OLD, ["one"], ref="main")

        with pytest.raises(TaskError, match=r"cannot be read \(ValueError: Unknown split"):
            ask(split="validation")

    def test_a_configuration_that_is_not_there_is_named(self, cache: Path) -> None:
        put_snapshot(cache, OLD, ["one"], ref="main")

        with pytest.raises(TaskError, match="'other' not found"):
            ask(config="other")

    def test_a_damaged_file_is_the_datas_fault(self, cache: Path) -> None:
        snapshot = put_snapshot(cache, OLD, ["one"], ref="main")
        (snapshot / "data" / "test-00000-of-00001.parquet").write_bytes(b"PAR1 nonsense")

        with pytest.raises(TaskError, match="cannot be read"):
            ask()

    def test_stored_paths_do_not_lead_out_of_the_cache(self, cache: Path, tmp_path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        secret = tmp_path / "secret.png"
        secret.write_bytes(b"secret")
        snapshot = put_snapshot(cache, OLD, ["one"], ref="main")
        file = snapshot / "data" / "test-00000-of-00001.parquet"
        rows = [{"q": "one", "image": {"bytes": None, "path": str(secret)}}]
        parquet.write_table(pyarrow.Table.from_pylist(rows), file)

        with pytest.raises(TaskError, match=r"row 0 column image: .* leads out of"):
            list(ask())

    def test_libraries_are_as_loud_afterwards_as_before(
        self, cache: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        import datasets
        import huggingface_hub

        put_snapshot(cache, OLD, ["one"], ref="main")
        logger = logging.getLogger("datasets")
        before = (logger.level, datasets.utils.are_progress_bars_disabled())

        ask()

        assert (logger.level, datasets.utils.are_progress_bars_disabled()) == before
        assert not huggingface_hub.utils.are_progress_bars_disabled()
        assert capfd.readouterr() == ("", "")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[tuple[object, ...]]:
    """What the hub is asked to load; it is served from a snapshot beside the cache."""
    import datasets

    asked: list[tuple[object, ...]] = []
    load_for_real = datasets.load_dataset
    elsewhere = put_snapshot(cache.parent.parent / "remote", NEW, ["served"])

    def load(path: str, config: str | None, *, split: str, revision: str | None) -> Any:
        asked.append((path, config, split, revision))
        return load_for_real(str(elsewhere), config, split=split)

    monkeypatch.setattr(datasets, "load_dataset", load)
    return asked


def test_the_hub_decides_the_commit_and_exactly_it_is_loaded(
    hub_answers: Callable[[Answer], None], loads: list[tuple[object, ...]]
) -> None:
    hub_answers(lambda self, dataset, *, revision, timeout: SimpleNamespace(sha=NEW))

    rows = ask(revision="main")

    assert loads == [(NAME, None, "test", NEW)]
    assert (rows.revision, texts(rows)) == (NEW, ["served"])


def test_a_folder_of_the_data_sets_name_is_not_taken_for_it(
    hub_answers: Callable[[Answer], None], loads: list[tuple[object, ...]], tmp_path: Path
) -> None:
    hub_answers(lambda self, dataset, *, revision, timeout: SimpleNamespace(sha=NEW))
    (tmp_path / NAME).mkdir(parents=True)

    with pytest.raises(UserError, match="hides the hub data set"):
        ask()
    assert loads == []


@pytest.mark.parametrize(
    ("error", "raised", "says"),
    [
        ("RevisionNotFoundError", UserError, "has no revision v9"),
        ("GatedRepoError", EnvironmentFailure, "is gated; accept its terms"),
        ("RepositoryNotFoundError", EnvironmentFailure, "is not on the hub, or private"),
        ("HfHubHTTPError", EnvironmentFailure, "neither reachable"),
    ],
)
def test_each_refusal_of_the_hub_is_told_apart(
    hub_answers: Callable[[Answer], None], error: str, raised: type[Exception], says: str
) -> None:
    hub_answers(raising(http_error(error)))

    with pytest.raises(raised, match=says):
        ask(revision="v9")


def test_a_download_that_breaks_off_says_how_to_fetch(
    hub_answers: Callable[[Answer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    hub_answers(lambda self, dataset, *, revision, timeout: SimpleNamespace(sha=NEW))
    monkeypatch.setattr(datasets, "load_dataset", raising(ConnectionError("broke off")))

    with pytest.raises(EnvironmentFailure, match=f"broke off.*--revision {NEW}"):
        ask()


def test_offline_mode_of_the_environment_is_obeyed(cache: Path, tmp_path: Path) -> None:
    put_snapshot(cache, OLD, ["one", "two"], ref="main")
    code = (
        "from pisces_eval.data.hub import hub_rows\n"
        f"rows = hub_rows({NAME!r}, config=None, split='test', revision=None, image_columns=())\n"
        "print(rows.revision, [row['q'] for row in rows])\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    environment |= {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_DATASETS_CACHE": str(tmp_path / "d")}

    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"{OLD} ['one', 'two']\n"
    assert "OfflineModeIsEnabled" in done.stderr
