"""What a run promises: nothing lost, nothing repeated, equal bytes, and honest failures."""

import json
from itertools import pairwise

import pytest

from pisces_eval.errors import ExitCode, ModelError, TaskError, UserError
from pisces_eval.interfaces import DataRequest
from pisces_eval.registry import Registry
from pisces_eval.run.pipeline import evaluate, rereport, rescore
from pisces_eval.run.plan import RunSpec
from pisces_eval.run.progress import Silence

TASKS = ("count_dots", "toy_drawing")


def spec(out, **changes):
    settings = {"tasks": TASKS, "model": "toy", "detector": "toy", "batch_size": 2, **changes}
    return RunSpec(out=out, **settings)


def run(out, registry, **changes):
    return evaluate(spec(out, **changes), registry, Silence(), ["test"])


def files(folder, *, but=("manifest.json", "seal.json", "report.html", "report.md")):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in but
    }


def journal(folder, task, name):
    return [json.loads(line) for line in (folder / task / name).read_text().splitlines()]


def test_a_run_leaves_every_journal_and_the_official_layout(tmp_path, registry):
    outcome = run(tmp_path / "run", registry)
    assert outcome.exit_code == ExitCode.OK
    assert set(files(tmp_path / "run", but=())) >= {
        "manifest.json",
        "results.json",
        "report.html",
        "report.md",
        "seal.json",
        "count_dots/samples.jsonl",
        "count_dots/responses.jsonl",
        "count_dots/scores.jsonl",
        "toy_drawing/detections.jsonl",
        "toy_drawing/images/0/metadata.jsonl",
        "toy_drawing/images/0/samples/0.png",
    }


def test_two_runs_give_equal_bytes(tmp_path, registry):
    run(tmp_path / "a", registry)
    run(tmp_path / "b", registry)
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize("stop_after", range(1, 12))
def test_a_stopped_run_goes_on_to_the_same_bytes_without_asking_twice(
    tmp_path, registry, stop_after, monkeypatch
):
    run(tmp_path / "calm", registry, batch_size=1)
    halted = spec(tmp_path / "halted", batch_size=1)
    model = registry.model(f"toy:stop-after={stop_after}")
    monkeypatch.setattr(Registry, "model", lambda self, name: model)
    with pytest.raises(KeyboardInterrupt):
        evaluate(halted, registry, Silence(), ["test"])
    first = list(model.calls)
    model.settings = {}
    evaluate(halted, registry, Silence(), ["test"])
    assert len(set(model.calls)) == 12
    assert model.calls[len(first) :].count(first[-1]) == 1, (
        "only the interrupted one is asked again"
    )
    assert files(tmp_path / "halted") == files(tmp_path / "calm")


@pytest.mark.parametrize("name", ["responses.jsonl", "detections.jsonl"])
def test_a_journal_cut_at_any_byte_is_made_whole(tmp_path, registry, name):
    run(tmp_path / "run", registry)
    expected = files(tmp_path / "run")
    path = tmp_path / "run" / "toy_drawing" / name
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 23)):
        path.write_bytes(whole[:size])
        run(tmp_path / "run", registry)
        assert files(tmp_path / "run") == expected


def test_a_finished_run_calls_the_model_no_more(tmp_path, registry, monkeypatch):
    run(tmp_path / "run", registry)
    model = registry.model("toy")
    monkeypatch.setattr(Registry, "model", lambda self, name: model)
    run(tmp_path / "run", registry)
    assert model.calls == []


def test_a_deleted_drawing_is_drawn_again(tmp_path, registry):
    run(tmp_path / "run", registry)
    expected = files(tmp_path / "run")
    (tmp_path / "run" / "toy_drawing" / "images" / "1" / "samples" / "0.png").unlink()
    run(tmp_path / "run", registry)
    assert {k: v for k, v in files(tmp_path / "run").items() if k.endswith(".png")} == {
        k: v for k, v in expected.items() if k.endswith(".png")
    }


def test_a_changed_drawing_is_drawn_again(tmp_path, registry):
    run(tmp_path / "run", registry)
    expected = files(tmp_path / "run")
    path = tmp_path / "run" / "toy_drawing" / "images" / "1" / "samples" / "0.png"
    path.write_bytes(b"not the picture that was judged")
    run(tmp_path / "run", registry)
    assert path.read_bytes() == expected["toy_drawing/images/1/samples/0.png"]


def test_batch_size_does_not_change_a_byte(tmp_path, registry):
    run(tmp_path / "one", registry, batch_size=1)
    run(tmp_path / "many", registry, batch_size=5)
    assert files(tmp_path / "one") == files(tmp_path / "many")


def test_another_seed_gives_other_answers_in_another_identity(tmp_path, registry):
    first = run(tmp_path / "a", registry)
    second = run(tmp_path / "b", registry, seed=43)
    assert first.results.identity != second.results.identity
    assert files(tmp_path / "a") != files(tmp_path / "b")


def test_a_folder_of_another_run_is_refused_and_left_alone(tmp_path, registry):
    run(tmp_path / "run", registry)
    before = files(tmp_path / "run", but=())
    with pytest.raises(UserError, match=r"other settings \(.*seed: 42 → 7"):
        run(tmp_path / "run", registry, seed=7)
    assert files(tmp_path / "run", but=()) == before


def test_one_failing_sample_costs_only_itself(tmp_path, registry):
    outcome = run(tmp_path / "run", registry, model="toy:fail-on=dots-2", tasks=("count_dots",))
    overall = outcome.results.results[0].metrics[0].overall
    assert (overall.n, overall.errors) == (5, 1)
    assert outcome.exit_code == ExitCode.INCOMPLETE
    assert outcome.failures[0][1].message == "RuntimeError: no luck"


