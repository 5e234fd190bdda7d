"""What a person sees of each verb. Golden files are rewritten with UPDATE_GOLDEN=1."""

import json
import os
import re
from pathlib import Path

import pytest

from pisces_eval.cli.main import main

GOLDEN = Path(__file__).parent / "golden"
VERBS = (
    *("run", "plan", "fetch", "sweep", "tasks", "tasks list", "tasks show", "models", "detectors"),
    *("score", "report", "verify", "doctor", "completion"),
)


@pytest.fixture(autouse=True)
def plain_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "90")
    for name in ("PISCES_EVAL_MODEL", "PISCES_EVAL_DETECTOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def toy_run(tmp_path, plugin_flags, capsys):
    command = ["run", "--tasks", "count_dots,toy_drawing", "--model", "toy", "--detector", "toy"]
    assert main([*command, "--out", "run", *plugin_flags]) == 0
    return capsys.readouterr()


def same_as_golden(text, name):
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_help_of_the_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    words = capsys.readouterr().out
    assert "exit codes: 0 good, 1 gate failed, 2 usage" in words
    assert "pisces-eval run --tasks geneval,mmmu --mini" in words


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*verb.split(), "--help"])
    words = capsys.readouterr().out
    assert "usage: pisces-eval" in words
    assert " " in verb or "pisces-eval " + verb in words.split("usage:")[1].split("\n", 1)[1]


def test_results_in_the_terminal(toy_run):
    same_as_golden(toy_run.out, "run.txt")


def test_a_run_tells_its_stages_and_its_report(toy_run):
    for words in ("count_dots respond", "toy_drawing detect", "6/6", "run/report.html"):
        assert re.search(words.replace(" ", r"\s+"), toy_run.err)


def test_a_run_as_json_is_results_json(plugin_flags, capsys):
    command = ["run", "--tasks", "count_dots", "--model", "toy", "--out", "run", "--json"]
    assert main([*command, *plugin_flags]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("run/results.json").read_text())


def test_scoring_again_shows_the_same_results(toy_run, plugin_flags, capsys):
    assert main(["score", "run", *plugin_flags]) == 0
    assert capsys.readouterr().out == toy_run.out


def test_reporting_names_its_files(toy_run, plugin_flags, capsys):
    assert main(["report", "run", *plugin_flags]) == 0
    assert capsys.readouterr().out.split() == ["run/report.html", "run/report.md"]


def test_an_untouched_run_is_verified(toy_run, capsys):
    assert main(["verify", "run"]) == 0
    assert capsys.readouterr().out == "run is as it was sealed\n"


def test_a_changed_run_is_not_verified(toy_run, capsys):
    Path("run/results.json").write_text("{}")
    assert main(["verify", "run"]) == 3
    assert capsys.readouterr().out == "results.json: changed\n"


def test_tasks_in_a_table(capsys):
    assert main(["tasks", "list"]) == 0
    same_as_golden(capsys.readouterr().out, "tasks-list.txt")


def test_tasks_as_json(capsys):
    assert main(["tasks", "list", "--json"]) == 0
    assert [task["name"] for task in json.loads(capsys.readouterr().out)] == [
        "easy_vqa",
        "geneval",
        "mmmu",
    ]


