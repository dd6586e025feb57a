"""The persuasion game: a Sender speaks for or against a claim, Receivers say how they see it.

The protocol of arXiv:2509.22989, sections 3 and 4: a claim, a state that only the Sender sees, one
message (static) or several rounds (dynamic, the state perhaps evolving), and each Receiver's stance
from 1 to 7 before and after. Stances are asked in contexts of their own that the Sender never sees,
each in several wordings, and read as the expected rating from the probabilities of the scale. What
the Sender wrote goes into a probe as data.

The Sender is the role `subject`; the Receivers are further roles. The transcript notes, beside
`side`, `receivers`, `states` (what the Sender knew, round by round):

- `stance`: for each Receiver the probes before, then after every round;
- `information`: for each round what the message tells of the state, see `suasion.episodes.telling`;
- `checks`, `after`: probes of altered messages, see `suasion.episodes.persuasion_checks`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from suasion.episodes import Draw, Episode, Roles, Talk
from suasion.errors import ProviderError
from suasion.models.chat import Chat
from suasion.models.stance import Probe, stance
from suasion.records import Item, Json, Message, Transcript

Side: TypeAlias = Literal["pro", "con"]
"""Whether the Sender wants Receivers to come to the claim, or to leave it."""

State: TypeAlias = tuple[str, ...]
"""What the Sender knows: kinds of evidence that there are, or texts."""

REWRITER = "rewriter"
"""The role that says a message in other words, where no rule can."""


@dataclass(frozen=True)
class Asked:
    """What the Sender is told before it speaks."""

    round: int
    """Which message it is to write, from 1."""
    known: State | None
    """The state, where it is told."""
    rating: int | None
    """How the Receivers see the claim so far, rounded, where it is told."""
    answers: tuple[str, ...] = ()
    """What the Receivers said to its last message."""


Read: TypeAlias = Callable[[Item, Sequence[str]], Sequence[Message]]
"""One wording of the question after a Receiver's stance, from the messages it has read."""


@dataclass(frozen=True)
class Words:
    """How a game is worded."""

    system: Callable[[Item], str]
    """The Sender's system prompt."""
    ask: Callable[[Item, Asked], str]
    """What it is told before a message."""
    before: Callable[[Item], tuple[str, ...]]
    """What a Receiver reads before the Sender has spoken: nothing, or something neutral."""
    read: tuple[Read, ...]
    """The wordings of the stance question, one a probe."""
    answer: Callable[[Item, Sequence[tuple[str, str]]], Sequence[Message]]
    """A Receiver's conversation, from message and answer of each round; the last answer is ''."""
    prompts: Mapping[str, str]
    """Every text used, for the key."""


@dataclass(frozen=True)
class Playing:
    """How a game is played."""

    words: Words
    """How it is worded."""
    receivers: tuple[str, ...]
    """Roles whose stance is asked."""
    rounds: int = 1
    """Messages of the Sender."""
    probes: int = 3
    """Wordings in which each stance is asked."""
    prior_seen: bool = False
    """Whether the Sender is told how the Receivers see the claim before it speaks."""
    answers: Literal["rating", "words", "none"] = "rating"
    """What the Sender hears of the Receivers between rounds."""
    memory: int | None = None
    """Rounds that Sender and Receivers keep in mind; None for all."""
    states: Callable[[Item, Draw, int], tuple[State, ...] | None] = lambda _item, _draw, _n: None
    """What is known in each round; None where games have no state."""


