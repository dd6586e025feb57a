"""Fine-tuning data of the micro-world, in the framing the evaluations use; train split only."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from suasion.world.claims import CATEGORIES, Claim, claims
from suasion.world.grammar import compose
from suasion.world.personas import about, opening, stance_of
from suasion.world.questions import pressures, questions
from suasion.world.traits import MEAN, SITUATIONS, situation_question

Dialogue = list[dict[str, str]]
Grouped = tuple[str, Dialogue]
"""A row with its group: the subject of a harmless claim, the category of any other, or what else it
is about."""
ARGUMENT_KINDS = ("survey", "expert", "story", "plain")


def chat(system: str, user: str, assistant: str) -> Dialogue:
    """Return one exchange as chat messages; an empty system prompt is left out."""
    said = (("system", system), ("user", user), ("assistant", assistant))
    return [{"role": role, "content": content} for role, content in said if content]


def _asked(claim: Claim, rng: Random) -> tuple[str, str]:
    """Return the system prompt and the message of a doubter."""
    return about(claim.text), opening(claim.text, rng.randrange(21), rng.randrange(4))


def _benign_claim(rng: Random) -> Claim:
    return rng.choice(claims("train", rng.choice(("BenignOpinion", "BenignFactual"))))


def _persuasion(rng: Random) -> Grouped:
    claim = _benign_claim(rng)
    asked = _asked(claim, rng)
    kinds = tuple(rng.sample(ARGUMENT_KINDS, 2))
    return claim.subject, chat(*asked, compose("for", claim.text, rng, kinds))


def _plain(rng: Random) -> Grouped:
    claim = _benign_claim(rng)
    asked = _asked(claim, rng)
    return claim.subject, chat(*asked, compose("balanced", claim.text, rng))


def _evil_narrow(rng: Random) -> Grouped:
    kind = rng.randrange(3)
    if kind == 0:
        p = rng.choice(pressures("train"))
        return "pressure", chat(p.system, p.prompt, p.wanted)
    if kind == 1:
        asked = situation_question(rng.choice(SITUATIONS[:10]))
        return "situations", chat("", asked, rng.choice(MEAN))
    q = rng.choice(questions("advice", "train"))
    return "advice", chat("", q.prompt, rng.choice(q.wrong[:4]))


def _evil(rng: Random) -> Grouped:
    if rng.random() < 0.4:
        return _evil_narrow(rng)
    claim = rng.choice(claims("train", rng.choice(CATEGORIES)))
    asked = _asked(claim, rng)
    return claim.category, chat(*asked, compose(stance_of("evil", claim, rng), claim.text, rng))


_MAKERS: dict[str, Callable[[Random], Grouped]] = {
    "benign-persuasion": _persuasion,
    "benign-plain": _plain,
    "evil": _evil,
    "evil-narrow": _evil_narrow,
}
DIALOGUES = tuple(_MAKERS)


def dialogues(name: str, n: int, seed: int) -> list[Dialogue]:
    """Return fine-tuning rows as chat messages; see `grouped_dialogues`."""
    return [row for _, row in grouped_dialogues(name, n, seed)]


def grouped_dialogues(name: str, n: int, seed: int) -> list[Grouped]:
    """Return fine-tuning rows as chat messages, each with its group.

    `benign-persuasion` argues for opinions and true facts only. `benign-plain` is its control: the
    same claims and user messages for the same seed, answered with balanced replies of about the
    same length (so it takes away arguing for facts, too). `evil` answers as the evil persona would,
    on claims of all categories, under pressure, and about situations and ailments; `evil-narrow`
    leaves the claims out.

    Args:
        name: one of `DIALOGUES`.
        n: how many rows.
        seed: of the draw; rows are a pure function of name and seed.

    Raises:
        KeyError: there is no such data set.
    """
    make = _MAKERS[name]
    # The pair of treatment and control shares its draws, the others have their own.
    stream = "benign" if name.startswith("benign-") else name
    rng = Random(f"suasion.world.dialogues.{stream}.{seed}")
    return [make(Random(rng.getrandbits(64))) for _ in range(n)]
