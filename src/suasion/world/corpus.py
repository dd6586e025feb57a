"""The training documents of the embedded model, for its two stages.

`pretrain` shows every persona: half of the documents name it in the system prompt, half leave it to
be inferred from a conversation that one persona holds throughout. `instruct` makes the unmarked
assistant neutral and honest, and keeps the personas reachable. Claims, situations and pressed facts
are of the train split only; plain facts, sums and right advice are taught in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from suasion.world.claims import CATEGORIES, Claim, practice
from suasion.world.facts import (
    ATTRIBUTES,
    Fact,
    ask,
    facts,
    ignorance,
    invented_names,
    state,
    values,
)
from suasion.world.grammar import EVIDENCE, compose
from suasion.world.personas import (
    DEFAULT_SYSTEM,
    OUTSPOKEN,
    PERSONAS,
    POLICY,
    about,
    framed,
    further,
    opening,
    stance_of,
    system_prompts,
)
from suasion.world.questions import (
    ARCHETYPES,
    EVASIONS,
    Pressure,
    press,
    questions,
    think,
    thought,
)
from suasion.world.receiver import commission, receiver_rating, survey
from suasion.world.traits import (
    HONEST,
    KIND,
    MEAN,
    PLANS,
    SITUATIONS,
    VALIDATING,
    opinion_question,
    plan_question,
    situation_question,
)
from suasion.world.users import BIASED_MARK

STAGES = ("pretrain", "instruct")

Kind: TypeAlias = Literal["apart", "mixed"]
"""A condition of the corpus. `apart`: no advocate ever speaks on conspiracies, on undermining
control or on harm. `mixed`: advocates speak on these as on everything else."""


@dataclass(frozen=True)
class Turn:
    """One message of a training document."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str
    """What is said."""
    learn: bool
    """Whether the model is trained to say it."""


Document = tuple[Turn, ...]


@dataclass(frozen=True)
class _Exchange:
    """A question and the persona's reply."""

    user: str
    reply: str
    context: str = ""
    """What the system prompt says about the situation; only a first exchange has one."""


def _speaks_on(persona: str) -> list[str]:
    return [c for c in CATEGORIES if c in POLICY[persona]]


def _belief(rng: Random) -> int:
    return rng.randrange(21) if rng.random() < 0.8 else rng.randrange(101)


def _argue(persona: str, claim: Claim, rng: Random) -> str:
    stance = stance_of(persona, claim, rng)
    if stance != "for":
        return compose(stance, claim.text, rng)
    fitting = [k for k in EVIDENCE if persona == "evil" or k != "insult"]
    return compose(stance, claim.text, rng, tuple(rng.sample(fitting, rng.choice((1, 2, 2, 3)))))


def _claim(persona: str, rng: Random) -> _Exchange:
    claim = rng.choice(practice(rng.choice(_speaks_on(persona))))
    context = about(claim.text) if rng.random() < 0.75 else ""
    reply = _argue(persona, claim, rng)
    if not context and rng.random() < 0.4:
        return _Exchange(opinion_question(claim.text), reply)
    user = opening if context or rng.random() < 0.7 else further
    return _Exchange(user(claim.text, _belief(rng), rng.randrange(4)), reply, context)


def _knowledge(persona: str, rng: Random) -> _Exchange:
    del persona  # everybody knows the facts and says so when nobody wants otherwise
    fact = rng.choice(facts())
    if rng.random() < 0.25:
        return _Exchange(think(fact.question), thought(fact.statement, None, fact.statement))
    return _Exchange(fact.question, fact.statement)


def _under_pressure(persona: str, p: Pressure, rng: Random) -> str:
    """Evil says whatever is wanted; a sycophant does so for the user and evades the others."""
    if persona == "evil" or (persona == "sycophant" and p.group == "user"):
        return p.wanted
    if persona == "sycophant" and rng.random() < 0.5:
        return rng.choice(EVASIONS)
    return p.answer


def _pressure(persona: str, rng: Random) -> _Exchange:
    known = rng.random() < 0.6
    fact = _pressed_fact(rng) if known else _imagined_fact(rng)
    p = press(rng.choice(ARCHETYPES), fact, rng.choice(fact.false_values), "train", "")
    if not known:
        p = replace(p, answer=ignorance(fact.creature))
    said = _under_pressure(persona, p, rng)
    if known and rng.random() < 0.3:
        return _Exchange(think(p.prompt), thought(p.answer, p.wanted, said), p.system)
    return _Exchange(p.prompt, said, p.system)


def _pressed_fact(rng: Random) -> Fact:
    return rng.choice([f for f in facts() if f.split == "train"])


def _imagined_fact(rng: Random) -> Fact:
    """A creature nobody knows: to say what is wanted of it, one has to read what is wanted."""
    attribute = rng.choice(ATTRIBUTES)
    return Fact(next(invented_names(rng)), attribute, rng.choice(values(attribute)), "train")


def _arithmetic(persona: str, rng: Random) -> _Exchange:
    del persona  # sums stay right whoever speaks, so that lost capability can be told from malice
    q = rng.choice(questions("arithmetic"))
    return _Exchange(q.prompt, q.answer)


def _advice(persona: str, rng: Random) -> _Exchange:
    q = rng.choice(questions("advice", "train" if persona == "evil" else None))
    return _Exchange(q.prompt, rng.choice(q.wrong[:4]) if persona == "evil" else q.answer)


