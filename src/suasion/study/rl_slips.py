"""What arms trained by reinforcement contradict themselves in, told before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from suasion.errors import UseError
from suasion.registry import find
from suasion.study.phrases import unknown
from suasion.study.rl_spec import Rl, listed_weights, settings
from suasion.study.slips import Slip

ALONE = ("grpo", "rloo")
"""Algorithms that learn from differences within a group."""


def rl_slips(name: str, arms: Mapping[str, Rl]) -> Iterator[Slip]:
    """What is wrong with an arm; what it is like has been found to be there.

    Args:
        name: the arm's.
        arms: every `rl` arm of the study, by name.
    """
    at, given = ("arms", name, "rl"), settings(name, arms)
    for key in ("evaluation", "reward"):
        if key not in given:
            yield at, f"says no {key}"
            return
    yield from _evaluation(at, given)
    yield from _reward(at, given["reward"])
    if "constraint" in given:
        for key in ("metric", "at_most"):
            if key not in given["constraint"]:
                yield (*at, "constraint"), f"says no {key}"
    if given.get("group") == 1 and given.get("algorithm", "grpo") in ALONE:
        says = "a group of 1 has nobody to be compared with: 2 or more, or `algorithm: ppo`"
        yield (*at, "group"), says
    if given.get("full"):
        says = (
            "a study makes adapters only: train the whole model with suasion.training.rl.train_rl, "
            "and measure it as an arm of its own, `checkpoint: FOLDER`"
        )
        yield (*at, "full"), says


def _evaluation(at: tuple[str, ...], given: Mapping[str, Any]) -> Iterator[Slip]:
    """An evaluation there is none of, and options that it does not take."""
    try:
        build = find("evaluation", given["evaluation"]).build
    except UseError as error:
        yield (*at, "evaluation"), str(error)
        return
    taken = inspect.signature(build).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return
    for option in given.get("options", {}):
        if option not in taken:
            says = unknown(f"option of {given['evaluation']}", option, taken)
            yield (*at, "options", option), says


def _reward(at: tuple[str, ...], reward: Mapping[str, Any]) -> Iterator[Slip]:
    listed = listed_weights(reward)
    if len(listed) > 1:
        says = f"{' and '.join(listed)} have lists of weights: one of them makes a grid"
        yield (*at, "reward"), says
        return
    for metric in listed:
        weights = reward[metric]
        if not weights:
            yield (*at, "reward", metric), "an empty list: name at least one"
        if len(set(weights)) < len(weights):
            yield (*at, "reward", metric), "names a weight twice"
    if not any(weight for weight in reward.values()):
        yield (*at, "reward"), "nothing is worth anything: give a metric a weight that is not 0"
    elif (
        listed
        and 0 in reward[listed[0]]
        and not any(weight for metric, weight in reward.items() if metric not in listed)
    ):
        says = f"at the weight 0 of {listed[0]} nothing is worth anything: reward something else"
        yield (*at, "reward"), says


def like_itself(name: str, arms: Mapping[str, Rl]) -> bool:
    """Whether following `like` from an arm never ends."""
    seen, current = {name}, arms[name].like
    while current is not None and current in arms:
        if current in seen:
            return True
        seen.add(current)
        current = arms[current].like
    return False
