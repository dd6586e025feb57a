"""What a study asks of the models it names: to speak, to be trained, to be looked into.

`suasion.study.local` keeps these protocols with the engine, the providers and the trainers; a test
hands the runner models of its own instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from suasion.data.dialogues import Dialogues
from suasion.mechanism.lora_delta import ActivationShift, WeightShare
from suasion.models.chat import Chat
from suasion.models.condition import Adapter, Condition, Steer
from suasion.records import Json
from suasion.study.spec import Aggregation

Vectors: TypeAlias = npt.NDArray[np.float32]
"""[layer, hidden]: one vector a decoder block."""


@dataclass(frozen=True)
class Pace:
    """How fast a base is, roughly."""

    tokens_per_s: float
    """Generated tokens a second, all episodes together."""
    rows_per_s: float
    """Rows trained on a second; 0 if it cannot be trained."""
    basis: str
    """Where the figures come from."""


class Base(Protocol):
    """A model that a study does things to."""

    @property
    def digest(self) -> str:
        """sha256 of the base's files; a provider's model name for a remote one."""
        ...

    def recipe(self, trait: str) -> Json:
        """Everything but the base that determines a trait's vectors; part of their key.

        Raises:
            UseError: no trait is called so.
            ModelError: the base's inside cannot be reached.
        """
        ...

    def vectors(self, trait: str) -> tuple[Mapping[Aggregation, Vectors], dict[str, Json]]:
        """A trait's persona vectors by aggregation, and how they came to be.

        Raises:
            TrainingError, ModelError: they cannot be had.
        """
        ...

    def train(
        self,
        data: Dialogues,
        settings: Mapping[str, Json],
        seed: int,
        out: Path,
        prevent: Sequence[Steer] = (),
    ) -> dict[str, Json]:
        """Fine-tune an adapter into the folder `out`, steered with `prevent` while it is trained.

        Returns its manifest.

        Raises:
            TrainingError: it cannot be trained.
        """
        ...

    def moved(
        self, adapter: Adapter, trait: str, vectors_LH: Vectors
    ) -> Sequence[tuple[WeightShare, ActivationShift]]:
        """How an adapter moves each layer along a trait's vectors, asked the trait's questions.

        Raises:
            ModelError: its inside cannot be reached, or adapter or vectors do not fit it.
        """
        ...

    @property
    def name(self) -> str:
        """As the study names it."""
        ...

    @property
    def embedded(self) -> bool:
        """Whether it is mote, whose results say nothing about large models."""
        ...

    @property
    def layers(self) -> int:
        """Decoder blocks; 0 where its inside cannot be reached."""
        ...

    @property
    def width(self) -> int:
        """Episodes worth having under way at once."""
        ...

    @property
    def pace(self) -> Pace:
        """How fast it is, for plans."""
        ...

    def chat(self, condition: Condition) -> Chat:
        """The base under a condition.

        Raises:
            ModelError: the condition does not fit it.
        """
        ...


class Speakers(Protocol):
    """Opens the models a study names."""

    def base(self, name: str) -> Base:
        """The base called `name`.

        Raises:
            ModelError: there is none, or it cannot be loaded.
        """
        ...

    def chat(self, name: str) -> Chat:
        """The model called `name`, as judge or user.

        Raises:
            ModelError, JudgeError: there is none, or it cannot be asked.
        """
        ...
