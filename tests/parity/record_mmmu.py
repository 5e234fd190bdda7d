"""Records what lmms-eval 0.7.3 makes of several hundred MMMU answers, for test_mmmu_parity.py.

Runs in an environment of its own, never in ours, and needs no network:

    python -m venv reference
    reference/bin/pip install torch lmms-eval==0.7.3
    reference/bin/pip uninstall -y torchvision
    HF_HUB_OFFLINE=1 reference/bin/python tests/parity/record_mmmu.py

(torchvision goes because a CUDA build of it breaks lmms-eval's import beside a CPU build of torch.)
The rows and answers are made here, from a fixed seed; the reference's own evaluator then runs its
task mmmu_val on them with a model that replies with these answers and notes what it was asked.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmms_eval
from lmms_eval import evaluator, utils
from lmms_eval.api.model import lmms
from lmms_eval.api.reasoning import strip_reasoning_tags
from lmms_eval.api.task import ConfigurableTask
from lmms_eval.tasks.mmmu import utils as mmmu
from PIL import Image

FIXTURE = Path(__file__).parent / "fixtures" / "mmmu_lmms_eval_0.7.3.json"
TASK_FILE = Path(lmms_eval.__path__[0]) / "tasks" / "mmmu" / "mmmu_val.yaml"
# The default of the command line's --reasoning_tags.
REASONING_TAGS = [["<think>", "</think>"], ["<analysis>", "</analysis>"]]

SEED = 20250612
CHOICE_ROWS, OPEN_ROWS = 420, 220
PREFIXES = (1, 2, 3, 7, 32, 64, 65, 160, 320, 451, CHOICE_ROWS + OPEN_ROWS)
"""The reference's number is recorded for so many first rows; its rounding shows at 64 and 320."""

SUBJECTS = [subject for domain in mmmu.DOMAIN_CAT2SUB_CAT.values() for subject in domain]

QUESTIONS = (
    "Which of the parts in <image 1> carries the load?",
    "<image 2> Compare this with <image 1>.\nWhat changed?",
    "According to the chart, how large is the share?",
    "Read <image 3>, then <image 1>; compute α·β in $\\frac{N}{m^2}$ ",
    "Is “x < y” true for <image 7>?",
)
OPTION_SETS = (
    ("cat", "dog", "fish", "bird"),
    ("$6,000", "$7,500.50", "-3.5%", "0"),
    ("Both A and B", "None of the above", "A", "both a and b"),
    ("<image 1>", "<image 2>", "<image 3>"),
    ("It's rising", 'the "old" way', "Straße", "İzmir", "naïve"),
    ("yes", "no"),
    ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
    ("", "x"),
    ("only one",),
    ("the red line", "the line", "a line (dashed)", "The Red Line, doubled"),
)
CHOICE_ANSWERS = (
    "{L}",
    "{l}",
    "({L})",
    "{L}.",
    "{L})",
    "**{L}**",
    " {L}\n",
    "{L},.",
    ".,{L}.,",
    "'{L}'",
    "{L}. {o}",
    "{L}: {o}",
    "{o}",
    "Answer: {L}",
    "The answer is {L}.",
    "The correct answer is ({L}) {o}.",
    "Neither ({M}) nor ({N}) but ({L}) will do",
    "I first thought {M} but now I say {L} for sure",
    "{M} or {L}",
    "{M}.{L}.",
    "It seems to me that it must be {o} here",
    "IT SEEMS TO ME THAT IT IS {O}, NOT {P}",
    "I think it is rather {p} than {o} or so",
    "USA and NASA say so",
    "I don't know",
    "",
    "   ",
    "...",
    "\n\n",
    "Ⓐ Ｂ",
    "\\boxed{{{L}}}",
    "<think>It could be ({M}).</think>{L}",
    "it may be ({M})</think> ({L})",
    "<think>It is ({L}) or ({M}), let me see",
    "<analysis>x</analysis><think>y</think> {L}",
    "<th<think>a</think>ink>({M})</think>({L})",
    "{L}\u00a0",
    "{L} {L} {M} ",
)
GOLDS = (
    "5",
    "5,000",
    "3.14159",
    "-0.5",
    "2.675",
    "1e3",
    "b",
    "Kelvin",
    "the mitral valve",
    "24/7",
    "$30",
    "12%",
    "-3.5 kN",
    "['24/7', '3.429']",
    "inf",
    "Straße",
)
OPEN_ANSWERS = (
    "{g}",
    " {g}. ",
    "{G}",
    "{g} kg",
    "The answer is {g}.",
    "It could be {w}. So the final result is {g}",
    "It could be {w}\nTherefore the answer is {g}",
    "Thus x = {g}",
    "x = {g}\ny = {w}",
    "{w} = {g} = ",
    "so ",
    "This is it: is ",
    "about {w}, or {g}?",
    "{g}{w}",
    "**{g}**",
    "{g},{w}",
    "-{g}",
    "{g}e2",
    "1,234,{g} and .5 and 1.5E-3 and 12,34",
    "${g}.00",
    "{w}",
    "",
    "?",
    "n/a",
    "<think>it is {w}</think>{g}",
    "is it {g}\r\nso it is {w}",
    "٣٫٥ or ٥",
    "final answer : ",
    "nan",
    "infinity",
    "final answer {g} is the result {w}",
)


