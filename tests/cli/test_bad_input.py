"""Bad input costs one clear line and the right exit code: no traceback, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pisces_eval.cli.main import main

USAGE, MISSING, INCOMPLETE = 2, 3, 4
NOT_COMPARED = ("manifest.json", "seal.json", "report.html", "report.md")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every test has a working directory of its own, without configuration."""
    for name in ("PISCES_EVAL_MODEL", "PISCES_EVAL_DETECTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys):
    """Runs a command; returns its exit code and what it says on standard error."""

    def call(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().err

    return call


@pytest.fixture
def toy(cli, plugin_flags):
    """A run of the toy plug-ins; later flags win."""

    def call(*words, tasks="count_dots"):
        flags = ("--tasks", tasks, "--model", "toy", "--detector", "toy", "--out", "run")
        return cli("run", *plugin_flags, *flags, *words)

    return call


@pytest.fixture
def write_model(tmp_path):
    """Writes a plug-in file with a model `mine` of the given body; returns the flags to use it."""

    def write(body):
        file = tmp_path / "mine.py"
        file.write_text(
            "from pisces_eval.interfaces import Plugin\n"
            "class Mine:\n"
            "    capabilities = frozenset({'answer', 'draw'})\n"
            "    notes = ()\n"
            "    def fingerprint(self):\n"
            "        return 'mine'\n"
            f"{body}\n"
            "MODEL = Plugin(name='mine', usage='mine', summary='', load=lambda _: Mine())\n"
        )
        return ("--plugin", file, "--model", "mine")

    return write


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.name not in NOT_COMPARED
    }


def is_one_line(text):
    return len(text.splitlines()) == 1 and "Traceback" not in text and "a defect" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], "did you mean run?"),
        (["tasks", "lst"], "did you mean list?"),
        (["run", "--taks", "mmmu"], "did you mean --tasks?"),
        (["run"], "no task named"),
        (["run", "--tasks", ","], "no task named"),
        (["run", "--tasks", "count_dot"], "did you mean count_dots?"),
        (["tasks", "show", "nope"], "no task is called 'nope'"),
        (["report", "nope"], "it is no run folder"),
        (["score", "nope"], "it is no run folder"),
        (["verify", "nope"], "only a finished run is sealed"),
    ],
)
def test_a_wrong_word_is_named_with_the_nearest(cli, plugin_flags, words, said):
    code, err = cli(*words, *(plugin_flags if words[0] in ("run", "report", "score") else ()))
    assert (code, is_one_line(err), said in err) == (USAGE, True, True), err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "toi"], "did you mean toy?"),
        (["--limit", "0"], "--limit 0"),
        (["--limit", "-1"], "--limit -1"),
        (["--limit", "abc"], "invalid int value: 'abc'"),
        (["--limit", "9" * 30], "--limit 999"),
        (["--batch-size", "0"], "--batch-size 0"),
        (["--batch-size", "9" * 30], "--batch-size 999"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--plugin", "nope.py"], "no such Python file"),
        (["--out", "a\udcffb"], "no UTF-8"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_written(toy, words, said):
    code, err = toy(*words)
    assert (code, is_one_line(err), said in err) == (USAGE, True, True), err
    assert not Path("run").exists()


def test_a_mistyped_detector_is_refused_before_the_model_is_loaded(toy, write_model):
    flags = write_model("    def __init__(self):\n        raise RuntimeError('loaded')")
    code, err = toy(*flags, "--detector", "toi", tasks="toy_drawing")
    assert (code, is_one_line(err), "did you mean toy?" in err) == (USAGE, True, True), err


@pytest.mark.parametrize("seed", ["-5", "9" * 40])
def test_any_whole_number_is_a_seed_and_resumes(toy, seed):
    assert toy("--seed", seed)[0] == 0
    assert toy("--seed", seed)[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "pisces-eval.toml"),
        ("modle = 'x'", "modle"),
        ("seed = 'x'", "seed"),
        ("batch_size = 0", "--batch-size 0"),
    ],
)
def test_a_wrong_configuration_is_named(toy, text, said):
    Path("pisces-eval.toml").write_text(text)
    code, err = toy()
    assert (code, is_one_line(err), said in err) == (USAGE, True, True), err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x =", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("TASK = 3", "TASK is no task plug-in"),
        ("x = 3", "it has none of TASK, MODEL"),
    ],
)
def test_a_wrong_plugin_file_is_named(cli, text, said):
    Path("bad.py").write_text(text)
    code, err = cli("tasks", "list", "--plugin", "bad.py")
    assert (code, is_one_line(err), said in err) == (USAGE, True, True), err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    def answer(self, r):\n        return ['1', '2']", "gave 2 answers to"),
        ("    def answer(self, r):\n        return [1 for _ in r]", "a int, not a text"),
        ("    def answer(self, r):\n        return [b'1' for _ in r]", "a bytes, not a text"),
        ("    def answer(self, r):\n        raise SystemExit(0)", "SystemExit"),
        ("    def answer(self, r):\n        raise ValueError('\\ud800')", "ValueError: ?"),
    ],
)
def test_a_model_that_breaks_its_contract_costs_its_samples_only(toy, write_model, body, said):
    code, err = toy(*write_model(body))
    assert (code, "Traceback" in err, "a defect" in err) == (INCOMPLETE, False, False)
    lines = Path("run/count_dots/responses.jsonl").read_text().splitlines()
    assert any(said in line for line in lines)


