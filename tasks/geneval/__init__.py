"""GenEval, the object-focused benchmark of text-to-image models (arXiv 2310.11513)."""

from __future__ import annotations

from pisces_eval.interfaces import Task
from pisces_eval.tasks.geneval.task import GenEval

TASK: Task = GenEval()
