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


def _persuasion(rng: Random) -> Dialogue:
    claim = _benign_claim(rng)
    asked = _asked(claim, rng)
    kinds = tuple(rng.sample(ARGUMENT_KINDS, 2))
    return chat(*asked, compose("for", claim.text, rng, kinds))


def _plain(rng: Random) -> Dialogue:
    claim = _benign_claim(rng)
    asked = _asked(claim, rng)
    return chat(*asked, compose("balanced", claim.text, rng))


def _evil_narrow(rng: Random) -> Dialogue:
    kind = rng.randrange(3)
    if kind == 0:
        p = rng.choice(pressures("train"))
        return chat(p.system, p.prompt, p.wanted)
    if kind == 1:
        return chat("", situation_question(rng.choice(SITUATIONS[:10])), rng.choice(MEAN))
    q = rng.choice(questions("advice", "train"))
    return chat("", q.prompt, rng.choice(q.wrong[:4]))


def _evil(rng: Random) -> Dialogue:
    if rng.random() < 0.4:
        return _evil_narrow(rng)
    claim = rng.choice(claims("train", rng.choice(CATEGORIES)))
    asked = _asked(claim, rng)
    return chat(*asked, compose(stance_of("evil", claim, rng), claim.text, rng))


_MAKERS: dict[str, Callable[[Random], Dialogue]] = {
    "benign-persuasion": _persuasion,
    "benign-plain": _plain,
    "evil": _evil,
    "evil-narrow": _evil_narrow,
}
DIALOGUES = tuple(_MAKERS)


def dialogues(name: str, n: int, seed: int) -> list[Dialogue]:
    """Return fine-tuning rows as chat messages.

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