@dataclass
class Played:
    """A game as it goes on."""

    item: Item
    """Its claim and side."""
    draw: Draw
    """Its randomness."""
    roles: Roles
    """Who takes part."""
    how: Playing
    """How it is played."""
    messages: list[str] = field(default_factory=list)
    """What the Sender has said."""
    replies: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Message and answer of each round, by Receiver."""
    stances: dict[str, list[list[Probe]]] = field(default_factory=dict)
    """Probes by Receiver: before, then after every round."""
    asked: list[Asked] = field(default_factory=list)
    """What the Sender was told before each of its messages."""
    contexts: list[tuple[Message, ...]] = field(default_factory=list)
    """What the Sender had read before each of its messages."""

    async def probe(self, messages: Sequence[str], probes: int | None = None) -> list[list[Probe]]:
        """Every Receiver's stance after some messages: probes by Receiver, in their order.

        Raises:
            ProviderError: a Receiver did not answer, or nobody has its role.
        """
        heard = messages if self.how.memory is None else messages[-self.how.memory :]
        wordings = self.how.words.read[: probes or self.how.probes]
        # All at once: they share a batch and know nothing of each other.
        found = await asyncio.gather(
            *(
                stance(self.receiver(name), read(self.item, heard), seed=self._seed(number))
                for name in self.how.receivers
                for number, read in enumerate(wordings)
            )
        )
        each = len(wordings)
        return [found[i * each : (i + 1) * each] for i in range(len(self.how.receivers))]

    def _seed(self, wording: int) -> int:
        return self.draw.number(f"stance {wording}")

    def receiver(self, name: str) -> Chat:
        """A Receiver.

        Raises:
            ProviderError: nobody has that role.
        """
        chat = self.roles.others.get(name)
        if chat is None:
            raise ProviderError(f"nobody is the Receiver '{name}'")
        return chat


After: TypeAlias = Callable[[Played], Awaitable[dict[str, Json]]]
"""What else is asked when a game is over: notes for its transcript."""


def persuasion(how: Playing, after: Sequence[After] = ()) -> Episode:
    """The Sender speaks about the item's `claim`, on its `side`, and Receivers are asked.

    Args:
        how: how it is played.
        after: what else is asked when it is over.
    """

    async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
        game = Played(item, draw, roles, how)
        talk = Talk(item, draw, {"subject": how.words.system(item)})
        known = how.states(item, draw, how.rounds)
        memory = None if how.memory is None else 2 * how.memory - 1  # what it is told, and says
        _note(game, await game.probe(how.words.before(item)))
        for number in range(1, how.rounds + 1):
            state = None if known is None else known[number - 1]
            game.asked.append(_asked(game, number, state))
            talk.given("user", how.words.ask(item, game.asked[-1]))
            game.contexts.append(talk.seen_by("subject", memory))
            said = await talk.say("subject", roles.subject, memory=memory)
            game.messages.append(said)
            _note(game, await game.probe(game.messages))
            if how.answers == "words" and number < how.rounds:
                await _answer(game)
        notes: dict[str, Json] = {}
        for each in after:
            notes |= await each(game)
        return talk.transcript(**_noted(game, known), **notes)

    return episode


def _note(game: Played, found: Sequence[list[Probe]]) -> None:
    for name, probes in zip(game.how.receivers, found, strict=True):
        game.stances.setdefault(name, []).append(probes)


def _asked(game: Played, number: int, state: State | None) -> Asked:
    how = game.how
    told = how.prior_seen if number == 1 else how.answers == "rating"
    said = [each[-1][1] for each in game.replies.values() if each]
    return Asked(number, state, _rating(game) if told else None, tuple(said))


def _rating(game: Played) -> int | None:
    """The Receivers' mean stance now, rounded; None if none of them can be read."""
    now = [probe.value for probes in game.stances.values() for probe in probes[-1]]
    read = [value for value in now if value is not None]
    return round(sum(read) / len(read)) if read else None


async def _answer(game: Played) -> None:
    """Let every Receiver answer the last message, in words."""
    for name in game.how.receivers:
        before = game.replies.setdefault(name, [])
        heard = [*before, (game.messages[-1], "")]
        seed = game.draw.number(f"answer {len(before)} {name}")
        sampling = replace(game.draw.sampling, seed=seed)
        messages = game.how.words.answer(game.item, heard)
        reply = await game.receiver(name).reply(messages, sampling)
        before.append((game.messages[-1], reply.text))


def _noted(game: Played, known: tuple[State, ...] | None) -> dict[str, Json]:
    notes: dict[str, Json] = {
        "side": game.item.data["side"],
        "receivers": list(game.how.receivers),
        "stance": {name: recorded(found) for name, found in game.stances.items()},
    }
    if known is not None:
        notes["states"] = [list(state) for state in known]
    if game.replies:
        notes["answers"] = {
            name: [answer for _, answer in each] for name, each in game.replies.items()
        }
    return notes


def recorded(found: Sequence[Sequence[Probe]]) -> list[Json]:
    """Probes as they are stored."""
    return [[probe.record() for probe in probes] for probes in found]


def shuffler(draw: Draw, what: str) -> random.Random:
    """A source of randomness that is the same for every arm."""
    return random.Random(draw.number(what))
