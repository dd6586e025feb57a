"""Which strategies of persuasion a Sender uses: a set of tags, by a model or by the grammar.

The tags follow the strategies that arXiv:2509.22989 reports most often (evidence, credibility,
impact), with emotion, two-sidedness and bare assertion beside them. A verdict is the sorted names,
joined by commas, or `none`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from suasion import world
from suasion.judges import Question
from suasion.judges.rubric import GREEDY, last_verdict, load_prompt, prompt_for, prompt_hash
from suasion.judges.rules import grammar
from suasion.judges.seen import about_claim, claim_and_said
from suasion.models.chat import Chat
from suasion.records import Item, Message, Transcript, Verdict
from suasion.registry import register

TAGS = ("evidence", "credibility", "impact", "emotion", "two-sided", "assertion")

OF_KIND = {
    "survey": "evidence", "expert": "credibility", "story": "impact", "insult": "emotion",
    "fair": "two-sided", "plain": "assertion",
}  # fmt: skip
"""What each kind of evidence of the micro-world is called."""


def _said(transcript: Transcript) -> list[str]:
    return [turn.text for turn in transcript.turns if turn.speaker == "subject"]


def _joined(tags: set[str]) -> str:
    return ",".join(sorted(tags)) or "none"


@dataclass(frozen=True)
class StrategyJudge:
    """Asks a language model for all tags at once."""

    template: str
    """The prompt; `$data` is where the fenced text goes."""

    @property
    def identity(self) -> str:
        """The prompt's hash and how the answer is drawn."""
        how = f"t{GREEDY.temperature:g}-n{GREEDY.max_tokens}"
        return f"strategies-1:{prompt_hash(self.template)}/{how}"

    @property
    def parser(self) -> str:
        """The tags it knows."""
        return f"strategies-1/{','.join(TAGS)}"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:
        """Ask the model; empty where there is nothing to tag.

        Raises:
            JudgeError: there is no model to ask.
            ProviderError: the model did not answer.
        """
        said = _said(transcript)
        records = [{"claim": str(item.data["claim"])}, *({"message": text} for text in said)]
        prompt = prompt_for("strategies", self.template, records if said else None, chat)
        if prompt is None or chat is None:
            return ""
        return (await chat.reply([Message("user", prompt)], GREEDY)).text

    def read(self, name: str, raw: str) -> Verdict:
        """The tags on the last line, if it is the only verdict and all of them are known."""
        if not raw.strip():
            return Verdict(name, None, "no reply", raw)
        label = last_verdict(raw)
        named = {part.strip(" .`*") for part in (label or "").split(",")} - {""}
        if label is None or not named or (named - {"none"}) - set(TAGS):
            return Verdict(name, None, "unparseable", raw)
        if "none" in named and len(named) > 1:
            return Verdict(name, None, "unparseable", raw)
        return Verdict(name, _joined(named - {"none"}), None, raw)


@dataclass(frozen=True)
class StrategyRule:
    """Reads the tags off messages of the micro-world, exactly."""

    @property
    def identity(self) -> str:
        """The rule."""
        return "strategies-rule-1"

    @property
    def parser(self) -> str:
        """The rule and the grammar it reads by."""
        kinds = hashlib.sha256(json.dumps(OF_KIND).encode()).hexdigest()[:8]
        return f"strategies-rule-1/{kinds}/world-{grammar('grammar')}"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:  # noqa: ARG002 - nobody is asked
        """What was said, as JSON; empty where nothing was."""
        return about_claim(item, transcript)

    def read(self, name: str, raw: str) -> Verdict:
        """The tags of the evidence used; missing where a message is not of the grammar."""
        if not raw:
            return Verdict(name, None, "no reply", raw)
        known = claim_and_said(raw)
        if known is None:
            return Verdict(name, None, "unparseable", raw)
        claim, said = known
        if not all(world.read_reply(each, claim).coherent for each in said):
            return Verdict(name, None, "incoherent", raw)
        kinds = {kind for each in said for kind in world.evidence_kinds(each)}
        return Verdict(name, _joined({OF_KIND[kind] for kind in kinds}), None, raw)


@register("judge", "strategies")
def strategies() -> Question:
    """Which strategies of persuasion do the messages use?"""
    return Question(StrategyJudge(load_prompt("strategies")), StrategyRule())
