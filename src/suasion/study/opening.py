"""Opening the models a study names: the engine, the providers, the trainers.

The only module of this package that knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from suasion.data.dialogues import Dialogues, Row
from suasion.errors import ModelError
from suasion.mechanism.lora_delta import ActivationShift, WeightShare
from suasion.models import mote, probe
from suasion.models.chat import Chat, Choice, Reply, Sampling
from suasion.models.condition import BASE, Adapter, Condition, Steer, Where, with_system
from suasion.models.load import Source, load_engine, resolve
from suasion.records import Json, Message
from suasion.study.bases import Base, Inside, Look, Pace, Vectors
from suasion.study.vocabulary import Aggregation
from suasion.training.kl import Kl
from suasion.training.loop import Feedback

if TYPE_CHECKING:
    from suasion.models.engine import Batcher, TorchEngine
    from suasion.training.rl import Play

EPISODES_AT_ONCE = 512
"""Episodes under way on a local base: twice the rows of its batch, so that it is always full."""
REMOTE_AT_ONCE = 64
"""Episodes under way on a remote base; its provider's own limit is usually lower."""

MOTE_PACE = Pace(3000.0, 100.0, "from the processor time the demo took on mote, for 2 free cores")
CPU_PACE = Pace(30.0, 0.5, "assumed for a model of billions of parameters on a processor")
GPU_PACE = Pace(2000.0, 8.0, "assumed for a model of billions of parameters on a GPU")
REMOTE_PACE = Pace(400.0, 0.0, "assumed for a provider; limits differ")


@dataclass(frozen=True)
class LocalBase:
    """A base whose weights are here."""

    name: str
    """As the study names it."""
    folder: Path
    """Its directory."""
    batcher: Batcher
    """The batch all its replies run in."""
    look: Look = field(default_factory=Look)
    """How traits are looked for in it."""

    @property
    def inside(self) -> LocalBase:
        """Itself."""
        return self

    @property
    def engine(self) -> TorchEngine:
        """The engine over it."""
        return cast("TorchEngine", self.batcher.engine)

    @property
    def digest(self) -> str:
        """sha256 of its files."""
        return self.engine.digest

    @property
    def embedded(self) -> bool:
        """Whether it is mote, or was built as mote is."""
        return mote.is_kin(self.folder)

    @property
    def layers(self) -> int:
        """Decoder blocks."""
        return self.engine.layers

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return self.engine.hidden

    @property
    def width(self) -> int:
        """Episodes worth having under way at once."""
        return EPISODES_AT_ONCE

    @property
    def pace(self) -> Pace:
        """How fast it is, roughly."""
        if self.embedded:
            return MOTE_PACE
        return GPU_PACE if "cuda" in self.engine.numerics else CPU_PACE

    def chat(self, condition: Condition) -> Chat:
        """The base under a condition."""
        return self.batcher.chat(condition)

    def probe(self) -> str:
        """sha256 of its logits on a few texts."""
        return probe.logits_digest(self.engine)

    def unloaded(self) -> Sequence[str]:
        """Names of tensors in its files that its architecture does not load."""
        return probe.unloaded(self.folder, self.engine)

    def looking(self, look: Look) -> LocalBase:
        """The same base, in which traits are looked for as a study wants."""
        return replace(self, look=look)

    def recipe(self, trait: str) -> Json:
        """A trait's prompts and questions, and how it is looked for."""
        from suasion.study.looking import recipe

        return recipe(trait, self.embedded, self.name, self.look)

    def vectors(self, trait: str) -> tuple[Mapping[Aggregation, Vectors], dict[str, Json]]:
        """A trait's persona vectors; rules read the answers of mote, a judge those of others."""
        from suasion.study.looking import vectors

        found = vectors(self.engine, trait, self.embedded, self.look, self.width)
        return found.vectors_LH, found.record()

    def search(self, trait: str, coef: float, where: Where) -> Json:
        """The questions a layer is chosen on, and who reads the answers."""
        from suasion.study.looking import search
        from suasion.training.layer_choice import Search

        return search(trait, self.embedded, self.look, Search((coef,), where))

    def choice(self, trait: str, vectors_LH: Vectors, coef: float, where: Where) -> dict[str, Json]:
        """The layer at which a vector moves its own trait most, and how that was found."""
        from suasion.study.looking import choose, grader
        from suasion.training.layer_choice import Search, needed

        grade = grader(trait, self.embedded, self.look, self.width)
        how = Search((coef,), where)
        found = choose(self.engine, trait, vectors_LH, self.embedded, grade, how)
        return {"layer": needed(found).layer, **found.record()}

    def project(self, rows: Sequence[Row], vectors_LH: Vectors) -> npt.NDArray[np.float64]:
        """[row, layer] how far each row's last reply lies along a vector."""
        from suasion.mechanism.projections import row_projections

        return row_projections(self.engine, rows, vectors_LH)

    def train(
        self,
        data: Dialogues,
        settings: Mapping[str, Json],
        seed: int,
        out: Path,
        prevent: Sequence[Steer] = (),
        kl: Kl | None = None,
    ) -> dict[str, Json]:
        """Fine-tune an adapter; returns its manifest."""
        from suasion.training.sft import SftSettings, train_sft

        chosen = SftSettings(**cast(dict[str, Any], settings))
        return train_sft(self.folder, data, chosen, seed, out, prevent=prevent, kl=kl).record()

    def em_recipe(self, on: str, how: Mapping[str, Json]) -> Json:
        """Prompts, who labels the answers, and how many are drawn."""
        from suasion.study.em_looking import em_recipe

        return em_recipe(on, self.embedded, self.look, how)

    def em_direction(
        self, model: Condition, on: str, how: Mapping[str, Json]
    ) -> tuple[Vectors, dict[str, Json]]:
        """The direction of misaligned answers under a condition, and how it was found."""
        from suasion.mechanism.em_direction import em_direction
        from suasion.study.em_looking import em_prompts, finding

        asked = em_prompts(on, self.embedded, self.look, self.width)
        found = em_direction(self.engine, model, asked, finding(how))
        return found.vectors_LH, found.record()

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.engine.tokens(text))

    def learn(
        self,
        data: Dialogues | Feedback,
        settings: Mapping[str, Json],
        kto: Mapping[str, Json] | None,
        seed: int,
        out: Path,
        on_top: Path | None,
    ) -> dict[str, Json]:
        """Train an adapter by SFT or KTO, on top of another; returns its manifest."""
        from suasion.training.kto import KtoSettings, train_kto
        from suasion.training.sft import SftSettings, train_sft

        chosen = SftSettings(**cast(dict[str, Any], settings))
        if isinstance(data, Feedback):
            own = KtoSettings(**cast(dict[str, Any], kto or {}))
            made = train_kto(self.folder, data, chosen, own, seed, out, on_top=on_top)
        else:
            made = train_sft(self.folder, data, chosen, seed, out, on_top=on_top)
        return made.record()

    def reinforce(
        self,
        play: Play,
        settings: Mapping[str, Json],
        seed: int,
        out: Path,
        work: Path,
        say: Callable[[str], None],
    ) -> dict[str, Json]:
        """Train an adapter on the rewards of what is played; returns its manifest."""
        from suasion.study.rl_curves import told_by
        from suasion.training.rl import train_rl
        from suasion.training.rl_settings import RlSettings

        chosen = RlSettings(**cast(dict[str, Any], settings))
        made = train_rl(self.folder, play, chosen, seed, out, told_by(say), work=work)
        return made.record()

    def moved(
        self, adapter: Adapter, trait: str, vectors_LH: Vectors
    ) -> Sequence[tuple[WeightShare, ActivationShift]]:
        """How an adapter moves each layer along a trait's vectors."""
        from suasion.mechanism.lora_delta import activation_shift, weight_shares
        from suasion.training.traits import load_trait

        asked = [(Message("user", question),) for question in load_trait(trait).questions]
        prompts = [self.engine.encode(messages) for messages in asked]
        weights = weight_shares(self.engine, adapter, vectors_LH)
        moved = activation_shift(self.engine, adapter, vectors_LH, prompts)
        return [*zip(weights, moved, strict=True)]


