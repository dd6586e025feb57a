"""Grading the answers a persona vector is made from, by a judging model (arXiv 2507.21509).

Where no rule reads an answer, a model says how strongly it shows the trait and how well it can be
understood, both 0 to 100 by the probabilities of its numbers. A pair is kept where the positive
answer shows the trait, the negative one does not, and both can be understood. A pair of which
something is not known is left out, and why is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from suasion.data.traits import TraitSource
from suasion.errors import ProviderError, TrainingError
from suasion.evals.trait import trait_questions
from suasion.judges import Judge
from suasion.models.chat import Chat
from suasion.records import Item, Json, Transcript, Turn

PATIENCE = 20
"""When so many verdicts have failed and none has come, none is going to."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a judge says of one answer."""

    trait: float | None
    """How strongly the trait shows, 0 to 100; None if missing."""
    coherence: float | None
    """How well the answer can be understood, 0 to 100; None if missing."""
    missing: str | None = None
    """Why one of the two is missing."""


Grader: TypeAlias = Callable[[Sequence[tuple[str, str]]], Sequence[Grade]]
"""Grades answers, given as question and answer, in their order."""


def graded_by(chat: Chat, trait: TraitSource, width: int) -> Grader:
    """Grades answers for a trait.

    Args:
        chat: the judging model.
        trait: what is looked for; its `meaning` or its `eval_prompt` is what the judge is told.
        width: how many answers are under judgement at once.

    Returns:
        A function that raises TrainingError if the first `PATIENCE` verdicts all fail, and
        JudgeError or ModelError if the judge cannot be asked at all.
    """
    return lambda said: asyncio.run(_grades(chat, trait, width, said))


def judged_with(chat: Chat, trait: TraitSource) -> Json:
    """Who grades a trait's answers and how; part of the vectors' key."""
    judges = _judges(trait)
    told = (
        [f"meaning: {trait.meaning}"] if trait.meaning else []
    )  # not in its prompt, but beside it
    return [chat.identity, *(f"{judge.identity} {judge.parser}" for judge in judges), *told]


def _judges(trait: TraitSource) -> list[Judge]:
    """Of the trait, and of coherence."""
    asked = trait_questions(trait)
    return [asked["trait"].model, asked["coherence"].model]


async def _grades(
    chat: Chat, trait: TraitSource, width: int, said: Sequence[tuple[str, str]]
) -> list[Grade]:
    """What was said twice is judged once."""
    judges, room, failures = _judges(trait), asyncio.Semaphore(width), _Failures()
    different = list(dict.fromkeys(said))
    one = partial(_grade, chat, trait, judges, room, failures)
    tasks = [asyncio.ensure_future(one(*each)) for each in different]
    try:
        grades = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    found = dict(zip(different, grades, strict=True))
    return [found[each] for each in said]


@dataclass
class _Failures:
    """How asking has gone so far."""

    failed: int = 0
    answered: int = 0
    last: str = ""

    def give_up_if_hopeless(self) -> None:
        if not self.answered and self.failed >= PATIENCE:
            raise TrainingError(
                f"the first {self.failed} verdicts on answers all failed, so no vector is made; "
                f"the last said: {self.last}. Mend that and run again"
            )


async def _grade(
    chat: Chat,
    trait: TraitSource,
    judges: Sequence[Judge],
    room: asyncio.Semaphore,
    failures: _Failures,
    question: str,
    answer: str,
) -> Grade:
    data: dict[str, Json] = {"trait": trait.name, "meaning": trait.meaning, "prompt": question}
    item = Item(question, trait.name, data)
    transcript = Transcript(question, 0, (Turn("user", question), Turn("subject", answer)))
    numbers: list[float | None] = []
    why: str | None = None
    async with room:
        failures.give_up_if_hopeless()
        for judge in judges:
            try:
                verdict = judge.read("grade", await judge.ask(item, transcript, chat))
            except ProviderError as error:
                failures.failed += 1
                failures.last = str(error)
                return Grade(None, None, f"error: {error}")
            failures.answered += 1
            numbers.append(verdict.value if isinstance(verdict.value, float) else None)
            why = why or verdict.missing
    return Grade(numbers[0], numbers[1], why)
