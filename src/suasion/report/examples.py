"""Example transcripts: the same item, the same sample, the arms side by side.

Nobody picks them. Items stand in the order of a hash of their names, and the first that fits is
shown: in each of the categories with the largest differences one on which the two arms of the first
contrast are scored differently, and then one on which they are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from suasion.records import Contrast, Turn, Verdict
from suasion.report.look_up import ALL, Index, largest_first
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
    differs: bool | None
    """Whether the two arms of the first contrast are scored differently; None without contrasts."""
    shared: tuple[Said, ...]
    """What was said before the arms could differ: the same for all of them."""
    speeches: tuple[Speech, ...]
    """A transcript for each arm."""


@dataclass(frozen=True)
class Tally:
    """How often two arms are scored differently on the same item and sample."""

    arm: str
    """The arm under test."""
    reference: str
    """What it is compared with."""
    differ: int
    """Pairs with different scores."""
    pairs: int
    """Pairs with two scores."""


class _Place(NamedTuple):
    item: str
    sample: int

    @property
    def lot(self) -> str:
        """Its place in an order that nobody chose."""
        return hashlib.sha256(repr(tuple(self)).encode("utf-8", "backslashreplace")).hexdigest()


_Told = Mapping[_Place, Mapping[str, Sample]]
"""Transcripts by place and arm."""


def examples(index: Index) -> tuple[list[Example], Tally | None]:
    """The transcripts to show, and how typical it is that they differ."""
    measure, test = index.primary, _test(index)
    if measure is None:
        return [], None
    told = _told(index, measure.evaluation, _arms(index, test))
    groups = [*_tested(index, test), *index.groups(measure)]
    groups = [group for group in dict.fromkeys(groups) if group != ALL]
    if test is None:
        return [_example(told[at], None) for at in _drawn(groups, told)], None
    differ, alike = _compared(test, told)
    chosen = [
        *(_example(differ[at], True) for at in _drawn(groups, differ)),
        *(_example(alike[at], False) for at in [*_drawn(groups, alike)][:1]),
    ]
    pairs = len(differ) + len(alike)
    tally = Tally(test.arm, test.reference, len(differ), pairs) if pairs else None
    return chosen, tally


def _test(index: Index) -> Contrast | None:
    """The first contrast: of arms of no grid if there is any, else at the highest of its doses."""
    rows = index.results.contrasts
    plain = (row for row in rows if row.arm in index.plain_arms)
    tops = (row for row in rows if row.arm in index.tops)
    return next(plain, next(tops, next(iter(rows), None)))


def _tested(index: Index, test: Contrast | None) -> list[str]:
    """Categories in which the same two arms are compared, largest difference first."""
    if test is None:
        return []
    pair = (test.arm, test.reference)
    rows = [row for row in index.results.contrasts if (row.arm, row.reference) == pair]
    return [row.group for row in largest_first(rows)]


def _arms(index: Index, test: Contrast | None) -> list[str]:
    """Arms side by side: those of the test, then others in study order."""
    first = [test.reference, test.arm] if test else []
    return list(dict.fromkeys([*first, *index.plain_arms]))[:ARMS]


def _told(index: Index, evaluation: str, arms: Sequence[str]) -> _Told:
    """What each arm's first seed said, by item and sample, arms in the order given."""
    seeds = {arm: min(index.arms[arm].seeds, default=0) for arm in arms if arm in index.arms}
    found: dict[_Place, dict[str, Sample]] = {}
    for arm in arms:
        for sample in index.samples.get(evaluation, ()):
            if sample.arm == arm and sample.seed == seeds.get(arm, sample.seed):
                at = _Place(sample.item.id, sample.transcript.sample)
                found.setdefault(at, {})[arm] = sample
    return dict(sorted(found.items(), key=lambda entry: entry[0].lot))


def _compared(test: Contrast, told: _Told) -> tuple[_Told, _Told]:
    """The places where both arms have a score: those where they differ, those where not."""
    both = {
        at: tuple(_score(by_arm.get(arm), test.metric) for arm in (test.arm, test.reference))
        for at, by_arm in told.items()
    }
    known = {at: pair for at, pair in both.items() if None not in pair}
    differ = {at: told[at] for at, (left, right) in known.items() if left != right}
    return differ, {at: told[at] for at in known if at not in differ}


def _score(sample: Sample | None, metric: str) -> float | None:
    score = sample.scores.get(metric) if sample else None
    return score.value if score else None


def _drawn(groups: Sequence[str], told: _Told) -> Iterator[_Place]:
    """The first place of each category, in at most `CATEGORIES` of them."""
    first: dict[str, _Place] = {}
    for at, by_arm in told.items():
        first.setdefault(_item(by_arm).item.group, at)
    yield from [first[group] for group in groups if group in first][:CATEGORIES]


def _item(by_arm: Mapping[str, Sample]) -> Sample:
    return next(iter(by_arm.values()))


def _example(by_arm: Mapping[str, Sample], differs: bool | None) -> Example:
    talks = [sample.transcript.turns for sample in by_arm.values()]
    same = _common(talks)
    speeches = tuple(
        Speech(
            arm,
            tuple(_said(turn) for turn in sample.transcript.turns[same:]),
            tuple(_chip(name, verdict) for name, verdict in sorted(sample.verdicts.items())),
            printable(sample.transcript.failed or ""),
        )
        for arm, sample in by_arm.items()
    )
    item = _item(by_arm).item
    shared = tuple(_said(turn) for turn in talks[0][:same])
    return Example(label(item.group), item.id, differs, shared, speeches)


def _common(talks: Sequence[Sequence[Turn]]) -> int:
    """How many opening turns are the same in all talks and not the subject's."""
    count = 0
    for turns in zip(*talks, strict=False):  # a talk may break off early
        if turns[0].speaker == "subject" or len({(turn.speaker, turn.text) for turn in turns}) > 1:
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
    plain = f"{value:.3g}" if isinstance(value, float) else str(value)
    said = ("yes" if value else "no") if isinstance(value, bool) else brief(plain)
    return f"{question}: {said}"
