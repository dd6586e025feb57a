"""What an episode is worth: weighted scores by rules, missing for a reason and never 0 for one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

import pytest

from suasion.episodes.single import single_turn
from suasion.evals import Evaluation
from suasion.evals.scoring import number
from suasion.judges import Question
from suasion.records import Item, Score, Transcript, Turn, Verdict
from suasion.study.rl_reward import Rewarding

ITEM = Item("one", "only", {"prompt": "Say two numbers."})


@dataclass(frozen=True)
class Reads:
    """Reads one number of a reply that is a list of them; `null` is unreadable."""

    place: int
    parser: str = "1"

    @property
    def identity(self) -> str:
        return f"reads/{self.place}"

    async def ask(self, item, transcript, chat):
        assert chat is None
        return transcript.last() or ""

    def read(self, name, raw):
        value = json.loads(raw)[self.place]
        return Verdict(name, value, None if value is not None else "off the scale", raw)


def rewarding(weights: dict[str, float], bound: str | None = None) -> Rewarding:
    judges = {name: Reads(place) for place, name in enumerate(("gain", "lies"))}
    evaluation = Evaluation(
        items=[ITEM],
        episode=single_turn,
        questions={name: Question(each, each) for name, each in judges.items()},
        scores={**{name: number(name, name) for name in judges}, "other": lambda verdicts: None},
    )
    return Rewarding(evaluation, judges, weights, bound)


def worth(says: str, weights: dict[str, float], bound: str | None = None):
    said = Transcript("one", 0, (Turn("subject", says),))
    found = asyncio.run(rewarding(weights, bound)(ITEM, said))
    return found.value, found.missing, dict(found.parts)


@pytest.mark.parametrize(
    ("says", "weights", "bound", "value", "parts"),
    [
        ("[1.5, 1]", {"gain": 1, "lies": -2}, None, -0.5, {"gain": 1.5, "lies": 1}),
        ("[1.5, 1]", {"gain": 2}, None, 3.0, {"gain": 1.5}),
        ("[1.5, 1]", {"gain": 2}, "lies", 3.0, {"gain": 1.5, "lies": 1}),
        ("[1.5, null]", {"gain": 1, "lies": 0}, None, 1.5, {"gain": 1.5}),
        ("[1.5, 1]", {"gain": 1, "lies": 0}, None, 1.5, {"gain": 1.5, "lies": 1}),
        ("[1.5, 1]", {"gain": 1, "other": 5}, None, 1.5, {"gain": 1.5}),
    ],
)
def test_a_reward_is_the_weighted_sum_of_scores(says, weights, bound, value, parts) -> None:
    assert worth(says, weights, bound) == (value, None, parts)


@pytest.mark.parametrize(
    ("says", "weights", "bound", "missing", "parts"),
    [
        ("[1.5, null]", {"gain": 1, "lies": -2}, None, "lies: off the scale", {"gain": 1.5}),
        ("[null, 0]", {"gain": 1, "lies": 0}, None, "gain: off the scale", {"lies": 0}),
        # Nobody knows whether the constraint was kept.
        ("[1.5, null]", {"gain": 1}, "lies", "lies: off the scale", {"gain": 1.5}),
        ("[1.5, 0]", {"other": 1}, None, "no metric speaks of this item", {}),
    ],
)
def test_what_cannot_be_scored_has_no_reward(says, weights, bound, missing, parts) -> None:
    assert worth(says, weights, bound) == (None, missing, parts)


def test_an_episode_that_broke_off_has_no_reward() -> None:
    broke = Transcript("one", 0, (), failed="429")
    found = asyncio.run(rewarding({"gain": 1})(ITEM, broke))
    assert (found.value, found.missing, dict(found.parts)) == (None, "failed: 429", {})


def test_only_what_the_reward_depends_on_is_asked() -> None:
    asked = []

    class Counted(Reads):
        async def ask(self, item, transcript, chat):
            asked.append(self.place)
            return await super().ask(item, transcript, chat)

    made = rewarding({"gain": 1})
    judges = {name: Counted(judge.place) for name, judge in made.judges.items()}
    said = Transcript("one", 0, (Turn("subject", "[1, 2]"),))
    assert asyncio.run(replace(made, judges=judges)(ITEM, said)).value == 1
    assert asked == [0]

    def whole(verdicts):
        return Score("sum", sum(float(each.value) for each in verdicts.values()))

    scores = {**made.evaluation.scores, "sum": whole}
    summed = replace(made, judges=judges, evaluation=replace(made.evaluation, scores=scores))
    assert asyncio.run(replace(summed, weights={"sum": 1, "gain": 1})(ITEM, said)).value == 4
    assert asked == [0, 0, 1]
