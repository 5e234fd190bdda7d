"""Other thresholds on the same journals."""

import pytest

from pisces_eval.cli.main import main
from pisces_eval.errors import UserError
from pisces_eval.registry import Registry
from pisces_eval.run.progress import Silence
from pisces_eval.run.retune import default_grids, retune, sweep


@pytest.fixture
def geneval_run(tmp_path, plugin_flags, registry, monkeypatch):
    """GenEval's mini prompts drawn by the toy model and seen by a detector of GenEval's classes."""
    from pisces_eval.records import Detection

    detector = registry.detector("toy")
    seen = Detection(label="cow", score=0.35, box=(0.0, 0.0, 8.0, 8.0), colors=(1.0, *[0.0] * 9))
    detector.detect = lambda looks, vocabulary: [(seen,) for _ in looks]
    monkeypatch.setattr(Registry, "detector", lambda self, spec: detector)
    command = ["run", "--tasks", "geneval", "--mini", "--model", "toy", "--detector", "toy"]
    assert main([*command, "--out", str(tmp_path / "run"), *plugin_flags]) == 0
    return tmp_path / "run"


def overall(results):
    return {result.protocol: result.metrics[0].overall.value for result in results}


def test_a_higher_threshold_drops_what_was_seen(geneval_run, registry):
    assert overall(retune(geneval_run, {}, registry, Silence()))["official"] > 0
    assert overall(retune(geneval_run, {"threshold": 0.4}, registry, Silence()))["official"] == 0


def test_a_turned_threshold_is_said_and_not_comparable(geneval_run, registry):
    result = retune(geneval_run, {"threshold": 0.4}, registry, Silence())[0]
    assert "threshold 0.4 instead of the reference's 0.3, not comparable" in result.notes
    assert not result.comparable


def test_turning_changes_nothing_in_the_run(geneval_run, registry):
    before = {path: path.read_bytes() for path in geneval_run.rglob("*") if path.is_file()}
    retune(geneval_run, {"threshold": 0.4}, registry, Silence())
    sweep(geneval_run, "geneval", {"threshold": [0.1, 0.4]}, registry)
    assert before == {path: path.read_bytes() for path in geneval_run.rglob("*") if path.is_file()}


def test_a_sweep_has_a_result_for_each_value(geneval_run, registry):
    turned = sweep(geneval_run, "geneval", {"threshold": [0.3, 0.4]}, registry)
    assert [(one.option, one.value, one.reference) for one in turned] == [
        ("threshold", 0.3, 0.3),
        ("threshold", 0.4, 0.3),
    ]
    assert overall(turned[0].results)["official"] > overall(turned[1].results)["official"]


def test_grids_hold_the_reference_values(registry):
    grids = default_grids("geneval", registry)
    assert 0.3 in grids["threshold"]
    assert 0.9 in grids["counting_threshold"]


def test_an_unknown_option_is_refused(geneval_run, registry):
    with pytest.raises(UserError, match="no task of this run has the option tresh"):
        retune(geneval_run, {"tresh": 1.0}, registry, Silence())


def test_a_task_that_is_not_there_is_refused(geneval_run, registry):
    with pytest.raises(UserError, match="holds no task mmmu; it has geneval"):
        sweep(geneval_run, "mmmu", {}, registry)


def test_the_verb_may_follow_its_task(geneval_run, plugin_flags, capsys):
    assert main(["geneval", "sweep", str(geneval_run), "--threshold", "0.3", *plugin_flags]) == 0
    assert "0.3 (reference)" in capsys.readouterr().out


def test_options_of_score_are_shown_as_results(geneval_run, plugin_flags, capsys):
    words = ["score", str(geneval_run), *plugin_flags, "--counting-threshold", "0.8"]
    assert main(words) == 0
    assert "counting_threshold 0.8 instead of the reference's 0.9" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--threshold"], ["--threshold", "high"], ["threshold", "1"]])
def test_malformed_options_are_one_line(geneval_run, words, capsys):
    assert main(["score", str(geneval_run), *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
