"""The `Chat` protocol: what an episode may ask of anything that speaks.

The local engine, a remote provider, a rule and a person all are a `Chat`; an episode cannot tell
them apart. A reply that could not be had is an exception (`ProviderError`), never a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, runtime_checkable

from suasion.records import Json, Message


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn."""

    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    """Nucleus: keep the smallest set of tokens whose probability reaches this."""
    max_tokens: int = 256
    """Longest reply, in tokens of the model that replies."""
    seed: int = 0
    """Where the noise comes from: a function of (item, sample, turn), never of the condition, so
    that arms share random numbers."""

    def record(self) -> dict[str, Json]:
        """As it enters a store key."""
        return dict(asdict(self))


def seed_of(purpose: str) -> int:
    """A uniform 63-bit seed that depends on what it is for, and on nothing else."""
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What a chat answered."""

    text: str
    """The answer, special tokens removed."""
    prompt_tokens: int
    """Tokens read, padding not counted."""
    completion_tokens: int
    """Tokens generated, the end token not counted."""
    finish: Literal["stop", "length"]
    """Whether it ended by itself or was cut off at `max_tokens`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How likely a chat finds each of several answers."""

    logprobs: Mapping[str, float]
    """Natural-log probability that the answer begins with each option and with no longer one of
    them ("70" is not also "7"); not normalised; minus infinity for an option never seen."""
    method: Literal["scored", "first-token", "sampled"]
    """`scored`: every token of every option; `first-token`: from a provider's top log-probabilities
    of one token; `sampled`: share of a few sampled answers, where a provider gives neither."""


@runtime_checkable
class Chat(Protocol):
    """Anything that can speak."""

    @property
    def identity(self) -> str:
        """What speaks, for store keys: content digest and condition, never a path."""
        ...

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """Answer a conversation.

        Raises:
            ProviderError: no answer could be had.
        """
        ...

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """Log-probability (nats) of each option as the next answer.

        Raises:
            ProviderError: no answer could be had.
        """
        ...


@dataclass(frozen=True)
class RuleChat:
    """A chat that answers by a pure function of the conversation, e.g. a scripted user."""

    name: str
    """Identifies the rule and its version in store keys."""
    rule: Callable[[Sequence[Message]], str]
    """The answer to a conversation."""

    @property
    def identity(self) -> str:
        """`rule:` and the rule's name."""
        return f"rule:{self.name}"

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:  # noqa: ARG002 - a rule draws nothing
        """Apply the rule."""
        return Reply(self.rule(messages), prompt_tokens=0, completion_tokens=0, finish="stop")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """All probability on the option the rule gives; none if it gives another."""
        said = self.rule(messages)
        logprobs = {option: 0.0 if option == said else float("-inf") for option in options}
        return Choice(logprobs, "scored")