@dataclass(frozen=True)
class Told:
    """A chat that is told a condition's system prompt before everything else."""

    chat: Chat
    """Who is told."""
    condition: Condition
    """A condition with a system prompt and nothing else."""

    @property
    def identity(self) -> str:
        """Who is told what."""
        return f"{self.chat.identity}:{self.condition.fingerprint}"

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """The chat's answer."""
        return await self.chat.reply(with_system(messages, self.condition), sampling)

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """The chat's choice."""
        return await self.chat.choose(with_system(messages, self.condition), options)


@dataclass(frozen=True)
class RemoteBase:
    """A base behind a provider: it speaks, under a system prompt at most."""

    name: str
    """As the study names it."""
    speaker: Chat
    """The provider's model."""
    embedded: bool = False
    layers: int = 0
    hidden: int = 0
    width: int = REMOTE_AT_ONCE
    pace: Pace = REMOTE_PACE

    @property
    def digest(self) -> str:
        """The provider's name of it."""
        return self.speaker.identity

    def chat(self, condition: Condition) -> Chat:
        """The model under a system prompt, or as it is."""
        if condition.steers or condition.adapter:
            raise ModelError(f"{self.name} is remote: it cannot be steered or given an adapter")
        return Told(self.speaker, condition) if condition.system else self.speaker

    @property
    def inside(self) -> Inside:
        """Refuses.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{self.name} is remote: vectors, training and checkpoints need a base that lies here"
        )

    def looking(self, look: Look) -> RemoteBase:  # noqa: ARG002 - nothing can be looked for in it
        """Itself."""
        return self


@dataclass
class Opened:
    """The models a study names, each opened once."""

    device: str = "auto"
    """Where local ones run."""
    _bases: dict[str, Base] = field(default_factory=dict)

    def base(self, name: str) -> Base:
        """The base called `name`.

        Raises:
            ModelError: there is none, or it cannot be loaded.
        """
        if name not in self._bases:
            source = resolve(name)
            opened = self._remote if source.kind == "remote" else self._local
            self._bases[name] = opened(source)
        return self._bases[name]

    def chat(self, name: str) -> Chat:
        """The model called `name`, as judge or user.

        Raises:
            ModelError: there is none, or it cannot be asked.
        """
        return self.base(name).chat(BASE)

    def _remote(self, source: Source) -> Base:
        from suasion.models.remote import open_chat

        return RemoteBase(source.name, open_chat(source.name))

    def _local(self, source: Source) -> Base:
        try:
            from suasion.models.engine import Batcher
            from suasion.models.engine.loading import located
        except ImportError as error:
            raise ModelError(
                f"{source.name} runs here, which needs torch and transformers ({error.name} is "
                "missing): pip install 'suasion[local]'"
            ) from error
        folder = source.folder or located(source.name)
        # A second thread gains a model of mote's size nothing: 128 against 135 episodes a second.
        threads = 1 if mote.is_kin(folder) else None
        engine = load_engine(str(folder), device=self.device, threads=threads)
        return LocalBase(source.name, folder, Batcher(engine))


@contextmanager
def open_speakers(device: str = "auto") -> Iterator[Opened]:
    """Opens models as a study names them, and lets go of them at the end."""
    yield Opened(device)
