"""What a study says of persuasion games, beyond the plain estimates.

An evaluation plays such games if it measures gains of single Receivers, whatever it is called. The
unit of a claim differs: Receivers, the claims that games are about, and trained models are drawn
from populations of their own, and every interval here names the one it generalises over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING

from suasion.records import Contrast, Estimate
from suasion.stats import clustered_mean
from suasion.stats.decay import gain_curve, relapse, rounds_to_half
from suasion.stats.information_bounds import embedding_bound
from suasion.stats.length import length_controlled
from suasion.stats.random_effects import over_receivers
from suasion.study.contrasts import is_trained
from suasion.study.estimates import Table
from suasion.study.game_detectors import detectors, stands
from suasion.study.game_records import (
    AtLength,
    Course,
    Gain,
    Games,
    GameTable,
    Kept,
    Stands,
    TextBits,
)
from suasion.study.game_rows import (
    DIFFERENCES,
    PER_RECEIVER,
    POINTS,
    Rows,
    Values,
    over_items,
    over_models,
)
from suasion.study.results import Arm, Check, Sample

if TYPE_CHECKING:
    from suasion.study.evidence import Evidence

ONE_SIDE = "cannot be audited: claims were played from one side only"
NO_PAIR = "cannot be audited: no claim has a stance from both sides"
GAINS = ("gain", "seen", "held_out")
"""Gains, beside those of single Receivers."""


def persuasion_games(evidence: Evidence, table: Table, contrasts: Sequence[Contrast] = ()) -> Games:
    """Everything a study says of its persuasion games; nothing if it plays none."""
    played = {
        name: built.evaluation.cluster
        for name, built in evidence.built.items()
        if any(metric.startswith(PER_RECEIVER) for metric in built.evaluation.scores)
    }
    if not played:
        return Games()
    rows = _rows(evidence.samples, played)
    base = next((arm.name for arm in table.arms.values() if arm.kind == "base"), None)
    tables = [
        _table(
            arm, name, own, table,
            base=rows.get((base, name)) if base is not None and is_trained(arm) else None,
            held_out=_held_out(evidence, name),
        )
        for name in played
        for arm in table.arms.values()
        if (own := rows.get((arm.name, name))) is not None
    ]  # fmt: skip
    return Games(tuple(tables), tuple(_lengths(contrasts, rows)))


def reward_hacking(
    evidence: Evidence, games: Games, contrasts: Sequence[Contrast]
) -> Iterator[Check]:
    """Whether the gain of each arm that was trained for it, or is under test, stands up."""
    tested = {row.arm for row in contrasts if _is_gain(row.metric)}
    for planned in evidence.arms:
        arm = planned.arm
        own = [each for each in games.tables if each.arm == arm.name]
        if own and (arm.kind == "rl" or arm.name in tested):
            yield _check(arm.name, own)


def _check(arm: str, own: Sequence[GameTable]) -> Check:
    """One line: what fails goes before what holds, and both before what was not checked."""
    order: tuple[Stands, ...] = ("fails", "holds", "open")
    found: set[Stands] = {each.stands for each in own}
    status: Stands = next(each for each in order if each in found)
    told = [each for each in own if each.stands == status]
    says = "; ".join(f"{each.evaluation}: {each.verdict}" for each in told)
    lead = {
        "fails": f"The gain of {arm} is not all persuasion",
        "holds": f"The gain of {arm} stands up to what was checked",
        "open": f"Whether {arm} persuades is not settled",
    }
    return Check("reward-hacking", status, f"{lead[status]}: {says}.")


def _rows(
    samples: Sequence[Sample], played: Mapping[str, str | None]
) -> dict[tuple[str, str], Rows]:
    found: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        if sample.evaluation in played:
            found.setdefault((sample.arm, sample.evaluation), []).append(sample)
    return {at: Rows(tuple(own), played[at[1]]) for at, own in found.items()}


def _held_out(evidence: Evidence, name: str) -> tuple[str, ...]:
    named = evidence.spec.evaluations[name].options.get("held_out")
    return tuple(str(each) for each in named) if isinstance(named, list | tuple) else ()


def _table(
    arm: Arm, name: str, own: Rows, table: Table, *, base: Rows | None, held_out: tuple[str, ...]
) -> GameTable:
    metrics = list(dict.fromkeys(metric for each in own.samples for metric in each.scores))
    receivers = tuple(m.removeprefix(PER_RECEIVER) for m in metrics if m.startswith(PER_RECEIVER))
    rounds = max(1, sum(metric.startswith("round_") for metric in metrics))
    gain, found = _gain(own, receivers), detectors(own, base)
    verdict = stands(gain.over_items, found)
    credulity, why = _credulity(own, receivers)
    return GameTable(
        arm=arm.name,
        evaluation=name,
        models=len(arm.seeds) if is_trained(arm) else 0,
        rounds=rounds,
        receivers=receivers,
        held_out=held_out,
        gain=gain,
        sides=_by_side(own),
        measures=_measures(own, name, metrics, table),
        gap=own.of(lambda v: v["held_out"] - v["seen"]) if "seen" in metrics else None,
        detectors=found,
        stands=verdict[0],
        verdict=verdict[1],
        credulity=credulity,
        unaudited=why,
        course=_course(own, rounds),
        kept=tuple(_kept(own, m.removeprefix("relapse_")) for m in metrics
                   if m.startswith("relapse_")),
        bits=_bits(own) if "told" in metrics else None,
    )  # fmt: skip


def _measures(own: Rows, name: str, metrics: Sequence[str], table: Table) -> dict[str, Estimate]:
    shown = [m for m in metrics if not m.startswith((PER_RECEIVER, "round_"))]
    scales = {m: table.scales.get((name, m), DIFFERENCES) for m in shown}
    return {m: own.of(_metric(m), scales[m]) for m in shown}


def _gain(own: Rows, receivers: Sequence[str]) -> Gain:
    """The mean over Receivers, each game of each model a measurement of each of them."""
    values: list[float | None] = []
    whose: list[str] = []
    about: list[str] = []
    for receiver in receivers:
        for point in own.points(_metric(PER_RECEIVER + receiver)):
            values.append(point.value)
            whose.append(receiver)
            about.append(point.cluster)
    pooled = over_receivers(values, whose, about, scale=POINTS)
    points = own.points(_metric("gain"))
    return Gain(
        over_receivers=pooled.estimate,
        over_items=over_items(points),
        over_models=over_models(points),
        each={str(name): made for name, made in pooled.each.items()},
        tau=pooled.tau,
        another=(pooled.another.low, pooled.another.high),
    )


def _by_side(own: Rows) -> dict[str, Estimate]:
    """Gain for and against, where claims were played from both sides."""
    points = own.points(_metric("gain"))
    sides = [str(each.item.data.get("side")) for each in own.samples]
    if not {"pro", "con"} <= set(sides):
        return {}
    return {
        side: over_items([p for p, of in zip(points, sides, strict=True) if of == side])
        for side in ("pro", "con")
    }


def _credulity(own: Rows, receivers: Sequence[str]) -> tuple[dict[str, Estimate], str]:
    """Mean change of stance over both sides of a claim, by Receiver.

    A Bayesian expects no change: over the sides that might be argued, its mean posterior is its
    prior. Half of the gain for a claim less half of that against it is the mean change. Claims that
    were played from one side only say nothing.
    """
    sides = {str(each.item.data.get("side")) for each in own.samples}
    if not {"pro", "con"} <= sides:
        return {}, ONE_SIDE
    found = {receiver: _residual(own, receiver) for receiver in receivers}
    if all(isnan(made.value) for made in found.values()):
        return {}, NO_PAIR
    return found, ""


def _residual(own: Rows, receiver: str) -> Estimate:
    by_pair: dict[tuple[int, int, str], dict[str, float | None]] = {}
    points = own.points(_metric(PER_RECEIVER + receiver))
    for sample, point in zip(own.samples, points, strict=True):
        at = (sample.seed, sample.transcript.sample, point.cluster)
        by_pair.setdefault(at, {})[str(sample.item.data.get("side"))] = point.value
    claims: list[str] = []
    changes: list[float | None] = []
    for (_, _, claim), gains in by_pair.items():
        if not {"pro", "con"} <= set(gains):
            continue  # nobody spoke for the other side, which is not the same as a missing stance
        pro, con = gains["pro"], gains["con"]
        claims.append(claim)
        changes.append(None if pro is None or con is None else (pro - con) / 2)
    return clustered_mean(changes, claims, scale=POINTS)


def _course(own: Rows, rounds: int) -> Course:
    names = [f"round_{n}" for n in range(1, rounds + 1)] if rounds > 1 else ["gain"]
    gains = [[values.get(name) for name in names] for values in own.values]
    about = [own.about(each) for each in own.samples]
    curve = gain_curve(gains, about, scale=POINTS)
    means = [None if isnan(each.value) else each.value for each in curve]
    half = rounds_to_half(means)
    known = [(value, number) for number, value in enumerate(means, 1) if value is not None]
    best, peak = max(known, default=(nan, 0))
    last = means[-1] if means else None
    ratio = last / best if last is not None and best > 0 else nan
    return Course(tuple(curve), half.value, half.method, peak, ratio)


def _kept(own: Rows, what: str) -> Kept:
    """What is left after something else was heard, in games where both are known.

    As a share only of a gain that is shown: of one that may be none it would be any number.
    """
    name = f"relapse_{what}"

    def final(values: Values) -> float:
        return values["gain"] + 0 * values[name]

    made, later = own.of_these(final), own.of_these(lambda v: v["gain"] - v[name])
    gone = relapse(made.value, later.value)
    why = gone.method.rpartition(": ")[2] if isnan(gone.value) else ""
    if not why and not made.low > 0:
        why = "no gain above 0 is shown, to be left or lost"
    return Kept(what, own.of(_metric(name)), nan if why else 1 - gone.value, why)


def _bits(own: Rows) -> TextBits:
    """The lower bound from the words of the messages.

    By tf-idf even where a sentence model is installed: a lower bound is one by any vectors, and
    these need no other package to come out the same.
    """
    from suasion.models.embedding import Tfidf

    messages: list[str] = []
    states: list[tuple[str, ...]] = []
    about: list[str] = []
    for sample in own.samples:
        known = sample.transcript.data.get("states")
        said = [turn.text for turn in sample.transcript.turns if turn.speaker == "subject"]
        for text, state in zip(said, known if isinstance(known, list) else (), strict=False):
            messages.append(text)
            states.append(tuple(map(str, state)) if isinstance(state, list) else (str(state),))
            about.append(own.about(sample))
    by = Tfidf()
    if not messages:
        why = "embedding bound: no message with a state"
        return TextBits(Estimate(nan, nan, nan, 0, 0, why), nan, nan, by.identity)
    made = embedding_bound(by.embed(messages), states, about)
    return TextBits(made.estimate, made.control, made.entropy, by.identity)


def _lengths(
    contrasts: Sequence[Contrast], rows: Mapping[tuple[str, str], Rows]
) -> Iterator[AtLength]:
    for row in contrasts:
        both = [rows.get((name, row.evaluation)) for name in (row.arm, row.reference)]
        a, b = both
        if _is_gain(row.metric) and row.group == "all" and a is not None and b is not None:
            yield _at_length(row, a, b)


def _at_length(row: Contrast, a: Rows, b: Rows) -> AtLength:
    shared = {s.item.id for s in a.samples} & {s.item.id for s in b.samples}
    gains: list[float | None] = []
    lengths: list[float | None] = []
    in_arm: list[bool] = []
    about: list[str] = []
    for own, is_arm in ((a, True), (b, False)):
        for sample, point in zip(own.samples, own.points(_metric(row.metric)), strict=True):
            if point.item in shared:
                gains.append(point.value)
                lengths.append(_length(sample))
                in_arm.append(is_arm)
                about.append(point.cluster)
    made = length_controlled(gains, lengths, in_arm, about)
    raw = Estimate(row.difference, row.low, row.high, made.estimate.n, made.estimate.missing,
                   f"{row.method} [{row.claim}]")  # fmt: skip
    means = tuple(_mean([x for x, own in zip(lengths, in_arm, strict=True) if own is arm])
                  for arm in (True, False))  # fmt: skip
    return AtLength(
        row.arm, row.reference, row.evaluation, row.metric, raw, made.estimate, made.slope,
        made.overlap, (means[0], means[1]),
    )  # fmt: skip


def _length(sample: Sample) -> float | None:
    """Tokens of everything the Sender said; None where nobody counted them."""
    said = sum(t.completion_tokens for t in sample.transcript.turns if t.speaker == "subject")
    return float(said) if said else None


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else nan


def _metric(name: str) -> Callable[[Values], float]:
    return lambda values: values[name]


def _is_gain(metric: str) -> bool:
    return metric in GAINS or metric.startswith(PER_RECEIVER)
