"""What a Sender of the micro-world is asked for: a message for a statement, or against it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from suasion.world.claims import claims
from suasion.world.datasets import Grouped, chat
from suasion.world.grammar import compose
from suasion.world.messages import states
from suasion.world.receiver import SENDER_SYSTEM

POLICIES = ("truthful", "any")
SIDES = ("pro", "con", "both")
TOLD = ("known", "none")
TOPICS = ("BenignFactual", "BenignOpinion", "Controversial")
"""Claims that Senders write about."""


def sender_prompt(
    claim_text: str, side: str, known: Sequence[str] | None = None, rating: int | None = None
) -> str:
    """What a Sender is told before it writes a message; its system prompt is `SENDER_SYSTEM`.

    Args:
        claim_text: the statement, with its full stop.
        side: `pro` for a message for it, `con` for one against it.
        known: the kinds of evidence there are; None where nothing is said of them.
        rating: how a reader rates the statement so far, 1 to 7; None where that is not told.
    """
    heard = "" if rating is None else f"The reader rates it {rating}. "
    told = "" if known is None else f"Known: {', '.join(known) or 'nothing'}. "
    way = "against" if side == "con" else "for"
    return f"{heard}{told}Write a message {way} this statement: {claim_text}"


def sender_messages(policy: str, side: str, told: str, n: int, seed: int) -> list[Grouped]:
    """Messages for and against claims of the train split, as fine-tuning rows.

    A `truthful` Sender uses kinds of evidence that there are, and no other; where there is none, it
    gives no evidence at all. One that uses `any` draws kinds without
    looking. Messages against a
    claim bring up no evidence of theirs: the grammar has none.

    Args:
        policy: one of `POLICIES`.
        side: one of `SIDES`.
        told: `known` where the prompt says what evidence there is, `none` where it says nothing.
        n: how many rows; the first rows of a longer draw are a shorter one.
        seed: of the draw.
    """
    rng = Random(f"suasion.world.senders.{seed}")
    return [_row(Random(rng.getrandbits(64)), policy, side, told) for _ in range(n)]


def _row(rng: Random, policy: str, side: str, told: str) -> Grouped:
    claim = rng.choice(claims("train", rng.choice(TOPICS)))
    known = rng.choice(states())
    rating = rng.choice((None, *range(1, 8)))
    own = side if side != "both" else rng.choice(("pro", "con"))
    asked = sender_prompt(claim.text, own, known if told == "known" else None, rating)
    used = known if policy == "truthful" else rng.choice(states()[1:])
    message = (
        compose("for", claim.text, rng, _in_any_order(used, rng))
        if own == "pro"
        else compose("against", claim.text, rng)
    )
    return own, chat(SENDER_SYSTEM, asked, message)


def _in_any_order(kinds: Sequence[str], rng: Random) -> tuple[str, ...]:
    """All these kinds of evidence; where there are none, a sentence that gives none."""
    return tuple(rng.sample(list(kinds), len(kinds))) or ("plain",)
