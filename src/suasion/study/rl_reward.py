"""Rewards: the weighted scores of an episode, its questions answered by rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        scores = await self._scores(item, transcript)
        parts = {metric: s.value for metric, s in scores.items() if s.value is not None}
        needed = [m for m in scores if self.weights.get(m) or m == self.bound]
        lost = next((metric for metric in needed if metric not in parts), None)
        if lost is not None:
            return Reward(None, f"{lost}: {scores[lost].missing}", parts)
        if not needed:
            return Reward(None, "no metric speaks of this item", parts)
        value = sum(self.weights.get(metric, 0.0) * parts[metric] for metric in needed)
        return Reward(value, None, parts)

    async def _scores(self, item: Item, transcript: Transcript) -> dict[str, Score]:
        """What is worth something, or held down, as far as it speaks of the item."""
        known: dict[str, Verdict] = {}
        found: dict[str, Score] = {}
        wanted = [*self.weights, *([self.bound] if self.bound else [])]
        for metric in dict.fromkeys(wanted):
            while True:
                looked = Looked(known, self._applying(item))
                score = self.evaluation.scores[metric](looked)
                if not looked.missed:
                    break
                for name in looked.missed:
                    raw = await self.judges[name].ask(item, transcript, None)
                    known[name] = self.judges[name].read(name, raw)
            if score is not None:
                found[metric] = score
        return found

    def _applying(self, item: Item) -> list[str]:
        return [name for name in self.judges if self.evaluation.questions[name].applies(item)]


class Looked(Mapping[str, Verdict]):
    """Verdicts as a score rule sees them; notes which it looked for that nobody has asked for yet.

    So that a training asks only the questions that its reward depends on.
    """

    def __init__(self, known: Mapping[str, Verdict], there: Sequence[str]) -> None:
        """Verdicts that are known, out of those there can be."""
        self.known = known
        self.there = there
        self.missed: dict[str, None] = {}

    def __getitem__(self, name: str) -> Verdict:
        """The verdict on a question."""
        if name not in self.known and name in self.there:
            self.missed[name] = None
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        """All names there are; looked for from now on."""
        self.missed.update(dict.fromkeys(name for name in self.there if name not in self.known))
        return iter(self.known)

    def __len__(self) -> int:
        """How many there are."""
        return len([*iter(self)])
