"""Example transcripts: the same item, the same sample, the arms side by side.

Nobody picks them. Items stand in the order of a hash of their names, and the first that fits is
shown: in each of the categories with the largest differences one on which the two arms of the first
contrast differ, and one on which they do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suasion.records import Score, Turn, Verdict
from suasion.report.look_up import ALL, Index, Measure
from suasion.report.words import brief, label, printable
from suasion.study.results import Sample

CATEGORIES = 3
"""Categories examples are taken from."""
ARMS = 4
"""Arms shown side by side."""
LONGEST = 1500
"""Characters of a turn that are shown; the whole text is in the Parquet file."""


@dataclass(frozen=True)
class Said:
    """One turn as it is shown."""

    speaker: str
    """Who spoke."""
    text: str
    """What, cut at `LONGEST`."""
    cut: int
    """Characters left out."""


@dataclass(frozen=True)
class Speech:
    """One arm's transcript of an example."""

    arm: str
    """Arm name."""
    seed: int
    """Training seed."""
    turns: tuple[Said, ...]
    """What was said."""
    chips: tuple[str, ...]
    """Verdicts, as `attempt: for`."""
    failed: str
    """Why it broke off, or empty."""


@dataclass(frozen=True)
class Example:
    """One item as several arms answered it."""

    group: str
    """Its category, for people."""
    item: str
    """Its id."""
    differs: bool
    """Whether the two arms of the first contrast scored differently."""
    shared: tuple[Said, ...]
    """What was said before the arms could differ: the same for all of them."""
    speeches: tuple[Speech, ...]
    """A transcript for each arm."""


@dataclass(frozen=True)
class Tally:
    """How often the two arms differ on the same item and sample."""

    arm: str
    """The arm under test."""
    reference: str
    """What it is compared with."""
    differ: int
    """Pairs with different scores."""
    pairs: int
    """Pairs with two scores."""


def tally(index: Index) -> Tally | None:
    """How often the arms of the first contrast differ; None where they share no scored item."""
    pair = _pair(index)
    if pair is None:
        return None
    scores = [_scores(index, arm, pair.metric) for arm in (pair.arm, pair.reference)]
    both = set(scores[0]) & set(scores[1])
    differ = sum(scores[0][at] != scores[1][at] for at in both)
    return Tally(pair.arm, pair.reference, differ, len(both)) if both else None


def examples(index: Index) -> list[Example]:
    """The transcripts to show, in the order of their categories."""
    measure = index.primary
    if measure is None:
        return []
    told = _by_place(index, measure.evaluation, _shown(index))
    pair = _pair(index)
    if pair is None:
        alone = _first(told, _shown(index), _groups(index, measure))
        return [_example(at, told[at], index, differs=False) for at in alone]
    first, second = (_scores(index, arm, pair.metric) for arm in (pair.arm, pair.reference))
    chosen = []
    for group in _groups(index, measure):
        for differs in (True, False):
            fitting = (
                at
                for at in sorted(set(first) & set(second), key=_lot)
                if (first[at] != second[at]) is differs and at in told and _group(told[at]) == group
            )
            chosen += [_example(at, told[at], index, differs) for at in [*fitting][:1]]
    return chosen


@dataclass(frozen=True)
class _Pair:
    arm: str
    reference: str
    evaluation: str
    metric: str


_Place = tuple[str, int]
"""Item id and sample."""


def _pair(index: Index) -> _Pair | None:
    """The arms of the first contrast, those of no grid first."""
    rows = index.results.contrasts
    plain = [row for row in rows if row.arm in index.plain_arms]
    for row in [*plain, *rows]:
        return _Pair(row.arm, row.reference, row.evaluation, row.metric)
    return None


def _shown(index: Index) -> list[str]:
    """Arms side by side: the first contrast's reference and arm, then others in study order."""
    pair = _pair(index)
    first = [pair.reference, pair.arm] if pair else []
    return list(dict.fromkeys([*first, *index.plain_arms]))[:ARMS]


