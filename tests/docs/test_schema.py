"""docs/results.schema.json says what results.json is: no more, no less."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pisces_eval.run.pipeline import evaluate
from pisces_eval.run.plan import RunSpec
from pisces_eval.run.progress import Silence

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "results.schema.json"


@pytest.fixture
def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def results(tmp_path, registry):
    spec = RunSpec(("count_dots", "toy_drawing"), model="toy", detector="toy", out=tmp_path / "run")
    evaluate(spec, registry, Silence(), ["test"])
    return json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))


def test_the_file_is_what_the_documented_command_writes_now():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    command = re.search(r"^python -c .* > docs/results\.schema\.json$", text, re.MULTILINE)
    assert command is not None
    _, *arguments = shlex.split(command[0].rpartition(" > ")[0])
    made = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    assert made.stdout == SCHEMA.read_bytes()


def test_the_results_of_a_run_are_valid(validator, results):
    validator.validate(results)
    assert results["results"][0]["metrics"][0]["overall"]["n"] == 6


@pytest.mark.parametrize("field", ["n", "stderr", "ci95", "unparsed", "errors", "method"])
def test_an_estimate_must_have_every_field(validator, results, field):
    del results["results"][0]["metrics"][0]["overall"][field]
    with pytest.raises(ValidationError, match=f"'{field}' is a required property"):
        validator.validate(results)


def test_an_unknown_field_is_refused(validator, results):
    results["results"][0]["metrics"][0]["overall"]["significant"] = True
    with pytest.raises(ValidationError, match="'significant' was unexpected"):
        validator.validate(results)
