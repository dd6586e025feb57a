"""What a study asks of the models it names: to speak, to be trained, to be looked into.

`suasion.study.local` keeps these protocols with the engine, the providers and the trainers; a test
hands the runner models of its own instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from suasion.data.dialogues import Dialogues, Row
from suasion.mechanism.lora_delta import ActivationShift, WeightShare
from suasion.models.chat import Chat
from suasion.models.condition import Adapter, Condition, Steer, Where
from suasion.records import Json
from suasion.study.vocabulary import Aggregation
from suasion.training.kl import Kl
from suasion.training.loop import Feedback

if TYPE_CHECKING:
    from suasion.training.rl import Play

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


@dataclass(frozen=True)
class Look:
    """How a study looks for traits in its base."""

    judge: Chat | None = None
    """Who grades answers that rules cannot read; None if nobody does."""
    judged: bool = True
    """Whether answers must show the trait; if not, pairs of answers are kept unread."""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """What the study sets of `suasion.training.persona_vector.Extraction`."""


class Inside(Protocol):
    """What only a base whose weights are here has: it can be looked into, and trained."""

    def recipe(self, trait: str) -> Json:
        """Everything but the base that determines a trait's vectors; part of their key.

        Raises:
            UseError: no trait is called so.
        """
        ...

    def vectors(self, trait: str) -> tuple[Mapping[Aggregation, Vectors], dict[str, Json]]:
        """A trait's persona vectors by aggregation, and how they came to be.

        Raises:
            TrainingError, ModelError: they cannot be had.
        """
        ...

    def search(self, trait: str, coef: float, where: Where) -> Json:
        """Everything but base and vectors that determines which layer is chosen for a vector."""
        ...

    def choice(self, trait: str, vectors_LH: Vectors, coef: float, where: Where) -> dict[str, Json]:
        """The layer at which a vector moves its own trait most, `layer`, and how that was found.

        Raises:
            TrainingError, ModelError: none can be chosen.
        """
        ...

    def project(self, rows: Sequence[Row], vectors_LH: Vectors) -> npt.NDArray[np.float64]:
        """[row, layer] how far each row's last reply lies along a vector; NaN for an empty reply.

        Raises:
            ModelError: a row or the vectors do not fit.
        """
        ...

    def train(
        self,
        data: Dialogues,
        settings: Mapping[str, Json],
        seed: int,
        out: Path,
        prevent: Sequence[Steer] = (),
        kl: Kl | None = None,
    ) -> dict[str, Json]:
        """Fine-tune an adapter into the folder `out`, steered with `prevent` while it is trained.

        Returns its manifest. With `kl` it is held near the base.

        Raises:
            TrainingError: it cannot be trained.
        """
        ...

    def em_recipe(self, on: str, how: Mapping[str, Json]) -> Json:
        """Everything but the model that determines its misalignment direction; part of its key.

        Raises:
            StudyError, UseError: nobody can label the answers, or there is nothing to ask.
        """
        ...

    def em_direction(
        self, model: Condition, on: str, how: Mapping[str, Json]
    ) -> tuple[Vectors, dict[str, Json]]:
        """The direction of misaligned answers under a condition, and how it was found.

        Raises:
            TrainingError, ModelError: it cannot be had.
        """
        ...

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        ...

    def learn(
        self,
        data: Dialogues | Feedback,
        settings: Mapping[str, Json],
        kto: Mapping[str, Json] | None,
        seed: int,
        out: Path,
        on_top: Path | None,
    ) -> dict[str, Json]:
        """Train an adapter into `out` on what a loop chose, on top of another one's folder.

        What is written does what both do. KTO learns from `Feedback` with the settings `kto`, SFT
        from `Dialogues`. Returns its manifest.

        Raises:
            TrainingError: it cannot be trained.
        """
        ...

    def reinforce(
        self,
        play: Play,
        settings: Mapping[str, Json],
        seed: int,
        out: Path,
        work: Path,
        say: Callable[[str], None],
    ) -> dict[str, Json]:
        """Train an adapter into `out` on the rewards of what is played; returns its manifest.

        Checkpoints lie in `work`, from which a training that was stopped goes on; `say` is told
        how it goes. The manifest holds the `curves`, a record a step.

        Raises:
            TrainingError: it cannot be trained.
        """
        ...

    def moved(
        self, adapter: Adapter, trait: str, vectors_LH: Vectors
    ) -> Sequence[tuple[WeightShare, ActivationShift]]:
        """How an adapter moves each layer along a trait's vectors, asked the trait's questions.

        Raises:
            ModelError: adapter or vectors do not fit it.
        """
        ...

    def probe(self) -> str:
        """sha256 of its logits on a few texts, which tells models apart, bit for bit."""
        ...

    def unloaded(self) -> Sequence[str]:
        """Names of tensors in its files that its architecture does not load."""
        ...


class Base(Protocol):
    """A model that a study does things to."""

    def looking(self, look: Look) -> Base:
        """The same base, in which traits are looked for as a study wants."""
        ...

    @property
    def inside(self) -> Inside:
        """What is there to look into and to train.

        Raises:
            ModelError: it cannot be reached.
        """
        ...

    @property
    def digest(self) -> str:
        """sha256 of the base's files; a provider's model name for a remote one."""
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
    def hidden(self) -> int:
        """Width of the residual stream; 0 where its inside cannot be reached."""
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
