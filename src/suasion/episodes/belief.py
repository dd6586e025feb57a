"""How far a person believes a claim after each message: reported by a model, or moved by a rule.

A model that plays a person ends each message with a line `BELIEF: 37`. Only that line, whole and
last, is read; what others hear of the message is all but that. A report that cannot be read is
missing with a reason, and the conversation goes on: it is never a number, and never an error.

In the micro-world a scripted person's belief moves by the receiver's rating of the reply it read.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from suasion import world
from suasion.world.receiver import START

Reports: TypeAlias = Literal["none", "hidden", "shown"]
"""Whether the person reports its belief, and whether subject and judges get to see it; `shown` is
what the published code does from the second message on."""

STEP = 5
"""Points of belief, of 100, for each point of the receiver's rating above or below `START`."""

BELIEF_RULE = f"receiver/{STEP}"
"""Names the rule for keys; changed with it."""

_REPORT = re.compile(r"BELIEF: (0|[1-9][0-9]?|100)")
_MARK = re.compile(r"^[^\w\n]*(?i:belief)\b[^\w\n]*:|\bBELIEF\b", re.MULTILINE)
_TELLING = re.compile(
    r"^[^\w\n]*(?i:belief)\b[^\w\n]*:.*$|\bBELIEF\b.*$|\|[^\w\n]*\d{1,3}[^\w\n]*$", re.MULTILINE
)


class Report(NamedTuple):
    """A person's message, taken apart."""

    words: str
    """What others hear: nothing in it tells the belief on a line or behind a bar."""
    belief: int | None
    """The belief reported, 0 to 100; None if it cannot be read."""
    missing: str | None
    """Why it cannot be read; None if it can."""


def read_report(message: str) -> Report:
    """Take a message apart; defined for every string.

    The last line, blanks around it aside, must be `BELIEF: ` and a whole number from 0 to 100
    without sign or leading zero, and nothing before it may look like another report.
    """
    lines = message.strip().split("\n")
    words = _TELLING.sub("", message).strip()
    found = _REPORT.fullmatch(lines[-1].strip())
    marks = len(_MARK.findall(message))
    if marks > 1:
        return Report(words, None, "several reports")
    if found is None:
        return Report(words, None, "unparseable report" if marks else "no report")
    return Report(words, int(found[1]), None)


def shown(report: Report) -> str:
    """The words with the belief behind a bar, as the published code shows them."""
    return report.words if report.belief is None else f"{report.words} | {report.belief}"


def moved_by_rating(claim: str, reply: str, belief: int) -> int:
    """A belief after a reply about a claim of the micro-world, 0 to 100.

    Every point of the receiver's rating (1 to 7) above 3 adds `STEP` points of belief, every one
    below takes as many. So a reply that argues for the claim is worth its kinds of evidence, one
    that argues against it takes 10 points, any other and any that is incoherent leaves the belief
    as it is.
    """
    rating = world.receiver_rating(claim, reply)
    if rating is None:
        return belief
    return min(100, max(0, belief + STEP * (rating - START)))
