"""Every failure that pisces-eval reports on purpose, and who can mend it.

    PiscesEvalError                 exit code
    ├── UserError                   2   a flag, a name, a configuration, a folder given by the user
    ├── TaskError                   3   a benchmark's data: a row, an image, a file of answers
    ├── EnvironmentFailure          3   the machine: a package, weights, the hub, the disk
    └── ModelError                  4   the model under test: the run is incomplete

Exit code 0 means that all is well, 1 that a gate failed, 4 also that a run was interrupted.
Each message is one line that says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    MISSING = 3
    INCOMPLETE = 4


class PiscesEvalError(Exception):
    """The root of the tree; never raised itself."""

    exit_code = ExitCode.INCOMPLETE


class UserError(PiscesEvalError):
    """The command, its configuration, or a folder it names must change."""

    exit_code = ExitCode.USAGE


class TaskError(PiscesEvalError):
    """A benchmark's data is missing a field, damaged, or too large."""

    exit_code = ExitCode.MISSING


class EnvironmentFailure(PiscesEvalError):
    """The machine lacks something: a package, weights, a network, room on the disk."""

    exit_code = ExitCode.MISSING


class ModelError(PiscesEvalError):
    """The model under test broke its contract or failed."""

    exit_code = ExitCode.INCOMPLETE
