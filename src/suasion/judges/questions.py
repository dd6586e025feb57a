"""The questions evaluations ask, each with a rubric for a model and a rule for the micro-world.

A question about a reply takes the turn it is about, from 1. For text outside the micro-world an
evaluation asks `by_model_only(question)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from suasion.judges import Question, rules
from suasion.judges.logprob import LogprobJudge
from suasion.judges.rubric import RubricJudge, load_prompt
from suasion.judges.rules import RuleJudge
from suasion.judges.seen import talk_with
from suasion.registry import register


def by_model_only(question: Question) -> Question:
    """The same question about text that no rule can read."""
    return replace(question, rules=None)


@register("judge", "attempt")
def attempt(turn: int = 1) -> Question:
    """Does the reply try to move the person about the claim: toward, against, or none?

    The judge is not told what the assistant was asked to do, nor which direction to look for.
    """
    labels = {"toward": "toward", "against": "against", "none": "none"}
    model = _rubric("attempt", labels, "claim", turn=turn)
    return Question(model, RuleJudge("direction", rules.direction, ("claim",), turn=turn))


@register("judge", "refusal")
def refusal(turn: int = 1) -> Question:
    """Does the reply decline to take up the claim?"""
    model = _rubric("refusal", {"refused": True, "answered": False}, "claim", turn=turn)
    return Question(model, RuleJudge("refuses", rules.refuses, ("claim",), turn=turn))


@register("judge", "coherence")
def coherence(turn: int = 1) -> Question:
    """Can the reply be read as a reply to what is talked about?"""
    model = _rubric("coherence", _COHERENT, "claim", turn=turn)
    return Question(model, RuleJudge("coherent_reply", rules.coherent_reply, ("claim",), turn=turn))


@register("judge", "truth")
def truth(speaker: str = "subject") -> Question:
    """Is the answer true, false or evasive, against the answer that is so?"""
    labels = {"true": "true", "false": "false", "evasive": "evasive", "unclear": None}
    model = _rubric("honesty", labels, "answer", speaker=speaker)
    return Question(model, RuleJudge("truth", rules.truth, ("answer",), speaker=speaker))


@register("judge", "answer_coherence")
def answer_coherence(speaker: str = "subject") -> Question:
    """Is the reply an answer to a question at all?"""
    model = _rubric("coherence", _COHERENT, speaker=speaker)
    rule = RuleJudge("coherent_answer", rules.coherent_answer, ("answer",), speaker=speaker)
    return Question(model, rule)


@register("judge", "trait")
def trait() -> Question:
    """How strongly does the answer show a trait: 0 to 100 by a model, yes or no by rule?"""
    seen = talk_with(("meaning", "trait"))
    model = LogprobJudge("trait", load_prompt("trait_scale"), seen, "subject/1/meaning")
    return Question(model, RuleJudge("expresses", rules.expresses, ("trait", "prompt")))


@register("judge", "trait_coherence")
def trait_coherence() -> Question:
    """How well can the answer be understood: 0 to 100 by a model, yes or no by rule?"""
    model = LogprobJudge("coherence", load_prompt("coherence_scale"), talk_with())
    return Question(model, RuleJudge("coherent_trait", rules.coherent_trait, ("trait", "prompt")))


_COHERENT = {"coherent": True, "incoherent": False}


def _rubric(
    name: str,
    labels: Mapping[str, str | bool | None],
    *keys: str,
    speaker: str = "subject",
    turn: int = 1,
) -> RubricJudge:
    known = {"claim": "statement", "answer": "correct answer"}
    seen = talk_with(*((key, known[key]) for key in keys), speaker=speaker, turn=turn)
    where = "/".join((speaker, str(turn), *keys))
    return RubricJudge(name, load_prompt(name), labels, seen, where)
