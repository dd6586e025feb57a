"""Rewards: the weighted scores of an episode, its questions answered by rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suasion.evals import Evaluation
from suasion.judges import Judge
from suasion.records import Item, Score, Transcript, Verdict

if TYPE_CHECKING:
    from suasion.training.rl import Reward


@dataclass(frozen=True)
class Rewarding:
    """What an episode is worth."""

    evaluation: Evaluation
    """Whose scores they are."""
    judges: Mapping[str, Judge]
    """Who answers each of its questions; asked without a model."""
    weights: Mapping[str, float]
    """What a point of each metric is worth."""
    bound: str | None = None
    """A metric that is held down besides, if any."""

    async def __call__(self, item: Item, transcript: Transcript) -> Reward:
        """The reward of an episode, and the scores it is made of; missing with the reason.

        A metric that does not speak of the item adds nothing. One that is missing takes the whole
        reward with it, but not where its weight is 0.
        """
        from suasion.training.rl import Reward

        if transcript.failed is not None:
            return Reward(None, f"failed: {transcript.failed}", {})
        scores = self._scores(await self._verdicts(item, transcript))
        parts = {metric: s.value for metric, s in scores.items() if s.value is not None}
        needed = [m for m in scores if self.weights.get(m) or m == self.bound]
        lost = next((metric for metric in needed if metric not in parts), None)
        if lost is not None:
            return Reward(None, f"{lost}: {scores[lost].missing}", parts)
        if not needed:
            return Reward(None, "no metric speaks of this item", parts)
        value = sum(self.weights.get(metric, 0.0) * parts[metric] for metric in needed)
        return Reward(value, None, parts)

    async def _verdicts(self, item: Item, transcript: Transcript) -> dict[str, Verdict]:
        return {
            name: judge.read(name, await judge.ask(item, transcript, None))
            for name, judge in self.judges.items()
            if self.evaluation.questions[name].applies(item)
        }

    def _scores(self, verdicts: Mapping[str, Verdict]) -> dict[str, Score]:
        """What is worth something, or held down, as far as it speaks of the item."""
        wanted = dict.fromkeys([*self.weights, *([self.bound] if self.bound else [])])
        found = ((metric, self.evaluation.scores[metric](verdicts)) for metric in wanted)
        return {metric: score for metric, score in found if score is not None}
