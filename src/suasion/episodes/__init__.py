"""Episodes: the conversation protocol for one item, whoever speaks.

An episode is an `async` function of an item, the roles and its own source of randomness. It says
things through a `Talk`, which keeps the transcript and shows each speaker the conversation from its
own side.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from suasion.models.chat import Chat, Sampling, seed_of
from suasion.records import Item, Json, Message, Transcript, Turn

T = TypeVar("T")


@dataclass(frozen=True)
class Roles:
    """Who speaks in an episode."""

    subject: Chat
    """The model under study."""
    user: Chat | None = None
    """The simulated user; None where the evaluation scripts the user's turns."""
    others: Mapping[str, Chat] = field(default_factory=dict)
    """Further roles by name: `sender`, `receiver`, ..."""


@dataclass(frozen=True)
class Draw:
    """An episode's source of randomness: a function of item and sample, never of the condition."""

    item_id: str
    """The item."""
    sample: int
    """Which repetition."""
    seed: int = 0
    """The study's own seed, so that a study can be repeated with other draws."""
    sampling: Sampling = field(kw_only=True)
    """How replies are drawn: `Evaluation.sampling`, or what the study says instead; its seed is
    replaced turn by turn."""

    def number(self, what: str) -> int:
        """A uniform 63-bit integer for the purpose `what`."""
        return seed_of(f"{self.seed}/{self.item_id}/{self.sample}/{what}")

    def integer(self, low: int, high: int, what: str = "integer") -> int:
        """A uniform integer in low..high, both included."""
        return random.Random(self.number(what)).randint(low, high)

    def choice(self, options: Sequence[T], what: str = "choice") -> T:
        """One of the options, uniformly."""
        return random.Random(self.number(what)).choice(options)


Episode: TypeAlias = Callable[[Item, Roles, Draw], Awaitable[Transcript]]
"""The conversation protocol for one item."""


class Talk:
    """One conversation as it grows: what was said, and how each side sees it."""

    def __init__(
        self,
        item: Item,
        draw: Draw,
        system: Mapping[str, str] | None = None,
        cue: Mapping[str, str] | None = None,
    ) -> None:
        """Start an empty conversation.

        Args:
            item: what it is about.
            draw: its randomness; says how every reply is drawn, and seeds it.
            system: each speaker's system prompt, by speaker.
            cue: what a speaker is told before anything it hears, by speaker; shown to nobody else.
                Whoever speaks first needs one: templates and providers want a user's turn first.
        """
        self.item = item
        self.draw = draw
        self.system = dict(system or {})
        self.cue = dict(cue or {})
        self.turns: list[Turn] = []
        self._own: list[str] = []

    def given(self, speaker: str, text: str) -> None:
        """Put words into the conversation that nobody generated."""
        self._add(Turn(speaker, text, finish="given"), text)

    async def say(
        self,
        speaker: str,
        chat: Chat,
        heard: Callable[[str], str] = str,
        memory: int | None = None,
    ) -> str:
        """Let `chat` speak next as `speaker`; returns what it said.

        Args:
            speaker: as whom.
            chat: who speaks.
            heard: what of its words the others hear and the transcript holds; it goes on seeing
                its own words whole.
            memory: how many of the last turns it still knows; None for all.

        Raises:
            ProviderError: it did not answer.
        """
        seed = self.draw.number(f"turn {len(self.turns)} {speaker}")
        seen = self.seen_by(speaker, memory)
        reply = await chat.reply(seen, replace(self.draw.sampling, seed=seed))
        tokens = (reply.prompt_tokens, reply.completion_tokens)
        self._add(Turn(speaker, heard(reply.text), *tokens, reply.finish), reply.text)
        return reply.text

    def _add(self, turn: Turn, own: str) -> None:
        self.turns.append(turn)
        self._own.append(own)

    def seen_by(self, speaker: str, memory: int | None = None) -> tuple[Message, ...]:
        """The conversation from `speaker`'s side: its own turns are `assistant`, others' `user`.

        Args:
            speaker: whose side.
            memory: how many of the last turns it still knows; None for all. Prompts stay.
        """
        heard = [
            Message("assistant", own) if turn.speaker == speaker else Message("user", turn.text)
            for turn, own in zip(self.turns, self._own, strict=True)
        ]
        system, cue = self.system.get(speaker), self.cue.get(speaker)
        first = [Message("system", system)] if system is not None else []
        known = heard if memory is None else heard[-memory:]
        return (*first, *([Message("user", cue)] if cue is not None else []), *known)

    def transcript(self, **data: Json) -> Transcript:
        """Everything said so far, with the system prompts and whatever the episode notes."""
        noted: dict[str, Json] = {"system": dict(self.system), **data}
        if self.cue:
            noted["cue"] = dict(self.cue)
        return Transcript(self.item.id, self.draw.sample, tuple(self.turns), noted)
