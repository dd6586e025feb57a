"""Running a study: artifacts, transcripts, judgements, results; only what the store does not hold.

Everything is saved as it finishes. A run that is stopped, by whatever, goes on where it was when
the same command is given again; a run that is complete asks no model anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from suasion.episodes import Roles
from suasion.models.chat import Chat
from suasion.records import Json, Transcript
from suasion.store import Kind, Store, open_store
from suasion.study import judging
from suasion.study.analyze import analyze
from suasion.study.arms import PlannedArm, expand
from suasion.study.artifacts import Artifacts, prepare
from suasion.study.bases import Base, Speakers
from suasion.study.cells import BuiltEvaluation, Cell, build_evaluations, cells
from suasion.study.codec import decode_transcript, encode_transcript
from suasion.study.evidence import Evidence
from suasion.study.judging import Asked, Jury
from suasion.study.progress import Progress, Silent
from suasion.study.results import Results, Sample
from suasion.study.spec import StudySpec
from suasion.study.work import Finished, Job, patience, work_off


@dataclass(frozen=True)
class Bench:
    """A study with everything it needs opened."""

    spec: StudySpec
    """The study."""
    base: Base
    """Its base."""
    arms: tuple[PlannedArm, ...]
    """Its arms, grids written out."""
    built: Mapping[str, BuiltEvaluation]
    """Its evaluations."""
    jury: Jury
    """Who judges."""
    user: Chat | None
    """Who plays the user instead of the evaluation's own; None for that."""
    speakers: Speakers
    """Holds every model open that is asked anything."""

    def users(self) -> dict[str, Chat | None]:
        """Who plays the user, by evaluation."""
        return {name: self.user or each.evaluation.user for name, each in self.built.items()}


@dataclass
class Tally:
    """How much of a run was there already."""

    cells: int = 0
    """Artifacts and transcripts."""
    reused: int = 0
    """Those of them that were stored."""


def run(
    spec: StudySpec,
    store: Path,
    speakers: Speakers,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Results:
    """Run a study, as far as it is not in the store.

    Args:
        spec: the study.
        store: folder of the store.
        speakers: opens the models the study names.
        progress: told what happens.
        command: what makes the results again, for the report.

    Raises:
        StudyError: the study cannot be run as it is, or nothing at all works.
        StoreError: the store is in use, not writable or full; what was saved is safe.
        SuasionError: a model, data set or judge cannot be had.
        KeyboardInterrupt: stopped by hand; what was saved is safe.
    """
    began = time.monotonic()
    progress = progress or Silent()
    bench = prepare_bench(spec, speakers)
    with open_store(store) as held:
        made = prepare(bench.arms, bench.base, held, progress)
        wanted = _cells(bench, made)
        tally = Tally(made.made + made.reused, made.reused)
        samples = asyncio.run(_episodes_and_judgements(bench, wanted, held, progress, tally))
    evidence = Evidence(
        spec, bench.arms, bench.built, samples, bench.base, made.training, bench.jury
    )
    results = analyze(evidence)
    provenance = replace(
        results.provenance,
        cells=tally.cells,
        reused=tally.reused,
        seconds=time.monotonic() - began,
        command=command,
    )
    return replace(results, provenance=provenance)


def prepare_bench(spec: StudySpec, speakers: Speakers) -> Bench:
    """Open the base, build the evaluations and find the judge: all that can be wrong, at once.

    Raises:
        SuasionError: something the study names cannot be had.
    """
    built = build_evaluations(spec)
    jury = Jury(spec.judge, None if spec.judge == judging.RULES else speakers.chat(spec.judge))
    for each in built.values():
        jury.judges(each)
    user = speakers.chat(spec.user) if spec.user else None
    base = speakers.base(spec.base)
    return Bench(spec, base, expand(spec, base.layers), built, jury, user, speakers)


def _cells(bench: Bench, made: Artifacts) -> list[Cell]:
    chats = {where: bench.base.chat(condition) for where, condition in made.conditions.items()}
    return cells(bench.arms, chats, bench.built, bench.users(), bench.spec.draw)


async def _episodes_and_judgements(
    bench: Bench, wanted: Sequence[Cell], store: Store, progress: Progress, tally: Tally
) -> tuple[Sample, ...]:
    async with bench.speakers.speaking():
        transcripts, failures = await _transcripts(bench, wanted, store, progress, tally)
        return await _samples(bench, wanted, transcripts, failures, store, progress)


async def _transcripts(
    bench: Bench, wanted: Sequence[Cell], store: Store, progress: Progress, tally: Tally
) -> tuple[dict[str, Transcript], dict[str, str]]:
    """Every transcript, by key; and why those that failed are not there."""
    users = bench.users()
    jobs = {cell.key: partial(_episode, cell, users[cell.built.name]) for cell in wanted}
    done = await _phase("episodes", "transcript", jobs, store, progress, bench.base.width)
    tally.cells += len(jobs)
    tally.reused += len(jobs) - done.made
    return {at: decode_transcript(value) for at, value in done.values.items()}, done.failures


async def _episode(cell: Cell, user: Chat | None) -> Json:
    transcript = await cell.built.evaluation.episode(
        cell.item, Roles(cell.subject, user), cell.draw
    )
    return encode_transcript(transcript)


async def _samples(
    bench: Bench,
    wanted: Sequence[Cell],
    transcripts: Mapping[str, Transcript],
    failures: Mapping[str, str],
    store: Store,
    progress: Progress,
) -> tuple[Sample, ...]:
    asked = judging.questions(wanted, transcripts, bench.jury)
    jobs = judging.jobs(asked.values(), bench.jury)
    raw = await _phase("judgements", "judgement", jobs, store, progress, bench.base.width)
    return tuple(_sample(cell, transcripts, failures, asked, raw) for cell in wanted)


def _sample(
    cell: Cell,
    transcripts: Mapping[str, Transcript],
    failures: Mapping[str, str],
    asked: Mapping[tuple[str, str], Asked],
    raw: Finished,
) -> Sample:
    evaluation = cell.built.evaluation
    transcript = transcripts.get(cell.key)
    if transcript is None:
        broke = failures.get(cell.key, "not run")
        transcript = Transcript(cell.item.id, cell.draw.sample, (), failed=broke)
    verdicts = {}
    for name in evaluation.questions:
        each = asked.get((cell.key, name))
        answer = raw.values.get(each.key) if each else None
        why = (raw.failures.get(each.key) if each else None) or transcript.failed
        verdicts[name] = judging.verdict(name, each, answer, why)
    scores = {metric: rule(verdicts) for metric, rule in evaluation.scores.items()}
    return Sample(cell.arm, cell.seed, cell.built.name, cell.item, transcript, verdicts, scores)


async def _phase(
    name: str,
    kind: Kind,
    jobs: Mapping[str, Job],
    store: Store,
    progress: Progress,
    width: int,
) -> Finished:
    """What the store holds of the jobs' values, and the rest, made and saved."""
    stored = store.many(jobs)
    missing = {at: job for at, job in jobs.items() if at not in stored}
    progress.phase(name, len(jobs), len(stored))
    made = await work_off(
        missing,
        partial(store.put, kind),
        width=width,
        patience=patience(len(missing), len(stored)),
        advance=progress.advance,
    )
    return Finished({**stored, **made.values}, made.failures, made.made)
