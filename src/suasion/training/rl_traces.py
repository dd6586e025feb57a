"""What a policy did in an episode, token by token.

An episode that is a conversation becomes one sequence: what was read and said stays as it was,
token by token, and only what is new is made into tokens, since the tokens of a text are not always
those it was written in. Where a conversation does not begin with the one before (a template that
drops what is old, a memory that ends), the sequence is forked: another one begins with that prompt.
Tokens that the policy did not choose have mask 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from suasion.models.chat import Chat, Choice, Reply, Sampling, seed_of
from suasion.models.condition import Condition
from suasion.models.engine.rows import Completion, Row
from suasion.records import Message


@dataclass(frozen=True, slots=True)
class Said:
    """One reply of the policy."""

    prompt: tuple[int, ...]
    """What it had read, in tokens."""
    tokens: tuple[int, ...]
    """What it said; the token that ended it included, if it ended by itself."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A sequence to learn from."""

    ids: tuple[int, ...]
    """All tokens."""
    mask: tuple[bool, ...]
    """Whether the policy chose each; as long as `ids`."""

    @property
    def chosen(self) -> int:
        """Tokens the policy chose."""
        return sum(self.mask)


def traces(said: Sequence[Said]) -> list[Trace]:
    """The sequences of one episode, in order."""
    found: list[Trace] = []
    for each in said:
        last = found[-1].ids if found else None
        if last is not None and each.prompt[: len(last)] == last:
            heard = each.prompt[len(last) :]
            ids, mask = last, found.pop().mask
        else:
            ids, mask, heard = (), (), each.prompt
        chose = (True,) * len(each.tokens)
        found.append(Trace(ids + heard + each.tokens, mask + (False,) * len(heard) + chose))
    return [trace for trace in found if trace.chosen]


class Reads(Protocol):
    """Makes tokens of text."""

    @property
    def digest(self) -> str:
        """What tells the base from every other."""
        ...

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The conversation, reply opened."""
        ...

    def tokens(self, text: str) -> tuple[int, ...]:
        """Plain text, no special tokens added."""
        ...


class Speaks(Protocol):
    """What replies are generated with: the engine's batch, or whatever a trainer has."""

    @property
    def engine(self) -> Reads:
        """Its reading side."""
        ...

    async def generate(self, row: Row) -> Completion:
        """One reply, run with all others that are awaited now."""
        ...

    def chat(self, condition: Condition) -> Chat:
        """A chat that scores options."""
        ...


@dataclass
class Policy:
    """The policy as a chat of one episode; it remembers what it read and said, in tokens."""

    batcher: Speaks
    """The batch its replies run in."""
    condition: Condition
    """The policy's weights as they are now."""
    ending: tuple[int, ...]
    """What ends a reply."""
    written: Callable[[Sequence[int]], str]
    """Tokens as text, special ones included."""
    member: int
    """Which episode of its group it is: they differ in nothing but the noise of their replies."""
    said: list[Said] = field(default_factory=list)
    """Everything it said."""

    @property
    def identity(self) -> str:
        """The engine's base and the policy's weights of this step."""
        return f"policy:{self.batcher.engine.digest}:{self.condition.fingerprint}"

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """Answer a conversation, and remember it.

        Raises:
            ModelError: the conversation does not fit the model.
        """
        prompt = self._read(self.batcher.engine.encode(messages))
        own = replace(sampling, seed=seed_of(f"{sampling.seed}/member {self.member}"))
        done = await self.batcher.generate(Row(prompt, self.condition, own))
        ended = self.ending if done.finish == "stop" else ()
        self.said.append(Said(prompt, done.tokens + ended))
        return Reply(done.text, done.prompt_tokens, done.completion_tokens, done.finish)

    def _read(self, prompt: tuple[int, ...]) -> tuple[int, ...]:
        """The conversation, where it goes on from the last reply in that reply's own tokens."""
        if not self.said:
            return prompt
        last = self.said[-1].prompt + self.said[-1].tokens
        before, now = self.written(last), self.written(prompt)
        if prompt[: len(last)] == last or not now.startswith(before):
            return prompt
        return last + self.batcher.engine.tokens(now[len(before) :])

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """How likely it finds each option; nothing is learnt from that."""
        chat = self.batcher.chat(self.condition)
        return await chat.choose(messages, options)
