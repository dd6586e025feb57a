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
from suasion.errors import ProviderError, StudyError
from suasion.models.chat import Chat
from suasion.records import Json, Transcript
from suasion.store import Kind, Store, open_store, read_store
from suasion.study import judging
from suasion.study.analyze import analyze
from suasion.study.arms import PlannedArm, expand
from suasion.study.artifacts import Artifacts, check, prepare
from suasion.study.bases import Base, Speakers
from suasion.study.cells import BuiltEvaluation, Cell, build_evaluations, cells
from suasion.study.codec import decode_transcript, encode_transcript
from suasion.study.contrasts import Declared, declared
from suasion.study.evidence import Evidence
from suasion.study.judging import Asked, Jury
from suasion.study.progress import Progress, Silent
from suasion.study.results import Results, Sample
from suasion.study.spec import StudySpec
from suasion.study.work import Finished, Job, patience, work_off


@dataclass(frozen=True)
class Bench:
    """A study with everything it needs opened and checked."""

    spec: StudySpec
    """The study."""
    base: Base
    """Its base."""
    arms: tuple[PlannedArm, ...]
    """Its arms, grids written out."""
    built: Mapping[str, BuiltEvaluation]
    """Its evaluations."""
    tests: Sequence[Declared]
    """Its declared tests."""
    jury: Jury
    """Who judges."""
    user: Chat | None
    """Who plays the user instead of the evaluation's own; None for that."""

    def users(self) -> dict[str, Chat | None]:
        """Who plays the user, by evaluation."""
        return {name: self.user or each.evaluation.user for name, each in self.built.items()}


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
    bench = set_up(spec, speakers)
    with open_store(store) as held:
        made = prepare(bench.arms, bench.base, held, progress)
        wanted = planned_cells(bench, made)
        said = asyncio.run(_transcripts(bench, wanted, held, progress))
        samples = asyncio.run(_samples(bench, wanted, said, held, progress))
    reused = made.reused + len(said.values) + len(said.failures) - said.made
    results = _analyzed(bench, made, samples, command)
    seconds = time.monotonic() - began
    return replace(results, provenance=replace(results.provenance, reused=reused, seconds=seconds))


def read(
    spec: StudySpec,
    store: Path,
    speakers: Speakers,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Results:
    """The results of a study whose transcripts are stored; generates nothing, trains nothing.

    Judgements that are missing, because the study now names another judge, are asked for; without
    any the store is only read, also while somebody else writes to it. Arguments as for `run`.

    Raises:
        StudyError: a transcript or an artifact is not in the store.
        SuasionError: as `run`.
    """
    progress = progress or Silent()
    bench = set_up(spec, speakers)
    with read_store(store) as held:
        made = prepare(bench.arms, bench.base, held, Silent())
        wanted = planned_cells(bench, made)
        said = _stored(wanted, held)
        asked = judging.questions(wanted, _decoded(said), bench.jury)
        keys = {each.key for each in asked.values()}
        judged = held.have(keys) >= keys
    with (read_store if judged else open_store)(store) as held:
        samples = asyncio.run(_samples(bench, wanted, said, held, progress))
    return _analyzed(bench, made, samples, command)


def set_up(spec: StudySpec, speakers: Speakers) -> Bench:
    """Open and check all that a study names, so that what is wrong is told before anything runs.

    Raises:
        SuasionError: something cannot be had, or does not fit.
    """
    built = build_evaluations(spec)
    jury = Jury(spec.judge, None if spec.judge == judging.RULES else speakers.chat(spec.judge))
    for each in built.values():
        jury.judges(each)
    user = speakers.chat(spec.user) if spec.user else None
    base = speakers.base(spec.base)
    arms = expand(spec, base.layers)
    check(arms, base)
    tests = declared(spec, [planned.arm for planned in arms], built)
    return Bench(spec, base, arms, built, tests, jury, user)


def planned_cells(bench: Bench, made: Artifacts) -> list[Cell]:
    """The episodes of all arms whose conditions are known."""
    chats = {where: bench.base.chat(condition) for where, condition in made.conditions.items()}
    return cells(bench.arms, chats, bench.built, bench.users(), bench.spec.draw)


def _analyzed(bench: Bench, made: Artifacts, samples: tuple[Sample, ...], command: str) -> Results:
    results = analyze(
        Evidence(
            bench.spec, bench.arms, bench.built, bench.tests, samples, bench.base,
            made.training, made.data, bench.jury,
        )
    )  # fmt: skip
    transcripts = len({id(sample.transcript) for sample in samples})
    provenance = replace(results.provenance, cells=made.count + transcripts, command=command)
    return replace(results, provenance=provenance)


def _stored(wanted: Sequence[Cell], store: Store) -> Finished:
    """All transcripts, from the store.

    Raises:
        StudyError: one is not there.
    """
    values = store.many({cell.key for cell in wanted})
    missing = len({cell.key for cell in wanted}) - len(values)
    if missing:
        raise StudyError(
            f"{missing} of {len(values) + missing} transcripts are not in {store.folder}: run the "
            "study to its end first"
        )
    return Finished(values)


async def _transcripts(
    bench: Bench, wanted: Sequence[Cell], store: Store, progress: Progress
) -> Finished:
    users = bench.users()
    jobs = {cell.key: partial(_episode, cell, users[cell.built.name]) for cell in wanted}
    return await _phase("episodes", "transcript", jobs, store, progress, bench.base.width)


def _decoded(said: Finished) -> dict[str, Transcript]:
    return {at: decode_transcript(value) for at, value in said.values.items()}


async def _episode(cell: Cell, user: Chat | None) -> Json:
    roles = Roles(cell.subject, user)
    transcript = await cell.built.evaluation.episode(cell.item, roles, cell.draw)
    if transcript.failed is not None:
        raise ProviderError(transcript.failed)
    return encode_transcript(transcript)


async def _samples(
    bench: Bench, wanted: Sequence[Cell], said: Finished, store: Store, progress: Progress
) -> tuple[Sample, ...]:
    """Every transcript, judged and scored."""
    transcripts = _decoded(said)
    asked = judging.questions(wanted, transcripts, bench.jury)
    jobs = judging.jobs(asked.values(), bench.jury)
    raw = await _phase("judgements", "judgement", jobs, store, progress, bench.base.width)
    return tuple(_sample(cell, transcripts, said.failures, asked, raw) for cell in wanted)


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