@pytest.mark.parametrize("task", ["geneval", "mmmu", "easy_vqa"])
def test_a_task_is_shown_with_its_prompt(task, capsys):
    assert main(["tasks", "show", task, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["example_prompt"]
    assert facts["licence"]
    assert main(["tasks", "show", task]) == 0
    assert facts["example_prompt"].splitlines()[0] in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["models", "detectors"])
def test_plugins_are_listed(verb, capsys):
    assert main([verb, "--json"]) == 0
    names = [plugin["name"] for plugin in json.loads(capsys.readouterr().out)]
    assert main([verb]) == 0
    table = capsys.readouterr().out
    assert names
    assert all(name in table for name in names)


def test_a_plan_counts_without_running(plugin_flags, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command = ["plan", "--tasks", "geneval,count_dots", "--model", "toy", "--json"]
    assert main([*command, *plugin_flags]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [(t["rows"], t["samples"], t["done"]) for t in plan["tasks"]] == [
        (553, 2212, 0),
        (6, 6, 0),
    ]
    assert not Path("runs").exists()


def test_a_plan_knows_what_is_done_and_how_long_it_took(plugin_flags, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wishes = ["--tasks", "count_dots", "--model", "toy", *plugin_flags]
    assert main(["run", *wishes]) == 0
    capsys.readouterr()
    assert main(["plan", *wishes, "--json"]) == 0
    task = json.loads(capsys.readouterr().out)["tasks"][0]
    assert task["done"] == task["samples"] == 6
    assert task["seconds"] == 0


def test_without_a_model_the_bundled_one_is_said_aloud(capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["plan", "--tasks", "geneval"]) == 0
    assert "no --model given and none configured: using the bundled pisces-tiny" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("source", ["file", "environment"])
def test_the_configured_model_is_used(source, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if source == "file":
        Path("pisces-eval.toml").write_text('model = "images:drawn"\n')
    else:
        monkeypatch.setenv("PISCES_EVAL_MODEL", "images:drawn")
    assert main(["plan", "--tasks", "geneval", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "images:drawn"


def test_what_needs_no_download_is_said(capsys):
    assert main(["fetch", "detector:mini"]) == 2
    assert "detector:mini needs no download" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mask2former", "task:mmmu", "detector:nothing"])
def test_what_cannot_be_fetched_is_refused(name, capsys):
    assert main(["fetch", name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_download_names_its_file(capsys, monkeypatch):
    from pisces_eval.detectors import _mask2former_fetch

    def fetch(told):
        told(10, 10)
        return Path("weights.safetensors")

    monkeypatch.setattr(_mask2former_fetch, "fetch_checkpoint", fetch)
    assert main(["fetch", "detector:mask2former"]) == 0
    assert capsys.readouterr().out == "weights.safetensors\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_verbs(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "detectors" in script
    assert "pisces-eval" in script


@pytest.mark.torch
def test_the_doctor_finds_this_machine_fit(capsys):
    main(["doctor", "--json"])
    checks = {check["what"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["torch"]["state"] == "ok"
    assert checks["task geneval"]["found"] == "--mini has 12 rows"
    assert not [check for check in checks.values() if check["state"] == "broken"]


@pytest.mark.torch
def test_the_doctor_names_the_command_that_fetches_weights(capsys, monkeypatch):
    monkeypatch.setenv("PISCES_EVAL_CACHE", str(Path.cwd()))
    main(["doctor", "--json"])
    checks = {check["what"]: check for check in json.loads(capsys.readouterr().out)}
    detector = checks["detector mask2former"]
    assert (detector["state"], detector["mend"]) == (
        "missing",
        "pisces-eval fetch detector:mask2former",
    )


def test_the_doctor_says_how_to_mend_a_missing_package(capsys, monkeypatch):
    import pisces_eval.checkup as checkup

    monkeypatch.setattr(checkup, "CORE", ("no-such-package",))
    assert main(["doctor", "--json"]) == 3
    check = next(c for c in json.loads(capsys.readouterr().out) if c["what"] == "no-such-package")
    assert (check["state"], check["mend"]) == (
        "broken",
        "pip install --force-reinstall pisces-eval",
    )


def test_an_error_in_a_plugin_file_is_the_plugins(capsys, tmp_path, plugin_flags):
    text = (GOLDEN.parents[2] / "examples" / "count_dots.py").read_text()
    file = tmp_path / "broken_dots.py"
    file.write_text(text.replace('row["count"]', 'row["cuont"]'))
    command = ["run", "--tasks", "count_dots", "--model", "toy", *plugin_flags]
    assert main([*command, "--plugin", str(file)]) == 4
    err = capsys.readouterr().err
    assert re.search(r"the plug-in \S+broken_dots.py line \d+ failed: KeyError: 'cuont'", err)


def test_an_unforeseen_error_is_one_line(capsys, monkeypatch):
    import pisces_eval.cli.tasks as tasks

    def explode(args):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(tasks, "registry_of", explode)
    assert main(["tasks", "list"]) == 4
    assert capsys.readouterr().err == (
        "pisces-eval: a defect of pisces-eval, please report it: RuntimeError: two lines "
        "(set PISCES_EVAL_DEBUG=1 for the traceback)\n"
    )
