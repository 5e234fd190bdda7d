"""The `pisces-eval` command: one parser, one verb a module, one place where errors become lines."""

from __future__ import annotations

import argparse
import difflib
import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from pisces_eval import __version__
from pisces_eval.cli import (
    completion,
    doctor,
    fetch,
    plan,
    plugins,
    report,
    run,
    score,
    sweep,
    tasks,
    verify,
)
from pisces_eval.errors import ExitCode, PiscesEvalError, UserError

VERBS = (run, plan, fetch, tasks, plugins, score, sweep, report, verify, doctor, completion)
DEBUG = "PISCES_EVAL_DEBUG"
PLUGIN_MODULE = "pisces_eval_plugin_"
"""How the registry names the modules of --plugin files."""
STDOUT, STDERR = 1, 2
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
        flags = re.findall(r"--[a-z-]+", self.format_help())
        advice = _with_advice(message, flags)
        sys.stderr.write(f"{self.prog}: {advice}; see {self.prog} --help\n")
        raise SystemExit(int(ExitCode.USAGE))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses unknown flags at the verb they were given to: only it knows what is near."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown and not getattr(parsed, "takes_options", False):
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown


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
    # A verb may speak of the whole command, as completion does.
    parser.set_defaults(root=parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; no error leaves as a traceback."""
    _make_streams_safe()
    try:
        parsed = parse(_as_text(sys.argv[1:] if arguments is None else arguments))
        code = int(parsed.call(parsed))
        # Not left to the interpreter's end, where a reader that has gone could not be caught.
        sys.stdout.flush()
        return code
    except PiscesEvalError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("stopped", ExitCode.INCOMPLETE)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more to say, and nowhere to say it.
        # Python's documentation advises this, lest the buffers complain when they are closed.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDOUT)
        os.dup2(nowhere, STDERR)
        return int(ExitCode.INCOMPLETE)
    except OSError as error:
        return _fail(_about_file(error), ExitCode.MISSING)
    except Exception as error:
        if DEBUG in os.environ:
            raise
        return _fail(_blame(error), ExitCode.INCOMPLETE)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """A command's words; what only its tasks can read, as `--threshold 0.4`, is in options.

    Raises SystemExit as argparse does: 0 after --help, 2 for words that are no command.
    """
    words = _verb_first(arguments)
    parsed, options = build_parser().parse_known_args(words)
    parsed.options = options
    return parsed


def _verb_first(words: Sequence[str]) -> list[str]:
    """`geneval sweep RUN` reads better than `sweep --task geneval RUN`, and means the same."""
    if len(words) > 1 and words[1] == "sweep" and not words[0].startswith("-"):
        return ["sweep", "--task", words[0], *words[2:]]
    return list(words)


def _make_streams_safe() -> None:
    """A closed stream swallows what is written; a narrow encoding gets question marks for ±."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _as_text(arguments: Sequence[str]) -> Sequence[str]:
    """The same words. Raises UserError for bytes that are no UTF-8: no manifest could hold them."""
    for word in arguments:
        if word.encode(errors="replace").decode() != word:
            raise UserError(f"argument {word!a} is no UTF-8; rename the file or retype the word")
    return arguments


def _fail(message: str, code: ExitCode) -> int:
    sys.stderr.write(f"pisces-eval: {' '.join(message.split())}\n")
    return int(code)


def _blame(error: Exception) -> str:
    """An error that nobody foresaw: the user's plug-in file is at fault if it was being run."""
    what = f"{type(error).__name__}: {error} (set {DEBUG}=1 for the traceback)"
    step = error.__traceback__
    while step is not None:
        if str(step.tb_frame.f_globals.get("__name__")).startswith(PLUGIN_MODULE):
            where = f"{step.tb_frame.f_code.co_filename} line {step.tb_lineno}"
            return f"the plug-in {where} failed: {what}"
        step = step.tb_next
    return f"a defect of pisces-eval, please report it: {what}"


def _about_file(error: OSError) -> str:
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full{where}; free some room and run the same command again: what was "
            "journaled is kept"
        )
    return f"{error.strerror or error}{where}; check that the path exists and may be used"


def _with_advice(message: str, flags: Sequence[str]) -> str:
    if message.startswith("unrecognized arguments: --"):
        near = difflib.get_close_matches(message.split()[2].partition("=")[0], flags, n=1)
        return f"{message}; did you mean {near[0]}?" if near else message
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
