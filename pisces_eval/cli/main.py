"""The `pisces-eval` command: one parser, one verb a module, one place where errors become lines."""

from __future__ import annotations

import argparse
import difflib
import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from pisces_eval import __version__
from pisces_eval.cli import (
    completion,
    doctor,
    plan,
    plugins,
    report,
    run,
    score,
    tasks,
    verify,
)
from pisces_eval.errors import ExitCode, PiscesEvalError

VERBS = (run, plan, tasks, plugins, score, report, verify, doctor, completion)
DEBUG = "PISCES_EVAL_DEBUG"
EPILOG = """\
examples:
  pisces-eval run --tasks geneval,mmmu --mini     the whole way, offline, in a minute
  pisces-eval run --tasks mmmu --model python:my_package:MyModel
  pisces-eval tasks list                          what can be run
  pisces-eval doctor                              what this machine lacks, and how to mend it

exit codes: 0 good, 1 gate failed, 2 usage, 3 data or environment missing, 4 run incomplete
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Prints the line, with the nearest word if one was mistyped, and exits with 2."""
        sys.stderr.write(f"{self.prog}: {_with_advice(message)}; see {self.prog} --help\n")
        raise SystemExit(int(ExitCode.USAGE))


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = Parser(
        prog="pisces-eval",
        description="Evaluate models that see and draw: one command, one trustworthy report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pisces-eval {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        verb.add_parser(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; no error leaves as a traceback."""
    parsed = build_parser().parse_args(arguments)
    try:
        return int(parsed.call(parsed))
    except PiscesEvalError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("stopped", ExitCode.INCOMPLETE)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more to say, and nowhere to say it.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
        return int(ExitCode.OK)
    except OSError as error:
        return _fail(_about_file(error), ExitCode.MISSING)
    except Exception as error:
        if DEBUG in os.environ:
            raise
        return _fail(
            f"a defect of pisces-eval, please report it: {type(error).__name__}: {error} "
            f"(set {DEBUG}=1 for the traceback)",
            ExitCode.INCOMPLETE,
        )


def _fail(message: str, code: ExitCode) -> int:
    sys.stderr.write(f"pisces-eval: {' '.join(message.split())}\n")
    return int(code)


def _about_file(error: OSError) -> str:
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full{where}; free some room and run the same command again: what was "
            "journaled is kept"
        )
    return f"{error.strerror or error}{where}; check that the path exists and may be used"


def _with_advice(message: str) -> str:
    if "invalid choice: '" not in message:
        return message
    wrong = message.split("invalid choice: '")[1].split("'")[0]
    choices = message.rpartition("(choose from ")[2].rstrip(")").replace("'", "").split(", ")
    near = difflib.get_close_matches(wrong, choices, n=1)
    if near:
        return f"there is no '{wrong}'; did you mean {near[0]}?"
    return f"there is no '{wrong}'; there are: {', '.join(choices)}"


if __name__ == "__main__":
    raise SystemExit(main())
