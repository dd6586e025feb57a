"""A Receiver of the micro-world that updates by Bayes: what any other is compared with.

It knows how likely each stance of a message is where the statement is so and where it is not, and
takes messages for independent given that. Told a Sender's true rule, no Sender moves it on average;
told a wrong one, it is moved by exactly as much as the rule is wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suasion import world
from suasion.models.chat import Choice, Reply, Sampling
from suasion.records import Message
from suasion.world.games import HIGHEST, LOWEST

UNREADABLE = "I cannot read this."
"""What it says where a message is not of the grammar, or is impossible under the rule."""

_SURVEY = re.compile(r"Statement: (.*?\.) Message: (.*)", re.DOTALL)
_OPENINGS = re.compile(
    "(?=" + "|".join(re.escape(o) for form in world.FORMS.values() for o in form.openers) + ")"
)


@dataclass(frozen=True)
class BayesChat:
    """Rates statements by what it believes: 1 is sure that it is not so, 7 that it is."""

    prior: float
    """What it believes before: the probability that a statement is so."""
    rule: Mapping[str, tuple[float, float]]
    """How likely a message of each stance is where the statement is not so, and where it is. One
    of a stance that is never sent tells it nothing."""

    @property
    def identity(self) -> str:
        """`bayes-1:`, prior and rule."""
        return (
            f"bayes-1:{json.dumps([self.prior, {k: [*v] for k, v in sorted(self.rule.items())}])}"
        )

    def belief(self, messages: Sequence[Message]) -> float | None:
        """The posterior after a reader's question; None where it cannot be read."""
        asked = _SURVEY.fullmatch(messages[-1].content)
        if asked is None:
            return None
        claim, text = asked.groups()
        no, yes = 1 - self.prior, self.prior
        for part in filter(str.strip, _OPENINGS.split(text)):
            reading = world.read_reply(part, claim)
            if not reading.coherent or reading.stance is None:
                return None
            low, high = self.rule.get(reading.stance, (0.0, 0.0))
            if low or high:
                no, yes = no * low, yes * high
        return yes / (no + yes) if no + yes > 0 else None

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:  # noqa: ARG002 - nothing is drawn
        """The nearest rating."""
        belief = self.belief(messages)
        text = UNREADABLE if belief is None else str(round(LOWEST + (HIGHEST - LOWEST) * belief))
        return Reply(text, prompt_tokens=0, completion_tokens=0, finish="stop")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """The two ratings next to what it believes, so that their mean is exact."""
        belief, shares = self.belief(messages), dict.fromkeys(options, 0.0)
        if belief is not None:
            rating = LOWEST + (HIGHEST - LOWEST) * belief
            below = math.floor(rating)
            for point, share in ((below, 1 - (rating - below)), (below + 1, rating - below)):
                if str(point) in shares:
                    shares[str(point)] = share
        logprobs = {o: math.log(p) if p > 0 else -math.inf for o, p in shares.items()}
        return Choice(logprobs, "scored")
