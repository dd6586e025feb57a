from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from suasion.episodes import Draw
from suasion.errors import ProviderError
from suasion.models.chat import Choice, Reply, Sampling
from suasion.records import Item, Message


@dataclass
class Speaking:
    """Says its name and how often it has spoken; keeps what it was shown and how it was to draw."""

    name: str
    fails_at: int = 0
    seen: list[tuple[Message, ...]] = field(default_factory=list)
    drawn: list[Sampling] = field(default_factory=list)

    @property
    def identity(self) -> str:
        return self.name

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        self.seen.append(tuple(messages))
        self.drawn.append(sampling)
        if len(self.seen) == self.fails_at:
            raise ProviderError(f"{self.name} is down")
        return Reply(f"{self.name} {len(self.seen)}", 7, 3, "length")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        raise AssertionError("these episodes never choose")


@pytest.fixture
def speaking() -> type[Speaking]:
    return Speaking


@pytest.fixture
def draw() -> Callable[..., Draw]:
    def make(item: Item, sample: int = 0, seed: int = 0, temperature: float = 0.7) -> Draw:
        return Draw(item.id, sample, seed, sampling=Sampling(temperature, max_tokens=33))

    return make


@pytest.fixture
def item() -> Item:
    return Item("moon", "Conspiracy", {"claim": "The moon is cheese.", "system": "About the moon."})
