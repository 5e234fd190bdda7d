"""`pisces-eval tasks`: what can be run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pisces_eval.cli.options import Verbs, add_json_flag, add_plugin_flag, registry_of
from pisces_eval.errors import ExitCode

if TYPE_CHECKING:
    from pisces_eval.interfaces import Task

EXAMPLES = """\
examples:
  pisces-eval tasks list
  pisces-eval tasks list --json
  pisces-eval tasks show mmmu         source, licence, protocols, and a real prompt
"""


def add_parser(verbs: Verbs) -> None:
    """Adds the verb."""
    parser = verbs.add_parser(
        "tasks",
        help="list benchmarks, or show one",
        description="List benchmarks, or show one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all benchmarks")
    listing.set_defaults(call=call_list)
    showing = actions.add_parser("show", help="one benchmark")
    showing.add_argument("name", metavar="NAME")
    showing.set_defaults(call=call_show)
    for action in (listing, showing):
        add_plugin_flag(action)
        add_json_flag(action)


def call_list(args: argparse.Namespace) -> int:
    """A line a task."""
    from dataclasses import asdict

    from pisces_eval.cli.render import say_json, show_table

    infos = [task.info for task in registry_of(args).tasks().values()]
    if args.json:
        say_json([asdict(info) for info in infos])
    else:
        rows = [(i.name, i.kind, i.title, ", ".join(i.protocols), i.dataset) for i in infos]
        show_table(("task", "kind", "benchmark", "protocols", "data"), rows)
    return int(ExitCode.OK)


def call_show(args: argparse.Namespace) -> int:
    """Everything about one task, with the prompt of the first row of its mini set."""
    from dataclasses import asdict

    from pisces_eval.cli.render import say_json, show_table

    task = registry_of(args).task(args.name)
    facts = (
        asdict(task.info) | {"options": options_of(task)} | {"example_prompt": example_prompt(task)}
    )
    if args.json:
        say_json(facts)
    else:
        show_table(("", task.info.title), [(key, _in_words(facts[key])) for key in facts])
    return int(ExitCode.OK)


def options_of(task: Task) -> dict[str, float]:
    """What `score` and `sweep` may turn, with the reference scorer's values."""
    from pisces_eval.interfaces import Tunable

    return dict(task.options) if isinstance(task, Tunable) else {}


def example_prompt(task: Task) -> str:
    """What a model gets for the first row of the mini set."""
    from pisces_eval.interfaces import Ask, DataRequest

    row = next(iter(task.rows(DataRequest(mini=True))))
    request = next(iter(task.cases(row, 0))).request
    return request.text if isinstance(request, Ask) else request.prompt


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_in_words(item)}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