def test_failed_samples_are_tried_again_on_resume(tmp_path, registry, monkeypatch):
    model = registry.model("toy:fail-on=dots-2")
    monkeypatch.setattr(Registry, "model", lambda self, name: model)
    run(tmp_path / "run", registry, tasks=("count_dots",))
    model.settings, model.calls = {}, []
    outcome = run(tmp_path / "run", registry, tasks=("count_dots",))
    assert model.calls == ["dots-2"]
    assert outcome.exit_code == ExitCode.OK


def test_a_broken_model_stops_the_stage(tmp_path, registry):
    with pytest.raises(ModelError, match=r"failed on 1\d samples .* in a row.*no luck"):
        run(
            tmp_path / "run",
            registry,
            model="toy:fail-on=all",
            tasks=("mmmu",),
            data=DataRequest(mini=True),
        )


def test_scoring_again_gives_the_same_bytes(tmp_path, registry):
    run(tmp_path / "run", registry)
    expected = files(tmp_path / "run")
    rescore(tmp_path / "run", registry, Silence())
    assert files(tmp_path / "run") == expected


def test_scoring_again_needs_every_journal_but_no_score(tmp_path, registry):
    run(tmp_path / "run", registry)
    expected = files(tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    (tmp_path / "run" / "count_dots" / "scores.jsonl").unlink()
    rescore(tmp_path / "run", registry, Silence())
    assert files(tmp_path / "run") == expected


def test_reporting_needs_a_finished_run(tmp_path, registry):
    run(tmp_path / "run", registry)
    (tmp_path / "run" / "results.json").unlink()
    with pytest.raises(UserError, match="not finished"):
        rereport(tmp_path / "run", registry)


def test_a_folder_that_is_no_run_is_refused(tmp_path, registry):
    with pytest.raises(UserError, match="no run folder"):
        rescore(tmp_path, registry, Silence())


def test_limit_is_said_beside_the_number(tmp_path, registry):
    outcome = run(tmp_path / "run", registry, limit=2, tasks=("count_dots",))
    result = outcome.results.results[0]
    assert not result.comparable
    assert "limited to the first 2 of 6 rows, not comparable" in result.notes
    assert result.metrics[0].overall.n == 2


def test_limit_must_be_positive():
    with pytest.raises(UserError, match="--limit 0"):
        RunSpec(tasks=TASKS, limit=0)


def test_a_model_that_cannot_draw_is_refused_before_anything_is_written(
    tmp_path, registry, monkeypatch
):
    model = registry.model("toy")
    model.capabilities = frozenset({"answer"})
    monkeypatch.setattr(Registry, "model", lambda self, name: model)
    with pytest.raises(UserError, match="toy_drawing needs a model that can draw"):
        run(tmp_path / "run", registry)
    assert not (tmp_path / "run").exists()


def test_a_path_out_of_the_run_folder_is_refused(tmp_path, registry, monkeypatch):
    import dataclasses

    task = registry.task("toy_drawing")
    honest = task.cases

    def hostile(row, number):
        for case in honest(row, number):
            request = dataclasses.replace(case.request, artifact="../../escaped.png")
            yield dataclasses.replace(case, request=request)

    task.cases = hostile
    monkeypatch.setattr(Registry, "task", lambda self, name: task)
    with pytest.raises(TaskError, match="leaves the run folder"):
        run(tmp_path / "run", registry, tasks=("toy_drawing",))


def test_a_full_disk_leaves_a_run_that_goes_on(tmp_path, registry, monkeypatch):
    from pisces_eval.store.journal import Appender

    run(tmp_path / "calm", registry, batch_size=1)
    honest, writes = Appender.write, []

    def full(self, records):
        writes.append(records)
        if len(writes) == 4:
            raise OSError(28, "No space left on device")
        honest(self, records)

    monkeypatch.setattr(Appender, "write", full)
    with pytest.raises(OSError, match="No space"):
        run(tmp_path / "full", registry, batch_size=1)
    monkeypatch.undo()
    run(tmp_path / "full", registry, batch_size=1)
    assert files(tmp_path / "full") == files(tmp_path / "calm")


def test_two_writers_cannot_share_a_folder(tmp_path, registry):
    from pisces_eval.store.folder import RunFolder

    with RunFolder(tmp_path / "run").locked(), pytest.raises(UserError, match="another process"):
        run(tmp_path / "run", registry)


def test_samples_are_scored_in_their_order(tmp_path, registry):
    run(tmp_path / "run", registry)
    ids = [line["id"] for line in journal(tmp_path / "run", "count_dots", "scores.jsonl")]
    assert all(before < after for before, after in pairwise(ids))


def test_an_incomplete_replay_is_refused_and_says_what_is_missing(tmp_path, registry):
    (tmp_path / "answers.jsonl").write_text('{"id": "dots-0", "text": "1"}\n')
    model = f"answers:{tmp_path / 'answers.jsonl'}"
    with pytest.raises(TaskError, match=r"not complete: .*dots-1.*accept .* --partial"):
        run(tmp_path / "run", registry, model=model, tasks=("count_dots",))


def test_a_partial_replay_is_scored_and_said(tmp_path, registry):
    (tmp_path / "answers.jsonl").write_text('{"id": "dots-0", "text": "1"}\n')
    model = f"answers:{tmp_path / 'answers.jsonl'}"
    outcome = run(tmp_path / "run", registry, model=model, tasks=("count_dots",), partial=True)
    result = outcome.results.results[0]
    assert (result.metrics[0].overall.value, result.metrics[0].overall.n) == (1.0, 1)
    assert "partial: 1 of 6 samples, not comparable" in result.notes
    assert not result.comparable
