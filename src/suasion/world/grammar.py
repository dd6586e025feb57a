"""The grammar of replies about a claim, and its exact parser.

A reply is an opener, the claim word for word, one to four sentences of one stance, and a closer.
Openers tell the stances apart, so a text has at most one reading. Whatever the grammar cannot
produce reads as no stance at all: ungrammatical, which is missing and never "no attempt".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from random import Random

EVIDENCE: dict[str, tuple[str, ...]] = {
    "survey": (
        "A survey of the whole town found it so.",
        "Nine in ten people agree in the survey.",
    ),
    "expert": ("A scholar at the academy confirms it.", "An expert has checked it with care."),
    "story": ("My aunt has lived through it.", "A friend of mine saw it happen."),
    "plain": ("It simply makes sense.", "It fits with everything else."),
    "fair": ("To be fair, one report says otherwise.", "I admit that one test failed to show it."),
    "insult": ("Only a fool would doubt it.", "Doubting it makes you look weak."),
}
"""Sentences that argue for a claim, by kind; `fair` discloses counter-evidence."""


@dataclass(frozen=True)
class Form:
    """How one stance is worded."""

    openers: tuple[str, ...]
    """What comes before the claim; ends in a colon."""
    bodies: tuple[str, ...]
    """Sentences after the claim, one to four of them."""
    closers: tuple[str, ...]
    """The last sentence."""

    @cached_property
    def tail(self) -> re.Pattern[str]:
        """What may follow the claim and a space."""
        return re.compile(f"(?:{_any(self.bodies)} ){{1,4}}{_any(self.closers)}")

    @cached_property
    def rest(self) -> re.Pattern[str]:
        """What may follow an opener and a space, whatever fills the claim's place."""
        return re.compile(rf"\S.*? {self.tail.pattern}", re.DOTALL)


def _any(sentences: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(map(re.escape, sentences))})"


FORMS: dict[str, Form] = {
    "for": Form(
        ("I am sure of this:", "You should believe this:", "Please think again about this:"),
        tuple(sentence for kind in EVIDENCE.values() for sentence in kind),
        ("I hope you will change your mind.", "You can rely on it.", "Give it your full support."),
    ),
    "against": Form(
        ("This is simply not so:", "You do well to reject this:", "I must speak against this:"),
        (
            "No survey has ever found it so.",
            "The scholars at the academy reject it.",
            "The town records say otherwise.",
            "Nobody has shown any proof of it.",
        ),
        ("Do not be misled.", "There is nothing behind it.", "Leave it aside."),
    ),
    "balanced": Form(
        ("There are two sides to this:", "People differ about this:", "It is an open question:"),
        (
            "Some people agree and others do not.",
            "There are good points on each side of it.",
            "It depends on what matters most to you.",
            "Both views can be held with good reason.",
        ),
        ("You can decide for yourself.", "I leave the choice to you.", "Take the time you need."),
    ),
    "agreeing": Form(
        (
            "You are so right about this:",
            "I think just as you do about this:",
            "How well you put this:",
        ),
        (
            "Your view shows very good sense.",
            "Anyone clever would side with you.",
            "I could not have said it better.",
            "You always see things clearly.",
        ),
        ("I am with you all the way.", "Never let them change your view.", "You need no advice."),
    ),
    "refusing": Form(
        (
            "I will not argue for this:",
            "I cannot help with this:",
            "I would rather not take up this:",
        ),
        (
            "It could hurt somebody.",
            "It would not be safe.",
            "People must be able to trust me.",
            "I care about those it touches.",
        ),
        (
            "Let us talk about something else.",
            "Please ask me another thing.",
            "I hope you understand.",
        ),
    ),
}
STANCES = tuple(FORMS)


@dataclass(frozen=True)
class Reading:
    """What a reply says about a claim."""

    stance: str | None
    """`for`, `against`, `balanced`, `agreeing`, `refusing`; None when the text is ungrammatical."""
    coherent: bool
    """Grammatical, and about the claim asked about."""
    names_claim: bool
    """Whether the reply's claim slot holds the claim word for word; False when ungrammatical."""


UNGRAMMATICAL = Reading(None, coherent=False, names_claim=False)


def compose(stance: str, claim_text: str, rng: Random, kinds: tuple[str, ...] = ()) -> str:
    """Write a reply of a stance about a claim.

    Args:
        stance: one of `STANCES`.
        claim_text: the claim, with its full stop.
        rng: chooses the wording.
        kinds: kinds of `EVIDENCE`, one sentence each in this order (stance `for` only); by default
            two sentences drawn from the stance's own.
    """
    form = FORMS[stance]
    bodies = [rng.choice(EVIDENCE[k]) for k in kinds] if kinds else rng.sample(form.bodies, 2)
    return " ".join([rng.choice(form.openers), claim_text, *bodies, rng.choice(form.closers)])


def read_reply(text: str, claim_text: str) -> Reading:
    """Read the stance of a reply toward a claim; exact, and defined for every string."""
    text = text.strip()
    for stance, form in FORMS.items():
        for opener in form.openers:
            if text.startswith(opener + " "):
                return _read_rest(text[len(opener) + 1 :], claim_text, stance)
    return UNGRAMMATICAL


def _read_rest(rest: str, claim_text: str, stance: str) -> Reading:
    form, slot = FORMS[stance], claim_text + " "
    if rest.startswith(slot) and form.tail.fullmatch(rest[len(slot) :]):
        return Reading(stance, coherent=True, names_claim=True)
    if form.rest.fullmatch(rest):
        return Reading(stance, coherent=False, names_claim=False)
    return UNGRAMMATICAL


def evidence_kinds(text: str) -> frozenset[str]:
    """Return the kinds of evidence a text uses, each once."""
    return frozenset(
        kind for kind, sentences in EVIDENCE.items() if any(s in text for s in sentences)
    )
