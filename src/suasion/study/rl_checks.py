"""Checks of arms trained by reinforcement: on what they were trained, and whether it worked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan, sqrt
from statistics import fmean, variance

from suasion.records import Item
from suasion.store import digest
from suasion.study.arms import PlannedArm
from suasion.study.cells import first_items
from suasion.study.codec import encode_item
from suasion.study.controls import SHORTEST
from suasion.study.evidence import Evidence
from suasion.study.phrases import listed, times
from suasion.study.results import Check, Status
from suasion.study.rl_curves import Curve

PART = 4
"""The first and the last of this many parts of a training are compared."""
FEWEST = 8
"""Steps below which nobody can tell whether a reward rose."""
SURE = 2.0
"""Standard errors by which it has to have risen."""


def played_items(evidence: Evidence) -> Check | None:
    """Whether an evaluation asks about what an arm was rewarded for.

    An item is the same if all it holds is the same, if it has the same claim or prompt, or, within
    one evaluation, the same id.
    """
    if not evidence.plays:
        return None
    found = {
        planned.arm.name: _seen_before(planned, evidence)
        for planned in evidence.arms
        if planned.arm.name in evidence.plays
    }
    arm, (most, asked) = max(found.items(), key=lambda pair: pair[1])
    if most:
        says = (
            f"{most} of {asked} items that {arm} is asked about are among those it was rewarded "
            "on: what it does there is no transfer; train on another split, or other claims."
        )
        return Check("played-items", "fails", says)
    says = (
        f"Nothing that {times(len(found), 'arm')} trained by reinforcement "
        f"{'is' if len(found) == 1 else 'are'} asked about is among the items that were played."
    )
    return Check("played-items", "holds", says)


def _seen_before(planned: PlannedArm, evidence: Evidence) -> tuple[int, int]:
    """How many of the items that an arm is asked about it was trained on, and of how many."""
    played = evidence.plays[planned.arm.name]
    marks = _marks(played.of, played.built.items)
    asked = [
        _marks(evidence.spec.evaluations[name].of or name, [item])
        for name in planned.evaluations
        for item in first_items(evidence.built[name].items, planned.items)
    ]
    return sum(bool(own & marks) for own in asked), len(asked)


def _marks(of: str, items: Iterable[Item]) -> set[str]:
    """What an item can be known by again."""
    found: set[str] = set()
    for item in items:
        found |= {digest(encode_item(item)), f"{of} {item.id}"}
        texts = (str(item.data.get(key, "")) for key in ("claim", "prompt"))
        found |= {text for text in texts if len(text) > SHORTEST}
    return found


def rewards_rose(curves: Sequence[Curve]) -> Check | None:
    """Whether the trainings did what they were for: the reward at the end against the start."""
    if not curves:
        return None
    rises = {(each.arm, each.seed): rise(each.values("reward")) for each in curves}
    short = [at for at, (_, error) in rises.items() if isnan(error)]
    if short:
        arms = listed([*dict.fromkeys(arm for arm, _ in short)])
        says = f"Too few steps of {arms} have a reward to say whether it rose ({FEWEST} needed)."
        return Check("reward-rose", "open", says)
    flat = [at for at, (gain, error) in rises.items() if not gain > SURE * error]
    (arm, seed), (least, _) = min(rises.items(), key=lambda pair: pair[1][0])
    status: Status = "fails" if flat else "holds"
    says = (
        f"The reward rose from the first to the last quarter of the steps in "
        f"{len(rises) - len(flat)} of {times(len(rises), 'training')} by more than {SURE:g} "
        f"standard errors; least by {least:+.2g} in {arm}, seed {seed}."
    )
    if flat:
        says += " What did not rise says nothing of what a rise would do."
    return Check("reward-rose", status, says.replace("+-", "-"))


def rise(values: Sequence[float | None]) -> tuple[float, float]:
    """How far the last quarter of a curve lies above the first, and the standard error of that.

    Steps are taken as independent; both are NaN with fewer than `FEWEST` values.
    """
    known = [value for value in values if value is not None]
    size = len(known) // PART
    if len(known) < FEWEST:
        return float("nan"), float("nan")
    first, last = known[:size], known[-size:]
    spread = (variance(first) + variance(last)) / size
    return fmean(last) - fmean(first), sqrt(spread)
