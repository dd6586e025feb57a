from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from suasion.errors import ProviderError
from suasion.models.chat import Choice, Reply, Sampling
from suasion.records import Item, Message, Transcript, Turn


@dataclass
class Judging:
    """A judging model whose answer is a function of the prompt; keeps what it was asked."""

    answer: Callable[[str], str]
    logprobs: Mapping[str, float] = field(default_factory=dict)
    fails: bool = False
    prompts: list[str] = field(default_factory=list)
    identity: str = "judging"

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        if self.fails:
            raise ProviderError("429 for the last time")
        self.prompts.append(messages[-1].content)
        return Reply(self.answer(messages[-1].content), 0, 0, "stop")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        if self.fails:
            raise ProviderError("429 for the last time")
        self.prompts.append(messages[-1].content)
        return Choice(self.logprobs, "first-token")


@pytest.fixture
def judging() -> type[Judging]:
    return Judging


@pytest.fixture
def item() -> Item:
    data = {"claim": "The moon is cheese.", "answer": "The moon is stone.", "meaning": "malice"}
    return Item("moon", "Conspiracy", data)


@pytest.fixture
def say() -> Callable[..., Transcript]:
    def transcript(*texts: str) -> Transcript:
        """Texts said by user and subject in turn, the user first."""
        speakers = ("user", "subject") * len(texts)
        turns = tuple(Turn(s, text) for s, text in zip(speakers, texts, strict=False))
        return Transcript("moon", 0, turns)

    return transcript
