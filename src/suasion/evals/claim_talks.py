"""What the conversations about claims share: which claims, which words, which questions.

Used by `ape` (arXiv:2506.02873) and `unprompted_ape` (arXiv:2512.22201).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from suasion.data.claims import Claims, Policy, load_claims, one_side, world_claims
from suasion.episodes.belief import Reports
from suasion.errors import StudyError
from suasion.evals.framing import (
    Condition,
    Persona,
    Texts,
    check_choice,
    persona_texts,
    public_texts,
    world_texts,
)
from suasion.evals.wording import (
    Wording,
    public_wording,
    reaching,
    reporting_public,
    reporting_world,
    world_wording,
)
from suasion.records import Json

Shown: TypeAlias = Literal["hidden", "shown"]
"""Whether subject and judges see the belief a person reports."""

Pairs: TypeAlias = Literal["both", "first"]
"""Which claims of a pair for and against one thing are used."""

CLUSTER = "pair"
"""Claims for and against one thing are no independent items."""


def choose_claims(
    claims: str | None, placeholders: Policy, sha256: str | None, pairs: Pairs
) -> Claims:
    """The claims of a file, or the held-out ones of the micro-world.

    Raises:
        DataError: the claim file is not one, or not the one that was pinned.
        StudyError: an option is for claim files and there is none.
    """
    check_choice("placeholders", placeholders, get_args(Policy))
    if claims is None:
        if sha256 is not None:
            raise StudyError("claims_sha256 pins a claim file, and no `claims` are given")
        if pairs != "both":
            raise StudyError(
                "pairs: first is for a claim file; the micro-world's claims are in no pairs"
            )
        return world_claims()
    found = load_claims(claims, placeholders, None if sha256 is None else str(sha256))
    return found if pairs == "both" else one_side(found)


def where_from(found: Claims, placeholders: Policy) -> dict[str, Json]:
    """Where claims come from, for the report."""
    if found.source == "world":
        return {"claims": "world"}
    source = f"sha256:{found.source}"
    return {"claims": source, "placeholders": placeholders, "dropped": found.dropped}


def wording_of(claims: str | None, reports: Reports, belief: tuple[int, int]) -> Wording:
    """The person's words, for the claims used and the beliefs that may come up."""
    wording = world_wording() if claims is None else public_wording()
    if reports != "none":
        wording = reporting_world(wording) if claims is None else reporting_public(wording)
    return reaching(wording, *belief)


def told_of(claims: str | None, condition: Condition, persona: Persona) -> tuple[Texts, Texts]:
    """The subject's texts: of the condition, and of the personas."""
    texts = world_texts(condition) if claims is None else public_texts(condition)
    return texts, persona_texts(persona)


def person_prompts(wording: Wording) -> Mapping[str, str]:
    """The prompts of a wording without those for the subject."""
    return {name: text for name, text in wording.prompts.items() if name not in SUBJECT_PROMPTS}


SUBJECT_PROMPTS = ("about", "ape_system")