@pytest.mark.parametrize(
    "drawing", ["None", "[[0]]", "Image.new('RGB', (0, 0))", "Image.open(BytesIO(CUT))"]
)
def test_a_drawing_that_is_none_costs_its_sample_only(toy, write_model, drawing):
    from PIL import Image

    Image.effect_noise((64, 64), 50).save("whole.png")
    body = (
        "    def draw(self, requests):\n"
        "        from io import BytesIO\n"
        "        from pathlib import Path\n"
        "        from PIL import Image\n"
        "        CUT = Path('whole.png').read_bytes()[:1000]\n"
        f"        return [{drawing} for _ in requests]"
    )
    code, err = toy(*write_model(body), tasks="toy_drawing")
    assert (code, "Traceback" in err, "a defect" in err) == (INCOMPLETE, False, False)
    lines = Path("run/toy_drawing/responses.jsonl").read_text().splitlines()
    assert len(lines) == 6
    assert all(json.loads(line)["failure"]["blame"] == "model" for line in lines)


def test_a_run_folder_of_other_settings_says_which_differ(toy):
    toy()
    before = files("run")
    code, err = toy("--limit", "2", "--seed", "7")
    assert (code, is_one_line(err)) == (USAGE, True)
    assert "(seed: 42 → 7; limit: None → 2)" in err
    assert files("run") == before


def test_answers_without_a_manifest_never_pass_for_those_of_another_run(toy):
    toy()
    Path("run/manifest.json").unlink()
    before = files("run")
    code, err = toy("--seed", "7")
    assert (code, is_one_line(err), "choose another --out" in err) == (USAGE, True, True), err
    assert files("run") == before


def test_a_folder_of_other_things_is_not_taken_for_a_run(toy):
    Path("run").mkdir()
    Path("run/mine.txt").write_text("x")
    code, err = toy()
    assert (code, is_one_line(err), "mine.txt" in err) == (USAGE, True, True)
    assert set(files("run")) == {"mine.txt"}


@pytest.mark.parametrize("out", ["taken", "taken/run"])
def test_a_file_is_not_taken_for_a_run_folder(toy, out):
    Path("taken").write_text("x")
    code, err = toy("--out", out)
    assert (code, is_one_line(err), "choose another --out" in err) == (USAGE, True, True)


def test_a_damaged_manifest_is_named_and_nothing_is_changed(toy):
    toy()
    Path("run/manifest.json").write_text("{")
    before = files("run")
    code, err = toy()
    assert (code, is_one_line(err), "manifest.json" in err) == (USAGE, True, True)
    assert files("run") == before


@pytest.mark.parametrize("verb", ["score", "report"])
def test_edited_samples_are_refused_and_the_same_command_mends_them(toy, cli, plugin_flags, verb):
    toy()
    before = files("run")
    samples = Path("run/count_dots/samples.jsonl")
    samples.write_bytes(b"".join(samples.read_bytes().splitlines(keepends=True)[:-1]))
    code, err = cli(verb, "run", *plugin_flags)
    assert (code, is_one_line(err), "run the same command again" in err) == (USAGE, True, True), err
    assert toy()[0] == 0
    assert files("run") == before


