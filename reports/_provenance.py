"""Where the numbers come from, as labelled facts: identity, data, machine, time."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pisces_eval.formatting import MISSING, format_count, format_duration, format_rate
from pisces_eval.interfaces import RunView
from pisces_eval.records import Identity, PluginCard, Provenance, StageTiming, TaskPlan

SHORT = 12
"""Hexadecimal digits that are enough to tell fingerprints apart by eye."""


@dataclass(frozen=True)
class Fact:
    """One line of provenance."""

    name: str
    text: str
    full: str
    """The whole text where `text` is shortened; else the same."""


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    facts: tuple[Fact, ...]


def provenance_groups(run: RunView) -> tuple[FactGroup, ...]:
    """All of the manifest and the identity of the results, in reading order."""
    manifest = run.manifest
    groups = [
        FactGroup("Run", _run_facts(run.results.identity, manifest.identity)),
        FactGroup("Environment", _environment_facts(manifest.provenance)),
        *(FactGroup(f"Task {plan.name}", _task_facts(plan)) for plan in manifest.identity.tasks),
    ]
    if manifest.timings:
        groups.append(FactGroup("Time", tuple(_timing_fact(timing) for timing in manifest.timings)))
    return tuple(groups)


def short_fact(name: str, fingerprint: str) -> Fact:
    """A fingerprint or revision, shortened for the eye."""
    return Fact(name, fingerprint[:SHORT], fingerprint)


def _fact(name: str, text: str) -> Fact:
    return Fact(name, text, text)


def _run_facts(results_identity: str, identity: Identity) -> tuple[Fact, ...]:
    limit = "none" if identity.limit is None else f"{format_count(identity.limit)} samples a task"
    return (
        short_fact("Identity", results_identity),
        *_plugin_facts("Model", identity.model),
        *(_plugin_facts("Detector", identity.detector) if identity.detector else ()),
        _fact("Seed", str(identity.seed)),
        _fact("Limit", limit),
    )


def _plugin_facts(role: str, card: PluginCard) -> tuple[Fact, ...]:
    return (_fact(role, card.spec), short_fact(f"{role} fingerprint", card.fingerprint))


def _environment_facts(provenance: Provenance) -> tuple[Fact, ...]:
    return (
        _fact("pisces-eval", provenance.version),
        _fact("Python", provenance.python),
        _fact("Platform", provenance.platform),
        _fact("Batch size", format_count(provenance.batch_size)),
        _fact("Command", shlex.join(provenance.command)),
        *(_fact(name, version) for name, version in sorted(provenance.packages.items())),
    )


def _task_facts(plan: TaskPlan) -> tuple[Fact, ...]:
    data = plan.data
    revision = data.revision
    return (
        short_fact("Task fingerprint", plan.fingerprint),
        _fact("Protocols", ", ".join(plan.protocols)),
        _fact("Samples", format_count(plan.samples)),
        _fact("Data", data.source),
        short_fact("Revision", revision) if revision else _fact("Revision", MISSING),
        _fact("Rows", format_count(data.rows)),
        short_fact("Data fingerprint", data.fingerprint),
    )


def _timing_fact(timing: StageTiming) -> Fact:
    return _fact(
        f"{timing.task}, {timing.stage}",
        f"{format_count(timing.samples)} samples in {format_duration(timing.seconds)}"
        f" ({format_rate(timing.samples, timing.seconds)})",
    )
