"""What trainings by reinforcement will take: episodes, replies, questions to others, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from suasion.study.arms import PlannedArm
from suasion.study.phrases import listed, times
from suasion.study.rl_arms import Played, Plays, hyperparameters


class RlCost(NamedTuple):
    """What trainings take."""

    episodes: int = 0
    """Episodes played, all steps and seeds."""
    replies: int = 0
    """Replies of the models that are trained."""
    to_others: int = 0
    """Questions to whoever else takes part."""
    reply_tokens: int = 0
    """Longest the replies can be, in tokens."""
    rows: int = 0
    """Episodes learnt from, all passes."""


NO_RL = RlCost()
"""What a study without such a training takes."""


def rl_cost(arms: Mapping[str, tuple[PlannedArm, int]], plays: Plays) -> RlCost:
    """What some trainings take together.

    Args:
        arms: by name, each with how many seeds of it are to be trained.
        plays: what each plays.
    """
    each = [_cost(planned, seeds, plays[name]) for name, (planned, seeds) in arms.items()]
    return RlCost(*map(sum, zip(*each, strict=True))) if each else NO_RL


def _cost(planned: PlannedArm, seeds: int, played: Played) -> RlCost:
    how = cast("dict[str, Any]", hyperparameters(planned))
    evaluation, items = played.built.evaluation, played.built.items
    episodes = how["steps"] * how["prompts"] * how["group"] * seeds
    replies = round(episodes * sum(map(evaluation.replies, items)) / len(items))
    asked = round(episodes * sum(map(evaluation.asks_others, items)) / len(items))
    longest = replies * evaluation.sampling.max_tokens
    return RlCost(episodes, replies, asked, longest, episodes * how["epochs"])


def rl_text(points: Sequence[PlannedArm], plays: Plays) -> str:
    """How an arm is trained, in words; a grid is told once.

    Args:
        points: those of one arm.
        plays: what each plays.
    """
    how = cast("dict[str, Any]", hyperparameters(points[0]))
    played = plays[points[0].arm.name]
    weights = [plays[each.arm.name].rewarding.weights for each in points]
    worth = [
        f"{metric} {', '.join(dict.fromkeys(f'{own[metric]:g}' for own in weights))}"
        for metric in weights[0]
    ]
    others = f" with {listed([*played.others])}" if played.others else ""
    constraint = cast("dict[str, Any]", points[0].arm.detail.get("constraint", {}))
    bound = "{metric} at most {at_most:g}".format(**constraint) if constraint else ""
    return (
        f"{points[0].arm.parent}: {how['algorithm']} in {times(how['steps'], 'step')} of "
        f"{times(how['prompts'], 'item')}, each played {times(how['group'], 'time')}; "
        f"{len(played.built.items):,} items of {played.of}{others}; a point is worth: "
        f"{'; '.join(worth)}" + (f"; {bound}" if bound else "")
    )
