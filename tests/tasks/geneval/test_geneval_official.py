"""The official files, to the byte."""

import json

import pytest

from pisces_eval.interfaces import DataRequest, Evidence
from pisces_eval.records import Detection, Perception, Response, Sample
from pisces_eval.tasks.geneval import TASK
from pisces_eval.tasks.geneval.official import Row, overall, results_text, summary_text
from pisces_eval.tasks.geneval.verdict import Verdict


def row(tag, number, correct, image=0):
    verdict = Verdict(
        correct=correct,
        reason="" if correct else "expected cat>=1, found 0\nno target for a/b to be above",
        details={"cat": [[0.0, 1.0, 2.0, 3.0, 0.8999999761581421]]} if correct else {},
    )
    return Row(
        filename=f"images/{number:05d}/samples/{image:04d}.png",
        tag=tag,
        prompt=f"a photo of café {number}",
        metadata=json.dumps({"tag": tag, "include": [], "prompt": f"a photo {number}"}),
        verdict=verdict,
    )


ROWS = [
    row("single_object", 0, True, 0),
    row("single_object", 0, False, 1),
    row("single_object", 1, True),
    row("counting", 2, False),
    row("colors", 3, True),
]


@pytest.mark.torch  # pandas comes with the heavy dependencies
def test_results_are_what_pandas_writes():
    import pandas as pd

    frame = pd.DataFrame(
        [
            {
                "filename": r.filename,
                "tag": r.tag,
                "prompt": r.prompt,
                "correct": r.correct,
                "reason": r.verdict.reason,
                "metadata": r.metadata,
                "details": json.dumps(r.verdict.details),
            }
            for r in ROWS
        ]
    )
    assert results_text(ROWS) == frame.to_json(orient="records", lines=True)


def test_the_summary_is_the_official_layout():
    assert summary_text(ROWS) == (
        "Summary\n=======\nTotal images: 5\nTotal prompts: 4\n% correct images: 60.00%\n"
        "% correct prompts: 75.00%\n\nTask breakdown\n==============\n"
        "single_object    = 66.67% (2 / 3)\ncounting         = 0.00% (0 / 1)\n"
        "colors           = 100.00% (1 / 1)\n\nOverall score (avg. over tasks): 0.55556\n"
    )


def test_no_rows_have_no_summary():
    assert summary_text([]) == ""


def test_metadata_keeps_the_official_order_of_keys():
    case = next(iter(TASK.cases(next(iter(TASK.rows(DataRequest()))), 0)))
    # Through the journal, which sorts keys.
    reference = json.loads(json.dumps(dict(case.reference), sort_keys=True))
    sample = Sample(
        id=case.id,
        kind="draw",
        prompt=case.request.prompt,
        reference=reference,
        category=case.category,
        cluster=case.cluster,
        artifact=case.request.artifact,
        request="r",
    )
    seen = Perception(
        id=case.id,
        image="i",
        detections=(Detection(label="bench", score=0.5, box=(0, 0, 9, 9)),),
    )
    evidence = Evidence(Response(id=case.id, request="r", image="i"), seen)
    files = dict(TASK.exports([(sample, evidence)]))
    line = json.loads(files["official/results.jsonl"])
    assert line["metadata"] == dict(case.request.companions)["00000/metadata.jsonl"]
    assert line["correct"] is True
    assert files["official/summary.txt"].endswith("Overall score (avg. over tasks): 1.00000\n")


def test_overall_weighs_tags_equally():
    assert overall(ROWS) == pytest.approx((2 / 3 + 0 + 1) / 3)
