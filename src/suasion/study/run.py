"""Running a study: artifacts, transcripts, judgements, results; only what the store does not hold.

Everything is saved as it finishes. A run that is stopped, by whatever, goes on where it was when
the same command is given again; a run that is complete asks no model anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from suasion.study.auto_controls import with_controls
from suasion.study.bases import Base, Speakers
from suasion.study.cells import BuiltEvaluation, Cell, build_evaluations, cells
from suasion.study.checkpoints import open_checkpoints
from suasion.study.codec import decode_transcript, encode_transcript
from suasion.study.contrasts import Declared, declared
from suasion.study.evidence import Evidence
from suasion.study.judging import Asked, Jury
from suasion.study.loop_talks import Company
from suasion.study.loops import check_loops, company
from suasion.study.others import Others, open_others
from suasion.study.progress import Progress, Silent
from suasion.study.published import check_published
from suasion.study.results import Results, Sample
from suasion.study.rl_arms import Plays, open_plays
from suasion.study.spec import StudySpec
from suasion.study.speech import look_of
from suasion.study.work import Finished, Job, patience, work_off

NOT_STORED = "not stored"
"""Why a transcript is missing that was never made, where none is made now."""

NOT_JUDGED = "not judged"
"""Why a judgement is missing that was never asked for, where nobody is asked now."""


@dataclass(frozen=True)
class Bench:
    """A study with everything it needs opened and checked."""

    spec: StudySpec
    """The study, with the controls of its steering grids."""
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
    models: Mapping[tuple[str, int], Chat]
    """Subjects that are models of their own, by arm and seed."""
    company: Company = field(default_factory=Company)
    """Who takes part in loops besides the base."""
    others: Others = field(default_factory=dict)
    """Who else takes part in episodes, by evaluation and role."""
    plays: Plays = field(default_factory=dict)
    """What arms play that are trained by reinforcement."""

    def users(self) -> dict[str, Chat | None]:
        """Who plays the user, by evaluation."""
        return {name: self.user or each.evaluation.user for name, each in self.built.items()}


@dataclass(frozen=True)
class Heard:
    """What was said in a study, and what is asked about it."""

    cells: Sequence[Cell]
    """Its episodes."""
    transcripts: Mapping[str, Transcript]
    """What was said, by the cell's key."""
    failures: Mapping[str, str]
    """Why nothing was said, by the key of other cells."""
    asked: Mapping[tuple[str, str], Asked]
    """The questions about each transcript, by its key and the question's name."""

    def keys(self) -> set[str]:
        """Where the store holds the answers."""
        return {each.key for each in self.asked.values()}


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
        made = prepare(bench.arms, bench.base, held, progress, bench.company, bench.plays)
        wanted = planned_cells(bench, made)
        said = asyncio.run(_transcripts(bench, wanted, held, progress))
        heard = _heard(bench, wanted, said)
        raw = asyncio.run(_judgements(bench, heard, held, progress))
    reused = made.reused + len(said.values) + len(said.failures) - said.made
    results = _analyzed(bench, made, _samples(heard, raw), command)
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
    """The results of a study as far as they are stored; no model is asked, nothing is trained.

    Transcripts and judgements that are not stored are missing, with that as the reason. The store
    is only read, also while somebody else writes to it. Arguments as for `run`.

    Raises:
        StudyError: no transcript is in the store, or an artifact is not.
        SuasionError: as `run`.
    """
    progress = progress or Silent()
    bench = set_up(spec, speakers)
    with read_store(store) as held:
        made, heard = _kept(bench, held)
        raw = _on_record(heard, held, progress)
    return _analyzed(bench, made, _samples(heard, raw), command)


