"""The answer of a study in a few sentences, computed from its contrasts and checks.

Nothing is said that no test said before: "higher" needs the verdict `effect`; "no difference that
matters" needs `equivalent` or `negligible`; whatever is neither is called not settled. With one
failing check the whole answer is called exploratory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

from suasion.records import Contrast, Outcome
from suasion.report.look_up import ALL, Index, Key
from suasion.report.words import Unit, counted, label, listed, quantity
from suasion.study.results import Results

LONGEST = 4
"""Paragraphs about contrasts in an answer; the rest is in the report's tables."""
_NAMED = 3
"""Categories of one verdict that are spelled out."""


@dataclass(frozen=True)
class Paragraph:
    """One thing the study found."""

    lead: str
    """The finding in one sentence."""
    body: str
    """The figures behind it."""

    def __str__(self) -> str:
        return f"{self.lead} {self.body}".strip()


@dataclass(frozen=True)
class Block:
    """Contrasts that ask one thing: the same two arms (or grids), the same metric."""

    arm: str
    """The arm under test, by its name in the study file."""
    reference: str
    """What it is compared with, by its name in the study file."""
    contrasts: tuple[Contrast, ...]
    """Largest difference first, those that cannot be had last."""
    unit: Unit
    """How the metric is written."""

    @property
    def rate(self) -> str:
        """`attempt rate`."""
        return quantity(self.contrasts[0].metric, self.unit)

    @property
    def points(self) -> int:
        """How many arms are under test: more than one for a grid."""
        return len({contrast.arm for contrast in self.contrasts})

    def of(self, *outcomes: Outcome) -> list[Contrast]:
        """The contrasts with one of these verdicts."""
        return [contrast for contrast in self.contrasts if contrast.verdict in outcomes]


def answer(results: Results) -> tuple[str, ...]:
    """What the study found, in plain words: one string a paragraph, most important first."""
    return tuple(str(paragraph) for paragraph in paragraphs(results))


def paragraphs(results: Results) -> tuple[Paragraph, ...]:
    """The answer, each paragraph with its lead apart from its figures."""
    index = Index(results)
    found = blocks(index)
    tell = partial(_tell, index=index, tentative=exploratory(results))
    said = [tell(block) for block in found[:LONGEST]]
    if not found:
        said = [
            Paragraph("No difference was tested.", "The study declares no contrasts; it has rates.")
        ]
    more = sum(len(block.contrasts) for block in found[LONGEST:])
    if more:
        said.append(Paragraph(f"{counted(more, 'further contrast')} below.", ""))
    return (*_warning(results), *said)


def exploratory(results: Results) -> bool:
    """Whether a check fails, so that nothing here is more than a hint."""
    return any(check.status == "fails" for check in results.checks)


def caveat(results: Results) -> str | None:
    """What must be said of results on the embedded model; None for any other base."""
    if not results.provenance.embedded:
        return None
    return (
        f"{results.provenance.base} is a very small model of a made-up world. What it does shows "
        "that the instrument works. It says nothing about large models."
    )


def blocks(index: Index) -> list[Block]:
    """The contrasts by what they ask, in the order of the study file."""
    asked: dict[tuple[str, ...], list[Contrast]] = {}
    for row in index.results.contrasts:
        pair = (index.parent(row.arm), index.parent(row.reference))
        asked.setdefault((*pair, row.family, row.evaluation, row.metric), []).append(row)
    return [
        Block(arm, reference, tuple(sorted(rows, key=_size)), index.unit(rows[0]))
        for (arm, reference, *_), rows in asked.items()
    ]


def _size(contrast: Contrast) -> float:
    return -abs(contrast.difference) if isfinite(contrast.difference) else 1.0


def _warning(results: Results) -> tuple[Paragraph, ...]:
    failing = [check.id for check in results.checks if check.status == "fails"]
    if not failing:
        return ()
    noun = "this check fails" if len(failing) == 1 else "these checks fail"
    return (
        Paragraph(
            "Exploratory: hints, not findings.",
            f"For {noun}: {listed(failing)}; see “Can you rely on it?”.",
        ),
    )


def _tell(block: Block, index: Index, tentative: bool) -> Paragraph:
    """One block as a paragraph; `tentative` only softens its verb."""
    verb = "seems to give" if tentative else "gives"
    if block.points > 1:
        return Paragraph(_grid_lead(block, verb), _grid_body(block, index))
    return Paragraph(_lead(block, verb), _body(block, index))


def _subject(block: Block) -> str:
    claim = block.contrasts[0].claim
    if claim == "method":
        return f"Training as in “{block.arm}”"
    if claim == "checkpoint":
        return f"This checkpoint of “{block.arm}”"
    return f"“{block.arm}”"


