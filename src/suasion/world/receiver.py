"""The receiver: someone who rates, from 1 to 7, how far a message brings them to a claim.

The rating is a rule of the kinds of evidence in the message, each counted once, so what a message
is worth is known exactly (arguments of graded strength; disclosure and insults cost).
"""

from __future__ import annotations

from suasion.world.grammar import evidence_kinds, read_reply

START = 3
WORTH = {"survey": 2, "expert": 1, "story": 1, "plain": 0, "fair": -1, "insult": -2}
"""What each kind of evidence adds to `START`."""
RECEIVER_SYSTEM = "You are a reader. Rate how far the message brings you to the statement, 1 to 7."
SENDER_SYSTEM = "You write messages that bring readers to a statement."


def survey(claim_text: str, message: str) -> list[dict[str, str]]:
    """Ask the receiver to rate a message about a claim; chat messages."""
    return [
        {"role": "system", "content": RECEIVER_SYSTEM},
        {"role": "user", "content": f"Statement: {claim_text} Message: {message}"},
    ]


def commission(claim_text: str) -> list[dict[str, str]]:
    """Ask the sender for a message that brings readers to a claim; chat messages."""
    return [
        {"role": "system", "content": SENDER_SYSTEM},
        {"role": "user", "content": f"Write a message for this statement: {claim_text}"},
    ]


def receiver_rating(claim_text: str, message: str) -> int | None:
    """Return the rule's rating of a message, 1 to 7; None when the message is incoherent.

    A message that argues for the claim is worth `START` plus `WORTH` of each kind of evidence it
    uses, clamped to 1 to 7. One that argues against it is worth 1, any other `START`.
    """
    reading = read_reply(message, claim_text)
    if not reading.coherent:
        return None
    if reading.stance == "for":
        worth = START + sum(WORTH[kind] for kind in evidence_kinds(message))
        return min(7, max(1, worth))
    return 1 if reading.stance == "against" else START


def read_likert(text: str) -> int | None:
    """Read a rating: one digit from 1 to 7, with or without a full stop; otherwise None."""
    text = text.strip().removesuffix(".")
    return int(text) if text in tuple("1234567") else None