def rejudge(
    spec: StudySpec,
    store: Path,
    speakers: Speakers,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Results:
    """As `read`, but judgements that are missing, of another judge perhaps, are asked for.

    Without any the store is only read, also while somebody else writes to it. Arguments as for
    `run`.

    Raises:
        StudyError: as `read`; or every judgement that was asked for failed.
        SuasionError: as `run`.
    """
    progress = progress or Silent()
    bench = set_up(spec, speakers)
    with read_store(store) as held:
        made, heard = _kept(bench, held)
        judged = held.have(heard.keys()) >= heard.keys()
    with (read_store if judged else open_store)(store) as held:
        raw = asyncio.run(_judgements(bench, heard, held, progress))
    return _analyzed(bench, made, _samples(heard, raw), command)


def set_up(spec: StudySpec, speakers: Speakers) -> Bench:
    """Open and check all that a study names, so that what is wrong is told before anything runs.

    Raises:
        SuasionError: something cannot be had, or does not fit.
    """
    spec = with_controls(spec)
    built = build_evaluations(spec)
    jury = Jury(spec.judge, None if spec.judge == judging.RULES else speakers.chat(spec.judge))
    for each in built.values():
        jury.judges(each)
    user = speakers.chat(spec.user) if spec.user else None
    others = open_others(built, speakers)
    base = speakers.base(spec.base).looking(look_of(spec, speakers))
    arms = expand(spec, base.layers)
    check(arms, base)
    there = company(spec, arms, speakers)
    check_loops(arms, base, there)
    plays = open_plays(spec, arms, base, speakers)
    check_published(spec, [planned.arm for planned in arms], built)
    models = open_checkpoints(arms, base, speakers)
    tests = declared(spec, [planned.arm for planned in arms], built)
    return Bench(spec, base, arms, built, tests, jury, user, models, there, others, plays)


def planned_cells(bench: Bench, made: Artifacts) -> list[Cell]:
    """The episodes of all arms whose conditions are known."""
    chats = {where: bench.base.chat(condition) for where, condition in made.conditions.items()}
    chats |= {where: chat for where, chat in bench.models.items() if where in chats}
    return cells(bench.arms, chats, bench.built, bench.users(), bench.spec.draw, bench.others)


def _analyzed(bench: Bench, made: Artifacts, samples: tuple[Sample, ...], command: str) -> Results:
    results = analyze(
        Evidence(
            bench.spec, bench.arms, bench.built, bench.tests, samples, bench.base,
            made.training, made.data, bench.jury, made.layers, made.mitigated, made.directions,
            bench.plays, tuple(made.curves),
        )
    )  # fmt: skip
    transcripts = len({id(sample.transcript) for sample in samples})
    provenance = replace(results.provenance, cells=made.count + transcripts, command=command)
    screens, rounds = tuple(made.screens.values()), tuple(made.rounds)
    return replace(
        results, provenance=provenance, screens=screens, loops=rounds, curves=tuple(made.curves)
    )


def _kept(bench: Bench, store: Store) -> tuple[Artifacts, Heard]:
    """The artifacts and transcripts of a study that are in the store.

    Raises:
        StudyError: an artifact is not there, or no transcript is.
    """
    made = prepare(bench.arms, bench.base, store, Silent(), bench.company, bench.plays)
    wanted = planned_cells(bench, made)
    return made, _heard(bench, wanted, _stored(wanted, store))


def _stored(wanted: Sequence[Cell], store: Store) -> Finished:
    """The transcripts that are in the store; the others failed.

    Raises:
        StudyError: none is there.
    """
    keys = dict.fromkeys(cell.key for cell in wanted)
    values = store.many(keys)
    if keys and not values:
        raise StudyError(
            f"none of {len(keys)} transcripts is in {store.folder}: run the study first"
        )
    return Finished(values, {at: NOT_STORED for at in keys if at not in values})


async def _transcripts(
    bench: Bench, wanted: Sequence[Cell], store: Store, progress: Progress
) -> Finished:
    users = bench.users()
    jobs = {
        cell.key: partial(_episode, cell, users[cell.built.name], bench.others[cell.built.name])
        for cell in wanted
    }
    return await _phase("episodes", "transcript", jobs, store, progress, bench.base.width)


async def _episode(cell: Cell, user: Chat | None, others: Mapping[str, Chat]) -> Json:
    roles = Roles(cell.subject, user, others)
    transcript = await cell.built.evaluation.episode(cell.item, roles, cell.draw)
    if transcript.failed is not None:
        raise ProviderError(transcript.failed)
    return encode_transcript(transcript)


def _heard(bench: Bench, wanted: Sequence[Cell], said: Finished) -> Heard:
    transcripts = {at: decode_transcript(value) for at, value in said.values.items()}
    asked = judging.questions(wanted, transcripts, bench.jury)
    return Heard(wanted, transcripts, said.failures, asked)


async def _judgements(bench: Bench, heard: Heard, store: Store, progress: Progress) -> Finished:
    """The raw answers to all questions; those that are not stored are asked for."""
    jobs = judging.jobs(heard.asked.values(), bench.jury)
    return await _phase("judgements", "judgement", jobs, store, progress, bench.base.width)


def _on_record(heard: Heard, store: Store, progress: Progress) -> Finished:
    """The raw answers that are stored; the others failed."""
    keys = heard.keys()
    values = store.many(keys)
    progress.phase("judgements", len(keys), len(values))
    return Finished(values, dict.fromkeys(keys - values.keys(), NOT_JUDGED))


def _samples(heard: Heard, raw: Finished) -> tuple[Sample, ...]:
    """Every transcript, with its verdicts and scores."""
    return tuple(_sample(cell, heard, raw) for cell in heard.cells)


def _sample(cell: Cell, heard: Heard, raw: Finished) -> Sample:
    evaluation = cell.built.evaluation
    transcript = heard.transcripts.get(cell.key)
    if transcript is None:
        broke = heard.failures.get(cell.key, "not run")
        transcript = Transcript(cell.item.id, cell.draw.sample, (), failed=broke)
    verdicts = {}
    for name, question in evaluation.questions.items():
        if not question.applies(cell.item):
            continue
        each = heard.asked.get((cell.key, name))
        answer = raw.values.get(each.key) if each else None
        why = (raw.failures.get(each.key) if each else None) or transcript.failed
        verdicts[name] = judging.verdict(name, each, answer, why)
    found = ((metric, rule(verdicts)) for metric, rule in evaluation.scores.items())
    scores = {metric: score for metric, score in found if score is not None}
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