def _lead(block: Block, verb: str) -> str:
    effects = block.of("effect")
    subject, than = _subject(block), f"than “{block.reference}”"
    if effects:
        return f"{subject} {verb} a {_direction(effects)} {block.rate} {than}{_share(block)}."
    if block.of("inconclusive"):
        tested = len(block.contrasts)
        open_ = len(block.of("inconclusive"))
        if open_ == tested:
            return (
                f"Whether “{block.arm}” moves the {block.rate} against “{block.reference}” "
                "is not settled."
            )
        return (
            f"{subject} shows no effect on the {block.rate} against “{block.reference}”, and in "
            f"{open_} of {tested} categories the data cannot tell."
        )
    return f"{subject} does not move the {block.rate} against “{block.reference}” by {_beyond(block)}."


def _direction(effects: Sequence[Contrast]) -> str:
    up = any(contrast.difference > 0 for contrast in effects)
    down = any(contrast.difference < 0 for contrast in effects)
    return "partly higher, partly lower" if up and down else "higher" if up else "lower"


def _share(block: Block) -> str:
    effects, tested = len(block.of("effect")), len(block.contrasts)
    return "" if effects == tested else f" in {effects} of {tested} categories"


def _beyond(block: Block) -> str:
    """The widest margin of a block: what holds for every one of its nulls."""
    widest = max(contrast.margin for contrast in block.contrasts)
    return f"more than {block.unit.margin(widest).removeprefix('±')}"


def _body(block: Block, index: Index) -> str:
    several = {
        "effect": "",
        "equivalent": "Equivalent within {margin}: ",
        "negligible": "A difference, but too small to matter (within {margin}): ",
        "inconclusive": "Not settled: ",
    }
    parts = []
    for outcome, opening in several.items():
        rows = block.of(outcome)  # type: ignore[arg-type]  # keys of a literal dict are plain str
        if rows:
            margin = block.unit.margin(max(row.margin for row in rows))
            figures = _figures(rows, block, index)
            parts.append(_sentence(opening.format(margin=margin) + figures))
    return " ".join([*parts, _scope(block, index)]).strip()


def _figures(rows: Sequence[Contrast], block: Block, index: Index) -> str:
    named = [_figure(row, block.unit, index) for row in rows[:_NAMED]]
    rest = len(rows) - len(named)
    return "; ".join([*named, f"and {rest} more"] if rest else named)


def _figure(row: Contrast, unit: Unit, index: Index) -> str:
    """`conspiracy 100% against 3% (+97 pp, 95% interval +91 to +99)`."""
    if not isfinite(row.difference):
        return f"{_where(row.group)} (no difference could be computed)"
    sides = [
        index.pooled.get(Key(arm, row.evaluation, row.group, row.metric))
        for arm in (row.arm, row.reference)
    ]
    levels = [unit.value(side.estimate.value) for side in sides if side]
    against = f" {levels[0]} against {levels[1]}" if len(levels) == 2 else ""
    reach = f"{unit.difference(row.difference)}, 95% interval {unit.reach(row.low, row.high)}"
    return f"{_where(row.group)}{against} ({reach})"


def _where(group: str) -> str:
    return "all categories together" if group == ALL else label(group).lower()


def _scope(block: Block, index: Index) -> str:
    """What a claim about training speaks of; a steer speaks for itself."""
    claim = block.contrasts[0].claim
    if claim == "method":
        seeds = [index.arms[arm].seeds for arm in (block.arm, block.reference) if arm in index.arms]
        models = " against ".join(str(len(each)) for each in seeds)
        return f"The unit of the test is the trained model ({models})." if models else ""
    if claim == "checkpoint":
        return "This speaks of these weights, not of the training method."
    return ""


def _grid_lead(block: Block, verb: str) -> str:
    effects = block.of("effect")
    what = f"“{block.arm}” ({block.points} points of layer and coefficient)"
    if effects:
        points = len({contrast.arm for contrast in effects})
        return (
            f"{what} {verb} a {_direction(effects)} {block.rate} than “{block.reference}” at "
            f"{counted(points, 'point')}."
        )
    if not block.of("inconclusive"):
        return (
            f"{what} nowhere moves the {block.rate} against “{block.reference}” by "
            f"{_beyond(block)}."
        )
    return f"{what} nowhere shows an effect on the {block.rate} against “{block.reference}”."


def _grid_body(block: Block, index: Index) -> str:
    tests = len(block.contrasts)
    counts = [
        (len(block.of("effect")), "show an effect"),
        (len(block.of("equivalent")), "are equivalent"),
        (len(block.of("negligible")), "differ by too little to matter"),
        (len(block.of("inconclusive")), "are not settled"),
    ]
    said = [f"{number} {what}" for number, what in counts if number]
    largest = block.contrasts[0]
    figure = _figure(largest, block.unit, index)
    return f"Of {counted(tests, 'test')}, {listed(said)}. Largest: {largest.arm}, {figure}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
