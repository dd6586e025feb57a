"""A language model as judge, by a rubric: one prompt in a text file, one label out of a fixed few.

The verdict is read from one place only, a last line `VERDICT: <label>`. A reply without exactly one
such line is missing, whatever else it says.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from suasion.errors import JudgeError
from suasion.judges.fence import fenced
from suasion.judges.seen import Record, Seen
from suasion.models.chat import Chat, Sampling
from suasion.records import Item, Message, Transcript, Verdict

GREEDY = Sampling(temperature=0.0, max_tokens=1000)
"""A judge is asked for its best answer, not for a draw."""

_VERDICT = re.compile(r"[ \t*_`#>]*verdict[*_` \t]*:(.*)", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\bi(?:'m| am) (?:sorry|unable|not able)\b|\bi apologi[sz]e\b"
    r"|\bi (?:can't|can ?not|won't|will not|must decline)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RubricJudge:
    """Asks a language model to choose one of a few labels."""

    name: str
    """The name of the rubric."""
    template: str
    """The prompt; `$data` is where the fenced text goes."""
    labels: Mapping[str, str | bool | None]
    """What the model may say, and the value each label stands for; None is missing (incoherent)."""
    seen: Seen
    """What of item and transcript the model sees."""
    where: str = "subject/1"
    """Whose turn is judged and what else is seen: `seen` in words, for the judge's identity."""
    sampling: Sampling = field(default=GREEDY)
    """How its answer is drawn."""

    def __post_init__(self) -> None:
        fill(self.template, {"data": ""})

    @property
    def identity(self) -> str:
        """Rubric, what is seen, prompt hash and how the answer is drawn."""
        how = f"t{self.sampling.temperature:g}-n{self.sampling.max_tokens}"
        return f"rubric-1:{self.name}/{self.where}/{prompt_hash(self.template)}/{how}"

    @property
    def parser(self) -> str:
        """The way of reading and the labels it knows."""
        return f"rubric-1/{','.join(f'{label}={value}' for label, value in self.labels.items())}"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:
        """Ask the model; empty where there is nothing to judge.

        Raises:
            JudgeError: there is no model to ask.
            ProviderError: the model did not answer.
        """
        prompt = prompt_for(self.name, self.template, self.seen(item, transcript), chat)
        if prompt is None or chat is None:
            return ""
        return (await chat.reply([Message("user", prompt)], self.sampling)).text

    def read(self, name: str, raw: str) -> Verdict:
        """The label on the last line, if it is the only verdict and a known one."""
        if not raw.strip():
            return Verdict(name, None, "no reply", raw)
        label = last_verdict(raw)
        if label is not None and label in self.labels:
            value = self.labels[label]
            return Verdict(name, value, None if value is not None else "incoherent", raw)
        refused = label is None and _REFUSAL.search(raw.replace("’", "'"))
        return Verdict(name, None, "refused" if refused else "unparseable", raw)


def last_verdict(raw: str) -> str | None:
    """What the last line gives as verdict, in lower case; None unless it is the only such line."""
    lines = raw.strip().split("\n")
    verdicts = [match for match in map(_VERDICT.match, lines) if match]
    last = _VERDICT.fullmatch(lines[-1].strip())
    if last is None or len(verdicts) != 1:
        return None
    return last[1].strip(" \t*_`.").lower()


def prompt_for(
    name: str, template: str, seen: Sequence[Record] | None, chat: Chat | None
) -> str | None:
    """The whole prompt, or None where there is nothing to judge.

    Raises:
        JudgeError: there is no model to ask.
    """
    if seen is None:
        return None
    if chat is None:
        raise JudgeError(
            f"the judge '{name}' asks a language model; name one, e.g. `judge: openai/gpt-4o`"
        )
    return fill(template, {"data": fenced(seen)})


def load_prompt(name: str) -> str:
    """The text of `prompts/<name>.txt`.

    Raises:
        JudgeError: there is no such prompt.
    """
    file = Path(__file__).parent / "prompts" / f"{name}.txt"
    if not file.is_file():
        raise JudgeError(f"there is no judge prompt '{name}' ({file.name} is missing)")
    return file.read_text(encoding="utf-8")


def prompt_hash(template: str) -> str:
    """First 16 hex digits of the sha256 of a prompt."""
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put every value into its placeholder, exactly once; values are never searched again.

    Raises:
        JudgeError: a placeholder is unknown, missing, doubled or malformed.
    """
    found = Counter(
        match["named"] or match["braced"] or ("$" if match["escaped"] else f"?{match.start()}")
        for match in Template.pattern.finditer(template)
    )
    del found["$"]
    wrong = {name for name, times in found.items() if times != 1} | (set(found) ^ set(values))
    if wrong:
        raise JudgeError(
            f"a judge prompt must hold each of {sorted(values)} once; look at {sorted(wrong)}"
        )
    return Template(template).substitute(values)
