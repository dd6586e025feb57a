"""The answer of a study in a few sentences, computed from its contrasts and checks.

Nothing is said that no test said before: "higher" needs the verdict `effect`; "no difference that
matters" needs `equivalent` or `negligible`; whatever is neither is called not settled. With one
failing check the whole answer is called exploratory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from suasion.records import Contrast, Outcome
from suasion.report.blocks import Block, blocks, where
from suasion.report.look_up import Index, Key, Measure, measure_of
from suasion.report.words import Unit
from suasion.study.contrasts import is_trained
from suasion.study.controls import moves, on_trait
from suasion.study.phrases import listed, sentence, times
from suasion.study.recipes import Recipe, recipe
from suasion.study.results import Results

MOST = 3
"""Pairs of single arms, of grids and of further measures that are told; the rest is in tables."""
_ROUNDING = 0.5
"""Rates and their difference may disagree by this much as shown (percentage points)."""
_NAMED = 3
"""Categories of one verdict that are spelled out."""


SCOPES = (
    "This speaks of this checkpoint, not of the training method.",
    "This speaks of these checkpoints, not of the training method.",
)
"""What a test of too few trained models speaks of: of one, or of several."""


@dataclass(frozen=True)
class Paragraph:
    """One thing the study found."""

    lead: str
    """The finding in one sentence."""
    body: str
    """The figures behind it."""

    def __str__(self) -> str:
        return f"{self.lead} {self.body}".strip()


def answer(results: Results) -> tuple[str, ...]:
    """What the study found, in plain words: one string a paragraph, most important first."""
    return tuple(str(paragraph) for paragraph in paragraphs(results))


def brief(results: Results) -> tuple[str, ...]:
    """The sentences that matter: one for each of the first arms under test, with its main figure.

    At most two plain arms, the first grid and the next that moved something; before them, the
    warning if the answer is exploratory.
    """
    index = Index(results)
    verbs = TENTATIVE if exploratory(results) else FIRM
    main = [b for b in blocks(index) if measure_of(b.contrasts[0]) == index.primary]
    first = {block.arm: block for block in reversed(main)}  # an arm's first block stays
    ordered = [block for block in main if first[block.arm] is block]
    plain = [block for block in ordered if block.points == 1][:2]
    grids = [block for block in ordered if block.points > 1]
    moving = [block for block in grids[1:] if block.of("effect")][:1]
    told = [_tell(block, index, verbs) for block in (*plain, *grids[:1], *moving)]
    return (
        *map(str, _warning(results)),
        *(f"{each.lead} {_first_figure(each.body)}" for each in told),
    )


def _first_figure(body: str) -> str:
    """The first figure of a paragraph, with its interval."""
    end = body.find(")")
    return body if end < 0 else f"{body[: end + 1]}."


def paragraphs(results: Results) -> tuple[Paragraph, ...]:
    """The answer, each paragraph with its lead apart from its figures."""
    index = Index(results)
    verbs = TENTATIVE if exploratory(results) else FIRM
    found = blocks(index)
    main = [block for block in found if measure_of(block.contrasts[0]) == index.primary]
    single = [block for block in main if block.points == 1]
    grids = [block for block in main if block.points > 1]
    beside = [block for block in found if block not in main]
    said = [_tell(block, index, verbs) for block in single[:MOST]]
    said += _joined([_tell(block, index, verbs) for block in grids[:MOST]])
    if beside:
        leads = (_tell(block, index, verbs).lead for block in beside[:MOST])
        said.append(Paragraph("Beside that:", " ".join(leads)))
    if not found:
        said.append(Paragraph("No difference was tested.", "The study declares no contrasts."))
    untold = [*single[MOST:], *grids[MOST:], *beside[MOST:]]
    more = sum(len(block.contrasts) for block in untold)
    last = [Paragraph(f"{times(more, 'further contrast')} below.", "")] if more else []
    return (*_warning(results), *said, *last)


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


def _joined(told: Sequence[Paragraph]) -> list[Paragraph]:
    """Several paragraphs as one, or none."""
    if not told:
        return []
    first, *others = told
    body = " ".join([first.body, *map(str, others)])
    for scope in SCOPES:  # said of all of them at the end
        body = body.replace(f"{scope} ", "") if body.endswith(scope) else body
    return [Paragraph(first.lead, body)]


def _warning(results: Results) -> tuple[Paragraph, ...]:
    failing = list(dict.fromkeys(c.id for c in results.checks if c.status == "fails"))
    if not failing:
        return ()
    noun = "This check fails" if len(failing) == 1 else "These checks fail"
    return (
        Paragraph(
            "Exploratory: hints, not findings.",
            f"{noun}: {listed(failing)} (see “Can you rely on it?”).",
        ),
    )


@dataclass(frozen=True)
class Verbs:
    """How firmly a finding is worded."""

    gives: str
    """Before `a higher rate`."""
    moves_not: str
    """Before a quantity that a tested null speaks of."""
    nowhere: str
    """The same for every point of a grid."""


FIRM = Verbs("gives", "does not move", "nowhere moves")
"""For findings."""
TENTATIVE = Verbs("seems to give", "seems not to move", "nowhere seems to move")
"""For hints: some check fails."""


OPENINGS: Mapping[Outcome, str] = {
    "effect": "",
    "equivalent": "Equivalent within {margin}: ",
    "negligible": "A difference, but too small to matter (within {margin}): ",
    "inconclusive": "Not settled: ",
}
"""Before the figures of each verdict, in the order in which they are told."""


def _tell(block: Block, index: Index, verbs: Verbs) -> Paragraph:
    if block.points > 1:
        return Paragraph(_grid_lead(block, verbs), _grid_body(block, index))
    return Paragraph(_lead(block, index, verbs), _body(block, index))


def _subject(block: Block, index: Index) -> str:
    claim = block.contrasts[0].claim
    if claim == "method":
        return f"The “{block.arm}” training"
    if claim == "checkpoint":
        start = "As trained here, " if _several(block, index) else "This checkpoint of "
        return f"{start}“{block.arm}”"
    return f"“{block.arm}”"


def _several(block: Block, index: Index) -> bool:
    return any(
        len(index.arms[row.arm].seeds) > 1 for row in block.contrasts if row.arm in index.arms
    )


def _lead(block: Block, index: Index, verbs: Verbs) -> str:
    effects, unsettled = block.of("effect"), block.of("inconclusive")
    subject = _subject(block, index)
    if effects:
        return f"{subject} {verbs.gives} {_direction(effects, block)}."
    if unsettled:
        return _unsettled(f"“{block.arm}”", block)
    return f"{subject} {verbs.moves_not} {_object(block)} by {_beyond(block)}."


def _object(block: Block) -> str:
    return f"the {block.rate} against “{block.reference}”"


def _unsettled(subject: str, block: Block) -> str:
    """No effect, but not every null was shown either."""
    part = "" if len(block.of("inconclusive")) == len(block.contrasts) else " only in part"
    how = "is settled" if part else "is not settled"
    return f"Whether {subject} moves {_object(block)} {how}{part}."


def _direction(effects: Sequence[Contrast], block: Block) -> str:
    """`a higher attempt rate than “control” in 2 of 6 categories and a lower one in 1`."""
    up = sum(contrast.difference > 0 for contrast in effects)
    down, tested = len(effects) - up, len(block.contrasts)
    higher_first = "higher" if up else "lower"
    first = f"a {higher_first} {block.rate} than “{block.reference}”"
    if up and down:
        return f"{first} in {up} of {tested} categories and a lower one in {down}"
    return first if len(effects) == tested else f"{first} in {len(effects)} of {tested} categories"


def _beyond(block: Block) -> str:
    """The widest margin of a block: what holds for every one of its nulls."""
    widest = max(contrast.margin for contrast in block.contrasts)
    return f"more than {block.unit.margin(widest).removeprefix('±')}"


def _body(block: Block, index: Index) -> str:
    parts = []
    for outcome, opening in OPENINGS.items():
        rows = block.of(outcome)
        if rows:
            margin = block.unit.margin(max(row.margin for row in rows))
            said_already = outcome == "inconclusive" and len(rows) == len(block.contrasts)
            start = "" if said_already else opening.format(margin=margin)
            parts.append(sentence(start + _figures(rows, block, index)))
    return " ".join([*parts, _scope(block, index)]).strip()


def _figures(rows: Sequence[Contrast], block: Block, index: Index) -> str:
    """The largest few, then how many more there are and how many could not be computed."""
    known = [row for row in rows if isfinite(row.difference)]
    named = [_figure(row, block.unit, index) for row in known[:_NAMED]]
    named[1:] = [figure.replace("95% interval ", "") for figure in named[1:]]
    more, unknown = len(known) - len(named), len(rows) - len(known)
    named += [f"and {more} more"] if more else []
    named += [f"{unknown} for which no difference could be computed"] if unknown else []
    return "; ".join(named)


def _figure(row: Contrast, unit: Unit, index: Index) -> str:
    """`conspiracy 100% against 3% (+97 pp, 95% interval +91 to +99)`."""
    reach = f"{unit.difference(row.difference)}, 95% interval {unit.reach(row.low, row.high)}"
    return f"{where(row.group)}{_levels(row, unit, index)} ({reach})"


def _levels(row: Contrast, unit: Unit, index: Index) -> str:
    """`100% against 3%`, unless the test compared other items than the rates are taken over."""
    keys = [Key(arm, row.evaluation, row.group, row.metric) for arm in (row.arm, row.reference)]
    sides = [index.pooled[key].estimate.value for key in keys if key in index.pooled]
    if len(sides) < 2 or not abs(sides[0] - sides[1] - row.difference) * unit.scale < _ROUNDING:
        return ""
    return f" {unit.value(sides[0])} against {unit.value(sides[1])}"


def _scope(block: Block, index: Index) -> str:
    """What a claim speaks of: models, weights, or a vector that may not work at all."""
    claim = block.contrasts[0].claim
    if claim == "method":
        models = [
            f"{len(index.arms[arm].seeds)} of “{arm}”"
            for arm in (block.arm, block.reference)
            if arm in index.arms and is_trained(index.arms[arm])
        ]
        return f"The unit of the test is the trained model: {listed(models)}." if models else ""
    if claim == "checkpoint":
        return SCOPES[_several(block, index)]
    return _control(block, index)


def _control(block: Block, index: Index) -> str:
    """A null of steering needs a vector that is known to do something, made and added alike."""
    arm = index.arms.get(block.contrasts[0].arm)
    own = recipe(arm) if arm is not None else None
    if own is None or block.of("effect"):
        return ""
    moved = _moved(own.trait, index)
    if own in moved:
        return "The vector does move its own trait (positive control)."
    if moved:
        others = listed([str(other) for other in moved])
        return (
            f"Another recipe of this trait's vector does move the trait ({others}); this one was "
            "not shown to."
        )
    return "No positive control holds, so the vector may do nothing at all."


def _moved(trait: str, index: Index) -> list[Recipe]:
    """Recipes of a trait's vector that were shown to move it."""
    groups = index.groups(Measure("trait", "trait"))
    own = [row for row in index.results.contrasts if on_trait(row, trait, groups)]
    arms = [arm for row in own if (arm := index.arms.get(row.arm)) and moves(row, arm)]
    made = [recipe(arm) for arm in arms]
    return list(dict.fromkeys(one for one in made if one is not None and one.trait == trait))


