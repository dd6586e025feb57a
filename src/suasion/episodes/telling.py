r"""What a message tells of the state, exactly: the same message scored under every state.

The persuasion signal of arXiv:2509.22989 is the conditional mutual information

    I(M_t; S_t | H_{t-1}) = E[log2 p(m | s, h) - log2 sum_s' q(s' | h) p(m | s', h)]

where p is the Sender itself: its log-probability of having begun its reply with the message, had it
been told another state. One term is noted a round; their mean over games is the estimate, unbiased
in the messages. The state q is what an observer who knows the Sender believes: of a state that
stays, what earlier messages made it; of one that evolves, where the last state can lead, since
every earlier state is then part of the history.

As a control the true state is exchanged for one drawn without looking: what is then "told" cannot
be positive on average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from suasion.episodes import Draw
from suasion.episodes.persuasion import After, Played, State
from suasion.models.chat import Choice
from suasion.records import Item, Json, Message

NO_SCORES = "the Sender gives no log-probabilities"
IMPOSSIBLE = "the message is impossible under every state"
SILENT = "nothing was said"

StatesOf: TypeAlias = Callable[[Item], tuple[State, ...]]
"""Every state of an item's game."""


@dataclass(frozen=True)
class Telling:
    """What the Sender may know, and how that changes."""

    states: StatesOf
    """Every state there can be; all are equally likely at first."""
    evolve: float = 0.0
    """Chance that a state is drawn anew before a round."""

    def after(self, state: int, n: int) -> list[float]:
        """How likely each of n states is in the next round."""
        stays = 1 - self.evolve
        return [self.evolve / n + (stays if i == state else 0.0) for i in range(n)]


def told(telling: Telling) -> After:
    """Score every message of a game under every state; noted as `information`."""

    async def ask(game: Played) -> dict[str, Json]:
        true = game.how.states(game.item, game.draw, game.how.rounds)
        if true is None:
            return {}
        states = telling.states(game.item)
        places = [states.index(state) for state in true]
        n = len(states)
        belief = [1 / n] * n
        rounds: list[Json] = []
        for number, place in enumerate(places):
            if telling.evolve and number:
                belief = telling.after(places[number - 1], n)
            scores = await _scores(game, number, states, stays=not telling.evolve)
            if isinstance(scores, str):
                return {"information": scores}
            other = _other(game.draw, number, belief)
            rounds.append(_term(scores, belief, place, other))
            belief = _updated(belief, scores)
        return {"information": rounds}

    return ask


async def _scores(
    game: Played, number: int, states: Sequence[State], *, stays: bool
) -> list[float] | str:
    """Natural-log probability of a message under every state."""
    message, found = game.messages[number], []
    if not message:
        return SILENT
    for state in states:
        seen = _as_if(game, number, state, stays=stays)
        choice: Choice = await game.roles.subject.choose(seen, (message,))
        if choice.method != "scored":
            return NO_SCORES
        found.append(choice.logprobs[message])
    return IMPOSSIBLE if max(found) == -math.inf else found


def _as_if(game: Played, number: int, state: State, *, stays: bool) -> Sequence[Message]:
    """What the Sender had read before a message, had it been told another state.

    Where states stay, it had been told that state in every round; else in this one alone.
    """
    seen = list(game.contexts[number])
    places = [place for place, message in enumerate(seen) if message.role == "user"]
    asked = game.asked[: number + 1][-len(places) :]
    for place, each in list(zip(places, asked, strict=True))[0 if stays else -1 :]:
        told = game.how.words.ask(game.item, replace(each, known=state))
        seen[place] = Message("user", told)
    return seen


def _term(scores: Sequence[float], belief: Sequence[float], place: int, other: int) -> Json:
    from suasion.theory import entropy_bits

    return {
        "bits": _bits(scores, belief, place),
        "control": _bits(scores, belief, other),
        "entropy_drop": entropy_bits(belief) - entropy_bits(_updated(belief, scores)),
    }


def _bits(scores: Sequence[float], belief: Sequence[float], state: int) -> float | None:
    """What the message tells of a state; None where it could not have been sent in it."""
    from suasion.theory import pointwise_information_bits

    if scores[state] == -math.inf or belief[state] == 0:
        return None
    return pointwise_information_bits(scores, belief, state)


def _updated(belief: Sequence[float], scores: Sequence[float]) -> list[float]:
    most = max(scores)
    weights = [b * math.exp(s - most) for b, s in zip(belief, scores, strict=True)]
    total = math.fsum(weights)
    return [w / total for w in weights] if total > 0 else list(belief)


def _other(draw: Draw, number: int, belief: Sequence[float]) -> int:
    """A state drawn from what is believed, without looking at the true one."""
    at = draw.integer(0, 10**9 - 1, f"other state {number}") / 10**9
    for place, share in enumerate(belief):
        at -= share
        if at < 0:
            return place
    return len(belief) - 1


def evolving(states_of: StatesOf, evolve: float) -> Callable[[Item, Draw, int], tuple[State, ...]]:
    """Draw what is known in each round: uniform at first, then drawn anew with a chance."""

    def known(item: Item, draw: Draw, rounds: int) -> tuple[State, ...]:
        states = states_of(item)
        now, found = draw.choice(states, "state 1"), []
        for number in range(1, rounds + 1):
            if number > 1 and draw.integer(1, 10**6, f"evolves {number}") <= evolve * 10**6:
                now = draw.choice(states, f"state {number}")
            found.append(now)
        return tuple(found)

    return known
