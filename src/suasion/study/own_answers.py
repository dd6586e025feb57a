"""What the base itself answers to the prompts of training rows.

Rows whose replies are replaced by them are the control that has the same prompts and no new
behaviour; and a row's projection difference (arXiv 2507.21509) compares its reply with one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from suasion.data.dialogues import Dialogues, Row, picked
from suasion.errors import StudyError
from suasion.models.chat import Sampling, seed_of
from suasion.models.condition import BASE
from suasion.records import Json, Message
from suasion.store import Store, key
from suasion.store.keys import canonical
from suasion.study.bases import Base
from suasion.study.progress import Progress
from suasion.study.stored import identity, must_be_stored
from suasion.study.work import Job, patience, work_off

OWN = Sampling(temperature=1.0, max_tokens=1024)
"""How the base answers. At temperature 1, training on the answers asks for no change on average;
below it, it would sharpen what the base says."""


def own_answers(
    rows: Sequence[Row], base: Base, store: Store, progress: Progress
) -> list[dict[str, Json]]:
    """The base's answer in place of each row's last turn: its `text` and `finish`.

    Each is stored by itself, as it is finished, and by its prompt: rows that several training sets
    share are answered once, and rows of one prompt each get an answer of their own.

    Raises:
        NotStored: an answer is not stored, and the store is open for reading only.
        StudyError: the base failed to answer.
        ModelError: a prompt does not fit the base.
    """
    prompts = _numbered(rows)
    names = [
        key("artifact", what="own answer", base=identity(base), sampling=OWN.record(), row=prompt)
        for prompt in prompts
    ]
    found = store.many(names)
    missing: dict[str, Job] = {
        name: partial(_answer, base, row, prompt)
        for name, row, prompt in zip(names, rows, prompts, strict=True)
        if name not in found
    }
    if missing:
        must_be_stored("what the base answers to training rows", store)
        progress.say(f"{len(missing)} answers of the base itself")
        made = asyncio.run(
            work_off(
                missing,
                partial(store.put, "artifact"),
                width=base.width,
                patience=patience(len(missing), len(found)),
                advance=lambda _: None,
            )
        )
        if made.failures:
            raise StudyError(f"the base did not answer: {next(iter(made.failures.values()))}")
        found |= made.values
    return [cast("dict[str, Json]", found[name]) for name in names]


def in_own_words(data: Dialogues, answers: Sequence[dict[str, Json]]) -> Dialogues:
    """The rows with the base's own answers; those it left empty or did not end are counted."""
    fates = [_fate(answer) for answer in answers]
    rows = tuple(
        (*row[:-1], Message("assistant", str(answer["text"])))
        for row, answer in zip(data.rows, answers, strict=True)
    )
    whole = [place for place, fate in enumerate(fates) if not fate]
    if not whole:
        raise StudyError(f"the base has no whole answer of its own to any row of {data.name}")
    left_out = {**data.left_out, **Counter(fate for fate in fates if fate)}
    own = replace(data, rows=rows, left_out=left_out, name=f"{data.name}, own answers")
    return picked(own, whole)


def _fate(answer: dict[str, Json]) -> str:
    if not str(answer["text"]).strip():
        return "own answer empty"
    return "" if answer["finish"] == "stop" else "own answer cut off"


def _numbered(rows: Sequence[Row]) -> list[Json]:
    """Each row's prompt, and how many rows before it have the same one."""
    seen: Counter[str] = Counter()
    numbered: list[Json] = []
    for row in rows:
        prompt: Json = [[message.role, message.content] for message in row[:-1]]
        text = canonical(prompt)
        numbered.append([prompt, seen[text]])
        seen[text] += 1
    return numbered


async def _answer(base: Base, row: Row, prompt: Json) -> Json:
    seed = seed_of(canonical(prompt))
    reply = await base.chat(BASE).reply(row[:-1], replace(OWN, seed=seed))
    return {"text": reply.text, "finish": reply.finish}
