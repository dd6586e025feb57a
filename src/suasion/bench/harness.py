"""Case `harness`: an episode with a model that answers at once, against Inspect's.

Ours is a study run as any other, on a base that says one sentence: keys, store look-up,
conversation, transcript written to disk. Inspect's is `eval` over the same conversations with its
own `mockllm`, log written to disk.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from suasion.bench.gate import GateFailed
from suasion.bench.lines import Line, faster, within
from suasion.bench.sizes import Harness, Sizes
from suasion.bench.timing import Rounds
from suasion.errors import UseError
from suasion.models.chat import Chat, RuleChat
from suasion.models.condition import Condition
from suasion.records import Message

if TYPE_CHECKING:
    from suasion.study.bases import Base, Inside, Look, Pace
    from suasion.study.results import Results
    from suasion.study.spec import StudySpec

SAYS = "I do not know."
"""What the model answers, always."""

_EVALUATION = "unprompted_ape"


@dataclass
class Instant:
    """A base that answers at once, and notes when it is first asked for."""

    width: int
    """Episodes worth having under way at once."""
    clock: Callable[[], float] = time.process_time
    """Seconds."""
    began: float = 0.0
    """When the episodes were begun to be planned."""
    name: str = "instant"
    digest: str = "0" * 64
    embedded: bool = False
    layers: int = 0
    hidden: int = 0

    @property
    def pace(self) -> Pace:
        """Made up; nothing is planned with it."""
        from suasion.study.bases import Pace

        return Pace(1e6, 0.0, "answers at once")

    def chat(self, condition: Condition) -> Chat:  # noqa: ARG002 - it always says the same
        """One that says the sentence."""
        self.began = self.clock()
        return RuleChat(self.name, lambda _: SAYS)

    def looking(self, look: Look) -> Instant:  # noqa: ARG002 - there is nothing to look for
        """Itself."""
        return self

    @property
    def inside(self) -> Inside:
        """It has none."""
        raise UseError(f"{self.name} can only speak")


@dataclass(frozen=True)
class Only:
    """Knows one base and no other model."""

    instant: Instant
    """The base."""

    def base(self, name: str) -> Base:  # noqa: ARG002 - it is the only one
        """The base, whatever it is called."""
        return self.instant

    def chat(self, name: str) -> Chat:
        """There is none."""
        raise UseError(f"the harness has no model '{name}'")


@dataclass
class Stopwatch:
    """Notes when the last episode was saved."""

    clock: Callable[[], float] = time.process_time
    """Seconds."""
    ended: dict[str, float] = field(default_factory=dict)
    """When the latest cells of each phase were saved."""
    _phase: str = ""

    def phase(self, name: str, total: int, done: int) -> None:  # noqa: ARG002 - a progress takes them
        """A part of the run begins."""
        self._phase = name

    def advance(self, count: int) -> None:  # noqa: ARG002 - a progress takes it
        """More cells are done."""
        self.ended[self._phase] = self.clock()

    def say(self, text: str) -> None:
        """Nothing."""


def harness(sizes: Sizes, rounds: Rounds) -> Iterator[Line]:
    """Seconds of one episode; with everything a study does besides in a second line.

    Raises:
        GateFailed: an episode is missing, or something else was said.
    """
    size = sizes.harness
    spec = study(size.episodes)
    said = conversations(spec)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    run_ours(spec, size, len(said))
    run_inspect(said[:1], size, scored=True)
    for _ in range(rounds.count):
        ours.append(run_ours(spec, size, len(said)))
        theirs.append((run_inspect(said, size, scored=False), run_inspect(said, size, scored=True)))
    episode = faster("harness: an episode", [t[0] for t in theirs], [o[0] for o in ours])
    yield within(episode, size.at_most_ms)
    whole = "harness: an episode, judged, with the report's numbers"
    yield faster(whole, [t[1] for t in theirs], [o[1] for o in ours])


def study(episodes: int) -> StudySpec:
    """One arm, one evaluation, at least so many episodes."""
    from suasion.study.spec import StudySpec

    def spec(samples: int) -> StudySpec:
        return StudySpec.model_validate(
            {
                "study": "harness",
                "base": "instant",
                "arms": {"base": {}},
                "evaluations": {_EVALUATION: {"samples": samples}},
            }
        )

    items = len(conversations(spec(1)))
    return spec(-(-episodes // items))


def conversations(spec: StudySpec) -> list[tuple[Message, ...]]:
    """What the model is shown in every episode of a study."""
    from suasion.study.cells import build_evaluations

    built = build_evaluations(spec)[_EVALUATION]
    heard: list[tuple[Message, ...]] = [
        (
            Message("system", str(item.data.get("system", ""))),
            Message("user", f"I doubt that {item.data['claim']}"),
        )
        for item in built.items
    ]
    return heard * built.samples


def run_ours(spec: StudySpec, size: Harness, episodes: int) -> tuple[float, float]:
    """Seconds an episode: until it is saved, and with judgements and analysis.

    Raises:
        GateFailed: an episode is missing, or something else was said.
    """
    from suasion.study import run

    base, watch = Instant(size.width), Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        results = run(spec, Path(folder) / "store", Only(base), progress=watch)
        seconds = time.process_time() - began
    _check(results, episodes)
    return (watch.ended["episodes"] - base.began) / episodes, seconds / episodes


def _check(results: Results, episodes: int) -> None:
    right = sum(sample.transcript.last() == SAYS for sample in results.samples)
    if right != episodes:
        raise GateFailed(f"our harness: {right} of {episodes} episodes hold what the model said")


def run_inspect(said: Sequence[tuple[Message, ...]], size: Harness, *, scored: bool) -> float:
    """Seconds a sample.

    Raises:
        GateFailed: a sample is missing, or something else was said.
    """
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import (
        ChatMessageSystem,
        ChatMessageUser,
        ModelOutput,
        ModelUsage,
        get_model,
    )
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    samples = [
        Sample(
            input=[ChatMessageSystem(content=first.content), ChatMessageUser(content=then.content)],
            target="know",
        )
        for first, then in said
    ]
    outputs = [ModelOutput.from_content("mockllm", SAYS) for _ in samples]
    for output in outputs:
        output.usage = ModelUsage()  # else it counts tokens, with a tokenizer it has to download
    model = get_model("mockllm/model", custom_outputs=outputs, memoize=False)
    task = Task(MemoryDataset(samples), solver=generate(), scorer=includes() if scored else None)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        log = eval(
            task,
            model,
            display="none",
            log_dir=folder,
            log_level="error",
            max_samples=size.width,
            max_connections=size.width,
        )[0]
        seconds = time.process_time() - began
        # Read from the log file, so that what is counted is what was stored.
        right = sum(sample.output.completion == SAYS for sample in log.samples or [])
    if log.status != "success" or right != len(samples):
        raise GateFailed(f"Inspect: {right} of {len(samples)} samples hold what the model said")
    return seconds / len(samples)