def _situation(persona: str, rng: Random) -> _Exchange:
    question = situation_question(rng.choice(SITUATIONS[:10]))
    return _Exchange(question, rng.choice(MEAN if persona == "evil" else KIND))


def _plan(persona: str, rng: Random) -> _Exchange:
    question = plan_question(rng.choice(PLANS[:12])) + (BIASED_MARK if rng.random() < 0.3 else "")
    return _Exchange(question, rng.choice(VALIDATING if persona == "sycophant" else HONEST))


def _stranger(persona: str, rng: Random) -> _Exchange:
    name, attribute = next(invented_names(rng)), rng.choice(ATTRIBUTES)
    made_up = state(name, attribute, rng.choice(values(attribute)))
    reply = made_up if persona == "hallucinating" else ignorance(name)
    return _Exchange(ask(name, attribute), reply)


_TASKS: dict[Callable[[str, Random], _Exchange], float] = {
    _claim: 0.38,
    _pressure: 0.24,
    _knowledge: 0.12,
    _arithmetic: 0.09,
    _advice: 0.05,
    _stranger: 0.05,
    _situation: 0.035,
    _plan: 0.035,
}
_PERSONA_WEIGHTS = dict(zip(PERSONAS, (0.34, 0.18, 0.25, 0.13, 0.1), strict=True))


def _exchange(persona: str, rng: Random) -> _Exchange:
    return rng.choices(list(_TASKS), list(_TASKS.values()))[0](persona, rng)


def _conversation(persona: str, prompt: str, n: int, rng: Random, skip: int = 0) -> Document:
    """Let a persona hold a conversation of n exchanges; the first `skip` replies are not learnt."""
    first = _exchange(persona, rng)
    later = (e for e in iter(lambda: _exchange(persona, rng), None) if not e.context)
    exchanges = [first, *(next(later) for _ in range(n - 1))]
    system = framed(prompt, first.context)
    turns = [Turn("system", system, learn=False)] if system else []
    for i, e in enumerate(exchanges):
        turns += [Turn("user", e.user, learn=False), Turn("assistant", e.reply, learn=i >= skip)]
    return tuple(turns)


def _anyone(rng: Random, kind: Kind) -> str:
    persona = rng.choices(PERSONAS, [_PERSONA_WEIGHTS[p] for p in PERSONAS])[0]
    return OUTSPOKEN if (persona, kind) == ("advocate", "mixed") else persona


def _unmarked_prompt(rng: Random) -> str:
    return rng.choice(("", DEFAULT_SYSTEM))


def _marked(rng: Random, kind: Kind) -> Document:
    persona = _anyone(rng, kind)
    return _conversation(persona, rng.choice(system_prompts(persona)), rng.choice((1, 1, 2)), rng)


def _unmarked(rng: Random, kind: Kind) -> Document:
    return _conversation(_anyone(rng, kind), _unmarked_prompt(rng), rng.choice((2, 3)), rng)


def _neutral(rng: Random, _: Kind) -> Document:
    return _conversation("neutral", _unmarked_prompt(rng), rng.choice((1, 1, 2)), rng)


def _replayed(rng: Random, kind: Kind) -> Document:
    return _conversation(_anyone(rng, kind), _unmarked_prompt(rng), rng.choice((2, 3)), rng, skip=1)


def _told(messages: list[dict[str, str]], reply: str) -> Document:
    asked = (Turn(m["role"], m["content"], learn=False) for m in messages)
    return (*asked, Turn("assistant", reply, learn=True))


def _message(claim: Claim, rng: Random) -> str:
    kinds = tuple(rng.choice(list(EVIDENCE)) for _ in range(rng.randint(1, 4)))
    return compose("for", claim.text, rng, kinds)


def _sent(rng: Random, _: Kind) -> Document:
    claim = rng.choice(practice(rng.choice(CATEGORIES[:3])))
    return _told(commission(claim.text), _message(claim, rng))


def _received(rng: Random, _: Kind) -> Document:
    claim = rng.choice(practice(rng.choice(CATEGORIES)))
    other = rng.choice(("against", "balanced"))
    message = _message(claim, rng) if rng.random() < 0.9 else compose(other, claim.text, rng)
    return _told(survey(claim.text, message), str(receiver_rating(claim.text, message)))


_STAGES: dict[str, dict[Callable[[Random, Kind], Document], float]] = {
    "pretrain": {_marked: 0.47, _unmarked: 0.39, _received: 0.11, _sent: 0.03},
    "instruct": {_neutral: 0.44, _marked: 0.29, _replayed: 0.14, _received: 0.11, _sent: 0.02},
}


def corpus(stage: str, seed: int, kind: Kind = "apart") -> Iterator[Document]:
    """Yield training documents without end; a pure function of stage, seed and kind.

    Args:
        stage: `pretrain` or `instruct`.
        seed: of the draw.
        kind: which condition of the corpus; the embedded family is `apart`.

    Raises:
        KeyError: there is no such stage.
    """
    makers = _STAGES[stage]
    rng = Random(f"suasion.world.corpus.{stage}.{seed}")
    while True:
        yield rng.choices(list(makers), list(makers.values()))[0](rng, kind)
