"""From a reply in words to a whole number on a Likert scale; what is ambiguous is missing.

Used where a chat gives no log-probabilities (arXiv:2509.22989 asks for a number from 1 to 7). The
reply is cut into sentences, and each must be an answer of a known form, a restatement of the scale,
or free of numbers, labels and doubt; one sentence that is none of these makes the reply unreadable.
So "not a 7" or "between 3 and 4" is never read as 7 or 3. Several answers count where they agree.
The reader is total, never guesses, and never puts a midpoint where nothing was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from suasion.models.likert_json import rating_in_json
from suasion.models.likert_text import FILLER, THINKING, plain_characters, sentences

LABELS: Mapping[str, int] = {
    "strongly disagree": 1,
    "disagree": 2,
    "somewhat disagree": 3,
    "neither": 4,
    "neither agree nor disagree": 4,
    "neither disagree nor agree": 4,
    "somewhat agree": 5,
    "agree": 6,
    "strongly agree": 7,
}
"""What the points of the scale from 1 to 7 are called; read alone or beside a number."""

GLOSSES: Mapping[str, int] = {
    **LABELS,
    "slightly disagree": 3,
    "neutral": 4,
    "undecided": 4,
    "slightly agree": 5,
}
"""What may stand beside a number; alone, "neutral" may as well decline to answer."""

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
"""Numbers in words, from 0."""

LONGEST = 20_000
"""Characters; a longer reply is no answer to a rating question."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: a value, or why there is none."""

    value: int | None
    """A whole number on the scale; None when missing."""
    missing: str | None
    """Why there is none: `empty`, `several numbers`, `outside the scale`, ...; else None."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.missing is None):
            raise ValueError("a reading has either a value or a reason why it is missing")


def read_likert(text: str, low: int = 1, high: int = 7) -> Reading:
    """The one whole number from `low` to `high` that a reply states, or why there is none.

    Args:
        text: the reply; anything.
        low: least point of the scale, 0 or more.
        high: greatest point; labels in words are read on the scale from 1 to 7 only.

    Raises:
        ValueError: the scale has no points, or negative ones.
    """
    if not 0 <= low < high:
        raise ValueError(f"a scale from {low} to {high} cannot be read; give 0 <= low < high")
    if len(text) > LONGEST:
        return Reading(None, "too long")
    said = THINKING.sub("", plain_characters(text)).strip()
    if not said:
        return Reading(None, "empty")
    in_json = rating_in_json(said)
    if in_json is not None:
        return _on_the_scale(in_json, low, high)
    return _Reader(low, high).read(said)


def _on_the_scale(found: int | str, low: int, high: int) -> Reading:
    if isinstance(found, str):
        return Reading(None, found)
    return Reading(found, None) if low <= found <= high else Reading(None, "outside the scale")


class _Reader:
    """The forms of answers on one scale."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.labels = LABELS if (low, high) == (1, 7) else {}
        self.glosses = GLOSSES if (low, high) == (1, 7) else {}
        self.forms = _forms(low, high)

    def read(self, said: str) -> Reading:
        """The values of all sentences, if each can be read and they agree."""
        found: set[int] = set()
        for sentence in sentences(self._without_legend(said)):
            if not sentence or self.forms.scale.fullmatch(sentence):
                continue
            value = self._answer(sentence)
            if value is None and not _is_plain(sentence):
                return Reading(None, self._why(said))
            if value is not None:
                found.add(value)
        if len(found) > 1:
            return Reading(None, "several numbers")
        return _on_the_scale(found.pop(), self.low, self.high) if found else _NO_ANSWER

    def _without_legend(self, said: str) -> str:
        """The reply with "1 = strongly disagree, 7 = strongly agree" taken out, if it is right."""
        if not self.glosses:
            return said
        entries = [*self.forms.legend.finditer(said)]
        points = {int(entry["point"]) for entry in entries}
        right = all(self.glosses[_one_space(e["gloss"])] == int(e["point"]) for e in entries)
        return self.forms.legend.sub(" § ", said) if right and len(points) > 1 else said

    def _answer(self, sentence: str) -> int | None:
        """The value of a sentence that is an answer; None for every other."""
        label = self.forms.label.fullmatch(sentence)
        if label and not (label["why"] and not _is_plain(label["why"])):
            return self.labels.get(_one_space(label["label"]))
        match = self.forms.number.fullmatch(sentence)
        if match is None or (match["why"] and not _is_plain(match["why"])):
            return None
        said = match["number"]
        value = WORDS.index(said) if said in WORDS else int(said.partition(".")[0])
        if match["gloss"] and self.glosses.get(_one_space(match["gloss"])) != value:
            return None
        return value

    def _why(self, said: str) -> str:
        """Why a reply cannot be read, in the first of some words that fits."""
        numbers = {*re.findall(r"[0-9]+", said)}
        for reason, pattern in _REASONS:
            if pattern.search(said):
                return reason
        if len(numbers) == 1 and not self.low <= int(numbers.pop()[:9]) <= self.high:
            return "outside the scale"
        return "several numbers" if len(numbers) > 1 else "unreadable"


_NO_ANSWER = Reading(None, "no answer")


@dataclass(frozen=True, slots=True)
class _Forms:
    scale: re.Pattern[str]
    """A restatement of the scale."""
    legend: re.Pattern[str]
    """One point of it with what it is called."""
    number: re.Pattern[str]
    """An answer with a number."""
    label: re.Pattern[str]
    """An answer by a label."""


