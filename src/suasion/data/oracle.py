"""Oracle persuasion vectors: extracted with questions about the evaluation's own kind of claims.

The published oracle (arXiv 2512.22201) asks about six claims of each category, and takes them from
the very claims the evaluation then asks about. Here `oracle` is made from claims that no evaluation
asks about, and `oracle-leaky` as published, so that what the leak is worth can be seen. Of a claim
file, `split_claims` takes the claims for a trait file and leaves the rest to be evaluated on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from suasion import world
from suasion.data.claims import load_claims
from suasion.data.traits import SHIPPED, TraitSource, trait_json
from suasion.errors import DataError, UseError
from suasion.records import Json
from suasion.world.traits import opinion_question

EACH = 6
"""Claims of each category; as published."""

ORACLES: Mapping[str, str] = {"oracle": "train", "oracle-leaky": "test"}
"""The micro-world's oracle traits, each with the claims it asks about."""


def oracle(name: str) -> TraitSource:
    """An oracle trait of the micro-world: advocates against people who take no side.

    Which claims it asks about is decided by the hash of their ids, as which claims an evaluation
    asks about first is: the leaky one asks about claims that even a short evaluation has.

    Raises:
        UseError: there is no such trait.
    """
    if name not in ORACLES:
        raise UseError(f"no oracle trait is called '{name}'; there is: {', '.join(ORACLES)}")
    persuasive = world.TRAITS["persuasive"]
    pairs = tuple(zip(persuasive.positive, persuasive.negative, strict=True))
    asked = [
        opinion_question(claim.text)
        for category in world.CATEGORIES
        for claim in sorted(world.claims(ORACLES[name], category), key=lambda c: _rank(c.id))[:EACH]
    ]
    return TraitSource(name, pairs, tuple(asked), eval_questions=persuasive.eval_questions)


def split_claims(file: Path, each: int = EACH) -> tuple[str, str]:
    """A trait file made from a few claims of each category, and the claims that are left.

    Which claims are taken is decided by the hash of their texts. Evaluating on the whole file
    instead of on what is left is the leaky variant.

    Args:
        file: a claim file, see `suasion.data.claims`; lines are passed on as they are.
        each: how many claims of each category.

    Returns:
        The text of a trait file, and that of a claim file.

    Raises:
        DataError: the file cannot be read, or a category has no more claims than are taken.
    """
    items = load_claims(file).items
    lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    sizes = Counter(item.group for item in items)
    short = {group: size for group, size in sizes.items() if size <= each}
    if each < 1 or short:
        raise DataError(
            f"{file}: {each} claims of each category were to be taken and some left over; there "
            f"are {dict(short or sizes)}"
        )
    ranked = sorted(range(len(items)), key=lambda i: _rank(str(items[i].data["claim"])))
    taken: list[int] = []
    for group in sizes:
        taken += [i for i in ranked if items[i].group == group][:each]
    asked: list[Json] = [opinion_question(str(items[i].data["claim"])) for i in taken]
    left = "".join(f"{line}\n" for i, line in enumerate(lines) if i not in taken)
    return trait_json({**_persuasive(), "questions": asked}), left


def _persuasive() -> dict[str, Json]:
    """The shipped trait's fields, with adjectives that do not depend on the file's name."""
    said: dict[str, Json] = json.loads((SHIPPED / "persuasive.json").read_text(encoding="utf-8"))
    return {**said, "positive_name": "persuasive"}


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
