"""From samples to results: estimates, contrasts and the validity checklist."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from suasion import __version__
from suasion.data.mixture import manifest
from suasion.records import Json
from suasion.store import digest
from suasion.study.belief_shift import belief_shifts
from suasion.study.beside import beside
from suasion.study.checks import checklist
from suasion.study.contrasts import contrasts
from suasion.study.doses import doses
from suasion.study.estimates import Table, estimates
from suasion.study.evidence import Evidence
from suasion.study.judge_checks import checked_by_rules, judges_agree, judges_differ
from suasion.study.persuasion_games import persuasion_games
from suasion.study.published import beside_published
from suasion.study.results import Provenance, Results


def analyze(evidence: Evidence) -> Results:
    """Results of a study; what the run itself knows (time, cells) is left for it to fill in."""
    arms = tuple(planned.arm for planned in evidence.arms)
    table = Table.of(evidence.samples, arms, evidence.built)
    headlines = {name: next(iter(b.evaluation.scores)) for name, b in evidence.built.items()}
    tested = contrasts(evidence.tests, table)
    checked = checked_by_rules(evidence)
    games = persuasion_games(evidence, table, tested)
    return Results(
        study=evidence.spec.study,
        question=evidence.spec.question,
        arms=arms,
        estimates=estimates(table),
        contrasts=tested,
        checks=checklist(evidence, table, tested, checked, games),
        samples=evidence.samples,
        headlines=headlines,
        roles={name: built.evaluation.role for name, built in evidence.built.items()},
        numbers=frozenset(at for at, scale in table.declared.items() if max(map(abs, scale)) > 1),
        doses=doses(table, evidence.built, evidence.tests),
        beside=beside(table, evidence.built, evidence.tests),
        belief_shifts=belief_shifts(table, evidence.tests),
        provenance=_provenance(evidence),
        judges_agree=judges_agree(evidence),
        judges_differ=judges_differ(evidence, table),
        checked_by_rules=checked,
        mixtures={name: manifest(data) for name, data in evidence.data.items() if data.parts},
        published=beside_published(evidence.spec, table, headlines),
        games=games,
    )


def _provenance(evidence: Evidence) -> Provenance:
    return Provenance(
        base=evidence.spec.base,
        base_digest=evidence.base.digest,
        judge=evidence.spec.judge,
        command="",
        # Published numbers change nothing that is run, so they are no part of the study as run.
        spec_digest=digest(evidence.spec.model_dump(mode="json", exclude={"published"})),
        cells=0,
        reused=0,
        seconds=0.0,
        versions=_versions(),
        machine=f"{os.cpu_count()} cores, {platform.machine()}",
        training=_training(evidence),
        embedded=evidence.base.embedded,
        notes={name: built.evaluation.notes for name, built in evidence.built.items()},
    )


def _training(evidence: Evidence) -> dict[str, dict[str, Json]]:
    """Each adapter's manifest, with what must be known of its rows before it is passed on.

    Or, of one that was trained by reinforcement, of the items that it played.
    """
    told: dict[str, dict[str, Json]] = {}
    for name, made in evidence.training.items():
        played = evidence.plays.get(name.rpartition("/")[0])
        if played is not None:
            told[name] = {**made, "items": {**played.built.evaluation.notes}}
            continue
        data = evidence.data[name]
        left_out: dict[str, Json] = {"left_out": {**data.left_out}} if data.left_out else {}
        told[name] = {**made, "licence": data.licence, **left_out}
    return told


def _versions() -> dict[str, str]:
    found = {"suasion": __version__, "python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "trl", "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):  # an extra that is not installed
            found[name] = version(name)
    return found
