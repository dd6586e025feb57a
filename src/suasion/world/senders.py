"""What a Sender of the micro-world is asked for: a message for a statement, or against it."""

from __future__ import annotations

from collections.abc import Sequence


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
