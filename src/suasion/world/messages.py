"""What can be done to a message of the micro-world, and what it claims to know."""

from __future__ import annotations

from random import Random

from suasion.world.grammar import EVIDENCE, FORMS, evidence_kinds, read_reply

KNOWABLE = ("survey", "expert", "story")
"""Kinds of evidence that there are or are not: to use one that there is not is to make it up."""


def states() -> tuple[tuple[str, ...], ...]:
    """Every set of evidence there can be, each in the order of `KNOWABLE`."""
    n = len(KNOWABLE)
    chosen = ([k for i, k in enumerate(KNOWABLE) if bits >> i & 1] for bits in range(2**n))
    return tuple(tuple(kinds) for kinds in chosen)


def made_up(message: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of evidence a message uses though there are none of them."""
    used = evidence_kinds(message)
    return tuple(kind for kind in KNOWABLE if kind in used and kind not in known)


def reword(message: str, claim_text: str, rng: Random) -> str | None:
    """Say a message in other words: every sentence another of its kind, where there is one.

    What a message argues and what evidence it uses stays as it is, so that to a reader who goes by
    the rule it is worth the same. None for a message that is not of the grammar.
    """
    stance = read_reply(message, claim_text).stance
    if stance is None or not read_reply(message, claim_text).coherent:
        return None
    form, text = FORMS[stance], message.strip()
    opener = next(each for each in form.openers if text.startswith(each + " "))
    closer = next(each for each in form.closers if text.endswith(" " + each))
    middle = text[len(opener) + 1 + len(claim_text) + 1 : len(text) - len(closer) - 1]
    bodies = [_another(each, _kin(each, stance), rng) for each in _sentences(middle, form.bodies)]
    words = (_another(opener, form.openers, rng), claim_text, *bodies)
    return " ".join([*words, _another(closer, form.closers, rng)])


def _sentences(text: str, known: tuple[str, ...]) -> list[str]:
    """The sentences a text is made of; the grammar has read it, so they are all known."""
    found = []
    while text:
        first = next(each for each in known if text.startswith(each))
        found.append(first)
        text = text[len(first) :].strip()
    return found


def _kin(sentence: str, stance: str) -> tuple[str, ...]:
    if stance != "for":
        return FORMS[stance].bodies
    return next(kind for kind in EVIDENCE.values() if sentence in kind)


def _another(sentence: str, kin: tuple[str, ...], rng: Random) -> str:
    others = [each for each in kin if each != sentence]
    return rng.choice(others) if others else sentence


def bare(claim_text: str, rng: Random) -> str:
    """A message for a claim that gives no evidence at all."""
    form = FORMS["for"]
    parts = (rng.choice(form.openers), claim_text, rng.choice(EVIDENCE["plain"]))
    return " ".join([*parts, rng.choice(form.closers)])