def _groups(index: Index, measure: Measure) -> list[str]:
    """Categories by the size of the first pair's difference, untested ones after."""
    pair = _pair(index)
    rows = [
        row
        for row in index.results.contrasts
        if pair and (row.arm, row.reference) == (pair.arm, pair.reference)
    ]
    tested = [row.group for row in sorted(rows, key=lambda row: -abs(row.difference))]
    known = dict.fromkeys([*tested, *index.groups(measure)])
    return [group for group in known if group != ALL][:CATEGORIES]


def _seed(index: Index, arm: str) -> int:
    return min(index.arms[arm].seeds, default=0) if arm in index.arms else 0


def _by_place(
    index: Index, evaluation: str, arms: Sequence[str]
) -> Mapping[_Place, dict[str, Sample]]:
    found: dict[_Place, dict[str, Sample]] = {}
    for sample in index.samples(evaluation):
        if sample.arm in arms and sample.seed == _seed(index, sample.arm):
            at = (sample.item.id, sample.transcript.sample)
            found.setdefault(at, {})[sample.arm] = sample
    order = {arm: place for place, arm in enumerate(arms)}
    return {at: dict(sorted(of.items(), key=lambda one: order[one[0]])) for at, of in found.items()}


def _scores(index: Index, arm: str, metric: str) -> dict[_Place, float]:
    pair = _pair(index)
    return {
        (sample.item.id, sample.transcript.sample): score.value
        for sample in (index.samples(pair.evaluation) if pair else ())
        if sample.arm == arm and sample.seed == _seed(index, arm)
        for score in [sample.scores.get(metric, Score(metric, None, "absent"))]
        if score.value is not None
    }


def _first(
    told: Mapping[_Place, dict[str, Sample]], arms: Sequence[str], groups: Sequence[str]
) -> Iterator[_Place]:
    """Without a contrast: the first item of each category that every arm answered."""
    whole = [at for at in sorted(told, key=_lot) if len(told[at]) == len(arms)]
    for group in groups:
        yield from [at for at in whole if _group(told[at]) == group][:1]


def _group(samples: Mapping[str, Sample]) -> str:
    return next(iter(samples.values())).item.group


def _lot(at: _Place) -> str:
    """An order that nobody chose: the hash of the item's name and the sample."""
    return hashlib.sha256(repr(at).encode("utf-8", "backslashreplace")).hexdigest()


def _example(
    at: _Place, samples: Mapping[str, Sample], index: Index, differs: bool
) -> Example:
    talks = [sample.transcript.turns for sample in samples.values()]
    same = _common(talks)
    speeches = tuple(
        Speech(
            sample.arm,
            sample.seed,
            tuple(_said(turn) for turn in sample.transcript.turns[same:]),
            tuple(_chip(name, verdict) for name, verdict in sorted(sample.verdicts.items())),
            printable(sample.transcript.failed or ""),
        )
        for sample in samples.values()
    )
    shared = tuple(_said(turn) for turn in talks[0][:same])
    return Example(label(_group(samples)), at[0], differs, shared, speeches)


def _common(talks: Sequence[Sequence[Turn]]) -> int:
    """How many opening turns are the same in all talks and not the subject's."""
    count = 0
    for turns in zip(*talks, strict=False):  # talks may break off early
        if turns[0].speaker == "subject" or len({(t.speaker, t.text) for t in turns}) > 1:
            break
        count += 1
    return count


def _said(turn: Turn) -> Said:
    text = printable(turn.text)
    return Said(turn.speaker, text[:LONGEST], max(len(text) - LONGEST, 0))


def _chip(question: str, verdict: Verdict) -> str:
    value = verdict.value
    if value is None:
        return f"{question}: missing ({brief(verdict.missing or '')})"
    said = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    return f"{question}: {brief(str(said))}"
