"""A plan as text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from suasion.data.mixture import PartRows
from suasion.study.phrases import times
from suasion.study.plan import USUAL_RATE, USUAL_SEED_SD, Plan, Power
from suasion.study.training_sets import TrainingRows


def describe(plan: Plan) -> str:
    """The plan as text, for a terminal."""
    return "\n".join([*_what(plan), "", *_data(plan), *_cost(plan), "", *_shows(plan)])


def _what(plan: Plan) -> list[str]:
    lines = [f"study {plan.study}", f"  {'arm':<24}{'points':>8}{'seeds':>8}{'episodes':>10}"]
    lines += [f"  {a.name:<24}{a.points:>8}{a.seeds:>8}{a.episodes:>10,}" for a in plan.arms]
    return [*lines, *(f"added: {each}" for each in plan.added)]


def _data(plan: Plan) -> list[str]:
    """What is trained on: sizes, licences, and what was left out; a grid has one line."""
    arms = dict.fromkeys(each.parent for each in plan.data)
    points = {name: [each for each in plan.data if each.parent == name] for name in arms}
    told = [_rows(own[0]) if len(own) == 1 else _grid(own) for own in points.values()]
    return [f"training    {each}" for each in (*told, *plan.loops, *plan.played)]


def _rows(each: TrainingRows) -> str:
    mixed = ", ".join(f"{own.rows:,} {own.group} of {_part(own)}" for own in each.parts)
    return (
        f"{each.arm}: {each.rows:,} rows of {each.data} (licence {each.licence})"
        + "".join(f", {count:,} left out as {why}" for why, count in each.left_out.items())
        + (f": {mixed}" if mixed else "")
        + (f"; {each.prepared}" if each.prepared else "")
    )


def _grid(points: Sequence[TrainingRows]) -> str:
    """The rows of all points of a grid, in its order, by where they come from."""
    groups = {own.group: own for each in points for own in each.parts}
    mixed = "; ".join(
        f"{group} {', '.join(f'{_of(each, group):,}' for each in points)} of {_part(own)}"
        for group, own in groups.items()
    )
    sizes = ", ".join(f"{size:,}" for size in dict.fromkeys(each.rows for each in points))
    return f"{points[0].parent}: {sizes} rows at {len(points)} ratios: {mixed}{_prepared(points)}"


def _prepared(points: Sequence[TrainingRows]) -> str:
    """What is done to the rows of a grid: once, or at its last point where that differs."""
    last = points[-1]
    if not last.prepared:
        return ""
    alike = all(each.prepared == last.prepared for each in points)
    return f"; {last.prepared}" + ("" if alike else f" at {last.arm}")


def _of(each: TrainingRows, group: str) -> int:
    return sum(own.rows for own in each.parts if own.group == group)


def _part(own: PartRows) -> str:
    return f"{own.part.name} ({own.part.licence})"


def _cost(plan: Plan) -> list[str]:
    todo = plan.episodes - plan.episodes_stored
    artifacts = plan.artifacts - plan.artifacts_stored
    time = "unknown" if isnan(plan.minutes) else f"about {_minutes_text(plan.minutes)}"
    return [
        f"artifacts   {artifacts:,} to make ({plan.training_rows:,} rows of training), "
        f"{plan.artifacts_stored:,} stored",
        f"episodes    {todo:,} to run, {plan.episodes_stored:,} stored"
        + (f"; {plan.replies:,} replies in all" if plan.replies > plan.episodes else "")
        + (f"; {plan.to_others:,} questions to others" if plan.to_others else ""),
        *_loops(plan),
        *_played(plan),
        f"judgements  {plan.judgements:,} by a model"
        if plan.judgements
        else "judgements  by rules",
        f"tokens      {plan.prompt_tokens:,} read, {plan.reply_tokens:,} generated "
        f"({plan.tokens_from})",
        f"time        {time} ({plan.pace.basis})",
    ]


def _loops(plan: Plan) -> list[str]:
    cost = plan.loop_cost
    if not cost.conversations:
        return []
    asked = f"; {cost.to_users:,} questions to the users' model" if cost.to_users else ""
    vetoes = f", {cost.to_judge:,} to the judge's" if cost.to_judge else ""
    return [
        f"loops       {cost.conversations:,} conversations at most, {cost.replies:,} replies"
        f"{asked}{vetoes}"
    ]


def _played(plan: Plan) -> list[str]:
    cost = plan.rl_cost
    if not cost.episodes:
        return []
    asked = f", {cost.to_others:,} questions to others" if cost.to_others else ""
    return [
        f"played      {cost.episodes:,} episodes to learn from, {cost.replies:,} replies{asked}"
    ]


def _minutes_text(minutes: float) -> str:
    if minutes < 1:
        return "a minute" if minutes > 0.05 else "nothing"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _shows(plan: Plan) -> list[str]:
    if not plan.tests:
        return ["no contrasts are declared: the study will have rates and no tests"]
    lines = [
        f"smallest difference each family could show (80 % chance, at a rate of {USUAL_RATE:.0%}"
        f"{_seeds_text(plan)}):"
    ]
    families = dict.fromkeys(power.test.family for power in plan.tests)
    own = {name: [p for p in plan.tests if p.test.family == name] for name in families}
    return [*lines, *(_family(name, powers) for name, powers in own.items())]


def _seeds_text(plan: Plan) -> str:
    trained = any(power.seeds for power in plan.tests)
    return f", {USUAL_SEED_SD * 100:.0f} pp between seeds" if trained else ""


def _family(family: str, own: Sequence[Power]) -> str:
    numbers = [power for power in own if not power.share]
    own = [power for power in own if power.share]
    if not own:
        return f"  {family}: {_unknown(numbers)}"
    sizes = [power.detectable for power in own if not isnan(power.detectable)]
    weakest = max(own, key=lambda power: 2.0 if isnan(power.detectable) else power.detectable)
    tests = times(len(own), "test")
    if not sizes:
        return f"  {family}: {tests}, none can show anything: more {weakest.binding} needed"
    low, high = min(sizes) * 100, max(sizes) * 100
    span = f"{low:.0f} pp" if round(low) == round(high) else f"{low:.0f} to {high:.0f} pp"
    margin = min(power.test.margin for power in own) * 100
    return (
        f"  {family}: {tests}, {span}; margin {margin:g} pp; {weakest.items} items"
        + (f", {weakest.seeds} seeds an arm" if weakest.seeds else "")
        + f" in the weakest, more {weakest.binding} would help most"
        + (f"; {_unknown(numbers)}" if numbers else "")
    )


def _unknown(own: Sequence[Power]) -> str:
    """Of tests of what is no share, how much there is to see."""
    margins = sorted({power.test.margin for power in own})
    seeds = min(power.seeds for power in own)
    return (
        f"{times(len(own), 'test')} of what is no share, whose spread is not known before it is "
        f"measured; margin {' or '.join(f'{margin:g}' for margin in margins)}; "
        f"{min(power.items for power in own)} items" + (f", {seeds} seeds an arm" if seeds else "")
    )