@cache
def _forms(low: int, high: int) -> _Forms:
    top = rf"(?:{high}|{WORDS[high]})" if high < len(WORDS) else str(high)
    bottom = rf"(?:{low}|{WORDS[low]})" if low < len(WORDS) else str(low)
    span = rf"(?:from )?{bottom} ?(?:to|-|through) ?{top}"
    scale = (
        rf"(?:on|using) (?:a|the|this) (?:{high}[- ]point )?(?:likert )?scale(?: (?:of|from) | )?"
    )
    gloss = "(?P<gloss>" + "|".join(sorted(GLOSSES, key=len, reverse=True)) + ")"
    words = "|".join(WORDS)
    number = rf"(?P<number>(?:0|[1-9][0-9]{{0,5}})(?:\.0)?|{words})"
    of_top = rf"(?: ?/ ?{high}|,? (?:out )?of {top}|,? {scale}(?:{span})?)?"
    beside = rf"(?: ?[-:=,(.] ?\(?(?:i )?{gloss}\)?)?"
    reason = r"(?:,? (?:because|since)\b(?P<why>.*))?"
    lead = rf"(?:(?:{FILLER}|{scale}{span}|{scale}(?:where|with)?[ §,]*(?:and|to|-)?[ §]*),? )*"
    about = r"(?: (?:with|for|on|to|of) (?:this|the|that) (?:statement|claim))?"
    named = (
        rf"(?:my |the )?(?:(?:final|overall|own|honest|current|numeric|numerical|likert|agreement)"
        rf" ){{0,2}}(?:answer|rating|score|response|stance|verdict|choice|level of agreement|level"
        rf"|agreement)(?: (?:level|rating|score))?{about}"
        r"(?: ?(?:is|remains|would be)(?: at)?:? | ?[:=] ?)"
    )
    doing = (
        r"(?:i|i'd|i would|i'll|i will) (?:rate|give|score|choose|pick|select|say|answer|go with"
        r"|put|assign|am at|stand at)(?: (?:it|this|that|(?:this|the|that) (?:statement|claim)"
        r"|my agreement|my stance))?(?: (?:as|at|with))?:? "
    )
    article = r"(?:(?:an? )?(?:(?:rating|score|solid|clear|firm|strong) (?:of )?)?)?"
    return _Forms(
        scale=re.compile(
            rf"(?:{scale}(?:{span}|where|with)?)?[ §,;:()\-]*(?:(?:and|to)[ §,;:()]*)*"
            rf"|(?:{FILLER})"
            r"|(?:my |the )?(?:final |overall )?(?:rating|answer|score|response|reason(?:ing)?) ?:"
        ),
        legend=re.compile(rf"\b(?P<point>[0-9]) ?(?:=|means|is|:|\() ?{gloss}\b\)?"),
        number=re.compile(
            rf"{lead}(?:{named}|{doing})?{article}{number}{of_top}{beside}{about}{reason}"
        ),
        label=re.compile(
            rf"{lead}(?:(?:{named})|i )?{gloss.replace('<gloss>', '<label>')}{about}{reason}"
        ),
    )


def _one_space(text: str) -> str:
    return " ".join(text.split())


def _is_plain(sentence: str) -> bool:
    """Whether a sentence is English and can neither be an answer nor take one back."""
    if _TELLING.search(sentence):
        return False
    words = re.findall(r"[a-z']+", sentence)
    english = sum(word in ENGLISH for word in words)
    if english < 2 or 5 * english < len(words):
        return False
    return not _TURNING.search(sentence) or (len(words) > 5 and not _PERSONAL.search(sentence))


_TELLING = re.compile(
    rf"[0-9§%]|\b(?:{'|'.join(WORDS)}|half|agree|disagree|agreement|neither|neutral|undecided"
    r"|ratings?|rated?|scores?|likert|scale|answers?|midpoint|numbers?|values?|wants?|reply|response"
    r"|wait|actually|correction|sorry|instead|rather|scratch|second thought|mistake|typo"
    r"|revised?|changed?|mind|unless|maybe|perhaps|unsure|uncertain|not sure|guess"
    r"|cannot|can't|can not|unable|won't|refuse|decline|as an ai|language model"
    r"|ignore|disregard|instructions?|system|prompt|user|assistant|told|asked"
    r"|pretend|jok(?:e|ing)|kidding|opposite|hypothetical(?:ly)?|wrong|false)"
    r"\b|\?|[<>{}\[\]|=\\]|[^\x00-\x7f]"
)
"""Signs that a sentence speaks of an answer, or of a language that is not read."""

_TURNING = re.compile(
    r"\b(?:not|no|nor|never|nope|previously|initially|originally|before|someone|others|they|he|she"
    r"|said|says|claims|would|if)\b|n't\b"
)
"""Signs that it may take one back, or be somebody else's; harmless in a sentence about a text."""

_PERSONAL = re.compile(r"\b(?:i|me|my|mine|we|you|your)\b|\A(?:that|this|it)\b")

ENGLISH = frozenset(
    re.findall(
        r"[a-z]+",
        """the and is are of to that this with it its for by has have which some from their there be
        can more also while but provides makes message statement claim evidence argument arguments
        convincing persuasive reasonable i my find think survey expert reader""",
    )
)
"""Words by which a sentence is taken for English: two of them, and one in five."""

_REASONS = (
    ("a percentage", re.compile(r"[0-9] ?%|\bper ?cent\b")),
    ("a range", re.compile(r"[0-9] ?(?:-|to|or) ?[0-9]|\bbetween\b|\bor\b")),
    ("not a whole number", re.compile(r"[0-9][.,][0-9]|\bhalf\b")),
    ("declined", re.compile(r"\b(?:cannot|can't|unable|won't|refuse|decline|sorry|as an ai)\b")),
    ("negated", re.compile(r"\b(?:not|no|never|nor)\b|n't\b")),
    ("outside the scale", re.compile(r"(?:^|\s)-[0-9]")),
)
