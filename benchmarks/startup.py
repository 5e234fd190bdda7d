"""How long `--help` of every verb and `tasks list` take, and how much memory.

    python benchmarks/startup.py [--runs 9] [--peer "lm-eval --help" ...]

Each command is a fresh process, run once to warm the file cache and then --runs times; the floor
is this interpreter doing nothing. Quote the ratio to the floor: machines differ, ratios less so.
Other harnesses on PATH can be timed in the same run with --peer.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

VERBS = ("run", "plan", "tasks", "models", "detectors", "score", "report", "verify", "doctor")
HELP_SECONDS, LIST_SECONDS, LIST_MIB = 0.1, 0.2, 60


class Timing(NamedTuple):
    seconds: float
    mib: float


def timed(command: list[str], runs: int) -> Timing:
    once(command)
    timings = [once(command) for _ in range(runs)]
    return Timing(
        statistics.median(t.seconds for t in timings), statistics.median(t.mib for t in timings)
    )


def once(command: list[str]) -> Timing:
    quiet = os.open(os.devnull, os.O_WRONLY)
    start = time.perf_counter()
    child = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)],
    )
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    os.close(quiet)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{shlex.join(command)} failed")
    return Timing(seconds, usage.ru_maxrss / 1024)


def verdict(found: float, budget: float) -> str:
    return "ok" if found <= budget else "OVER"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--peer", action="append", default=[], metavar="COMMAND")
    options = parser.parse_args()
    ours = str(Path(sys.executable).parent / "pisces-eval")
    floor = timed([sys.executable, "-c", "pass"], options.runs)
    commands = {
        "pisces-eval --help": ([ours, "--help"], HELP_SECONDS),
        **{f"pisces-eval {v} --help": ([ours, v, "--help"], HELP_SECONDS) for v in VERBS},
        "pisces-eval tasks list": ([ours, "tasks", "list"], LIST_SECONDS),
        **{peer: (shlex.split(peer), None) for peer in options.peer},
    }
    print("| command | seconds | MiB | × floor | budget |\n|---|---|---|---|---|")
    print(f"| `python -c pass` (floor) | {floor.seconds:.3f} | {floor.mib:.0f} | 1.0 | |")
    for name, (command, budget) in commands.items():
        found = timed(command, options.runs)
        limit = (
            "" if budget is None else f"{budget} s {'ok' if found.seconds <= budget else 'OVER'}"
        )
        if name.endswith("tasks list"):
            limit += f", {LIST_MIB} MiB {verdict(found.mib, LIST_MIB)}"
        ratio = found.seconds / floor.seconds
        print(f"| `{name}` | {found.seconds:.3f} | {found.mib:.0f} | {ratio:.1f} | {limit} |")


if __name__ == "__main__":
    main()