class Rows(list):
    """Documents in memory, as much of a data set as the evaluator wants to see."""

    def __init__(self, docs: list[dict[str, Any]]) -> None:
        super().__init__(docs)
        self.features = dict.fromkeys(docs[0])


class OfflineTask(ConfigurableTask):
    """mmmu_val with its data replaced."""

    docs: Rows

    def download(self, dataset_kwargs: dict[str, Any] | None = None) -> None:
        self.dataset = self.dataset_no_image = {"validation": self.docs}


class Replayer(lmms):
    """Replies with prepared answers and notes prompts, pictures (by their widths) and arguments."""

    is_simple = True

    def __init__(self, answers: list[str]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: dict[int, dict[str, Any]] = {}

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [self._reply(*request.args) for request in requests]

    def _reply(
        self, prompt: str, arguments: dict[str, Any], visuals: Any, row: int, task: str, split: str
    ) -> str:
        shown = [image.width for image in visuals(self.task_dict[task][split][row])]
        self.asked[row] = {"prompt": prompt, "shown": shown, "arguments": arguments}
        return self.answers[row]

    def loglikelihood(self, requests: list[Any]) -> list[Any]:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        raise NotImplementedError


def made_rows() -> list[dict[str, Any]]:
    """Rows in MMMU's schema, each with its 'response', in a mixed order."""
    rng = random.Random(SEED)
    rows = [choice_row(rng) for _ in range(CHOICE_ROWS)] + [open_row(rng) for _ in range(OPEN_ROWS)]
    rng.shuffle(rows)
    return [
        {"id": f"validation_{rng.choice(SUBJECTS)}_{number}", **row}
        for number, row in enumerate(rows, start=1)
    ]


def choice_row(rng: random.Random) -> dict[str, Any]:
    options = list(rng.choice(OPTION_SETS))
    picks = [rng.randrange(len(options)) for _ in range(3)]
    first, second, third = (chr(ord("A") + pick) for pick in picks)
    text, other = options[picks[0]], options[picks[1]]
    response = rng.choice(CHOICE_ANSWERS).format(
        L=first,
        M=second,
        N=third,
        l=first.lower(),
        o=text,
        O=text.upper(),
        p=other,
        P=other.upper(),
    )
    return {
        "question": rng.choice(QUESTIONS),
        "options": repr(options),
        "answer": first if rng.random() < 0.7 else second,
        "question_type": "multiple-choice",
        "response": response,
    }


def open_row(rng: random.Random) -> dict[str, Any]:
    gold, wrong = rng.choice(GOLDS), rng.choice(GOLDS)
    answer: str | list[str] = gold
    if rng.random() < 0.25:
        answer = [wrong, gold] if rng.random() < 0.5 else [gold]
    return {
        "question": rng.choice(QUESTIONS),
        "options": "[]",
        "answer": answer,
        "question_type": "open",
        "response": rng.choice(OPEN_ANSWERS).format(g=gold, G=gold.upper(), w=wrong),
    }


def evaluated(rows: list[dict[str, Any]]) -> tuple[float, list[dict[str, Any]], Replayer]:
    """The reference's number, its view of each row, and the model that was asked."""
    pictures = {f"image_{k}": Image.new("RGB", (k, 1)) for k in range(1, 8)}
    OfflineTask.docs = Rows([{**row, **pictures} for row in rows])
    config = utils.load_yaml_config(yaml_path=str(TASK_FILE), mode="full")
    model = Replayer([row["response"] for row in rows])
    outcome = evaluator.simple_evaluate(
        model=model,
        tasks=[OfflineTask(config=config)],
        task_manager=SimpleNamespace(),
        cli_args=SimpleNamespace(
            reasoning_tags=json.dumps(REASONING_TAGS), process_with_media=False, output_path=None
        ),
        process_docs_parallel=1,
        bootstrap_iters=0,
    )
    samples = sorted(outcome["samples"]["mmmu_val"], key=lambda sample: sample["doc_id"])
    judged = [sample["mmmu_acc"] for sample in samples]
    return outcome["results"]["mmmu_val"]["mmmu_acc,none"], judged, model


def is_guess(row: dict[str, Any]) -> bool:
    """Whether the reference draws a letter at random: its generator's state tells."""
    before = random.getstate()
    mmmu.mmmu_process_results(row, [strip_reasoning_tags(row["response"], REASONING_TAGS)])
    return random.getstate() != before


def recorded(row: dict[str, Any], judged: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    _, metric = mmmu.evaluate_mmmu([judged])
    letter = judged["parsed_pred"][0] if row["question_type"] == "multiple-choice" else None
    return {
        **row,
        "prompt": asked["prompt"],
        "shown": asked["shown"],
        "letter": letter,
        "guessed": is_guess(row),
        "correct": bool(metric["acc"]),
    }


def main() -> None:
    rows = made_rows()
    number, judged, model = evaluated(rows)
    cases = [recorded(row, judged[k], model.asked[k]) for k, row in enumerate(rows)]
    arguments = {json.dumps(asked["arguments"], sort_keys=True) for asked in model.asked.values()}
    accuracies = {str(count): evaluated(rows[:count])[0] for count in PREFIXES[:-1]}
    fixture = {
        "source": "lmms-eval 0.7.3, task mmmu_val, recorded by record_mmmu.py",
        "generation_arguments": [json.loads(text) for text in sorted(arguments)],
        "mmmu_acc_of_first": {**accuracies, str(len(rows)): number},
        "cases": cases,
    }
    FIXTURE.write_text(json.dumps(fixture, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