def _grid_lead(block: Block, verbs: Verbs) -> str:
    effects = block.of("effect")
    of = " of layer and coefficient" if block.point == "point" else ""
    what = f"“{block.arm}” ({times(block.points, block.point)}{of})"
    if effects:
        return f"{what} {verbs.gives} {_turned(effects, block)}."
    if block.of("inconclusive"):
        return _unsettled(what, block)
    return f"{what} {verbs.nowhere} {_object(block)} by {_beyond(block)}."


def _turned(effects: Sequence[Contrast], block: Block) -> str:
    """`a higher attempt rate than “random” at 4 points and a lower one at 1`; or doses."""
    up = len({contrast.arm for contrast in effects if contrast.difference > 0})
    down = len({contrast.arm for contrast in effects if contrast.difference < 0})
    first = f"a {'higher' if up else 'lower'} {block.rate} than “{block.reference}”"
    if up and down:
        return f"{first} at {times(up, block.point)} and a lower one at {down}"
    return f"{first} at {times(up or down, block.point)}"


def _grid_body(block: Block, index: Index) -> str:
    """Its largest effect (or difference), how all its tests came out, and its positive control.

    A rate over the two replies in a hundred that can be read is no finding, however large: the
    largest is looked for where replies are coherent.
    """
    outcomes = ((outcome, len(block.of(outcome))) for outcome in OPENINGS)
    tally = ", ".join(f"{number} {outcome}" for outcome, number in outcomes if number)
    counts = f"{times(len(block.contrasts), 'test')}: {tally}."
    if not isfinite(block.contrasts[0].difference):
        return f"No difference could be computed. {counts}"
    sound = [row for row in block.contrasts if _sound(row, index)]
    lost = block.points - len({row.arm for row in sound})
    left_out = (
        f"{times(lost, block.point)} left out there: too few replies are coherent and scored."
        if lost
        else ""
    )
    told = next((row for row in sound if row.verdict == "effect"), next(iter(sound), None))
    if told is None or not isfinite(told.difference):
        return f"At no {block.point} are the replies coherent enough to name a largest. {counts}"
    point = told.arm.removeprefix(f"{block.arm}/")
    said = (f"Largest at {point}: {_figure(told, block.unit, index)}.", left_out, counts)
    return " ".join(each for each in (*said, _scope(block, index)) if each)


def _sound(row: Contrast, index: Index) -> bool:
    """Whether the replies behind a test hold together and most of them have a score."""
    found = index.pooled.get(Key(row.arm, row.evaluation, row.group, row.metric))
    mostly_missing = found is not None and found.estimate.missing > found.estimate.n
    return index.coherent(row.arm) and not mostly_missing