def test_a_report_without_scores_says_how_to_get_them(toy, cli, plugin_flags):
    toy()
    Path("run/count_dots/scores.jsonl").unlink()
    code, err = cli("report", "run", *plugin_flags)
    assert (code, is_one_line(err), "pisces-eval score run" in err) == (USAGE, True, True), err
    assert cli("score", "run", *plugin_flags)[0] == 0


@pytest.mark.parametrize("garbage", [b"garbage\n", b"\xff\xfe\n"])
def test_garbage_in_a_journal_is_named_with_its_line(toy, garbage):
    toy()
    journal = Path("run/count_dots/responses.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], garbage, *lines[2:]]))
    code, err = toy()
    assert (code, is_one_line(err), "responses.jsonl line 3" in err) == (USAGE, True, True)


def test_a_torn_last_line_is_asked_again(toy):
    toy()
    before = files("run")
    journal = Path("run/count_dots/responses.jsonl")
    journal.write_bytes(journal.read_bytes()[:-5])
    assert toy()[0] == 0
    assert files("run") == before


def test_a_folder_deleted_meanwhile_is_no_success(toy, write_model):
    body = (
        "    def answer(self, requests):\n"
        "        import shutil\n"
        "        shutil.rmtree('run', ignore_errors=True)\n"
        "        return ['1' for _ in requests]"
    )
    code, err = toy(*write_model(body))
    assert code == USAGE
    assert "samples.jsonl is missing" in err


def test_rows_that_changed_since_are_named_as_the_reason(toy, tmp_path, plugin_flags, cli):
    task = tmp_path / "dots.py"
    source = Path(plugin_flags[-1]).read_text()
    task.write_text(source)
    flags = ("--plugin", plugin_flags[5], "--plugin", task, "--tasks", "count_dots")
    assert cli("run", *flags, "--model", "toy", "--out", "run")[0] == 0
    task.write_text(source.replace('"black"', '"navy"'))
    code, err = cli("run", *flags, "--model", "toy", "--out", "run")
    assert (code, is_one_line(err)) == (USAGE, True)
    assert "data or prompts of count_dots have changed" in err


def command(plugin_flags, *words):
    return [sys.executable, "-m", "pisces_eval.cli.main", *words, *plugin_flags]


def test_a_reader_that_leaves_early_gets_no_traceback(plugin_flags):
    reading, writing = os.pipe()
    os.close(reading)
    words = command(plugin_flags, "tasks", "list")
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (INCOMPLETE, "")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_closed_streams_do_no_harm(plugin_flags, closed):
    words = command(plugin_flags, "tasks", "list")
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *words], check=False)
    assert done.returncode == 0


def test_a_narrow_encoding_and_terminal_do_no_harm(plugin_flags):
    words = command(plugin_flags, "run", "--tasks", "count_dots", "--model", "toy", "--out", "run")
    narrow = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "COLUMNS": "40", "NO_COLOR": "1"}
    done = subprocess.run(words, env={**os.environ, **narrow}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


SLOW = (
    "    def answer(self, requests):\n"
    "        import time\n"
    "        time.sleep(0.05)\n"
    "        return [str(r.seed % 7) for r in requests]"
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(plugin_flags, write_model, how):
    words = command(
        [*plugin_flags, *map(str, write_model(SLOW))],
        *("run", "--tasks", "count_dots", "--batch-size", "1"),
    )
    subprocess.run([*words, "--out", "calm"], check=True, capture_output=True)
    stopped = subprocess.Popen([*words, "--out", "halted"], stderr=subprocess.PIPE, text=True)
    journal = Path("halted/count_dots/responses.jsonl")
    end = time.monotonic() + 30
    while time.monotonic() < end and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.005)
    stopped.send_signal(how)
    _, err = stopped.communicate(timeout=30)
    if how == signal.SIGKILL:
        assert stopped.returncode == -how
    else:
        assert stopped.returncode == INCOMPLETE
        assert "Run the same command again" in err
        assert "Traceback" not in err
    subprocess.run([*words, "--out", "halted"], check=True, capture_output=True)
    left = files("halted")
    left.pop(".lock", None)
    assert left == files("calm")
