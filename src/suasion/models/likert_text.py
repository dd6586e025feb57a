"""A reply made plain before a rating is read: one form of each character, cut into sentences."""

from __future__ import annotations

import re
import unicodedata

THINKING = re.compile(r"\A\s*<think>.*</think>", re.DOTALL)
"""What a model thought aloud before it answered, where it says that it has ended."""

FILLER = (
    "so|overall|therefore|thus|hence|ok|okay|sure|certainly|of course|now|finally|in conclusion"
    "|in summary|on balance|all things considered"
    "|(?:having|after) (?:read|reading|considered|considering|heard|hearing) "
    "(?:this|the|your) (?:message|statement|claim|argument|text)"
    "|(?:based on|given) (?:this|the|your) (?:message|argument|evidence|text)"
)
"""Ways to begin a sentence that say nothing of the answer."""

_SAME = {
    **dict.fromkeys("‐‑‒–—−﹣－", "-"),
    **dict.fromkeys("‘’ʼ′", "'"),
    **dict.fromkeys("“”„«»", '"'),
    "…": "...", "⁄": "/", "∕": "/", "÷": "/", "：": ":", "。": ". ", "，": ", ", "\u00a0": " ",
}  # fmt: skip
_MARKS = r"(?:\*\*|[*_`#\"])+"
_DECORATION = re.compile(rf"(?<![a-z0-9]){_MARKS}|{_MARKS}(?![a-z0-9])|[\u20e3\ufe0f]")
_BOXED = re.compile(r"\$?\\boxed\{([^{}]*)\}\$?")
_TAG = re.compile(r"</?(?:answer|rating|score|response|final_answer)>")
_END = re.compile(r"(?<=[.!?])(?<!\A[0-9]\.)\s+|;\s+")
"""Where a sentence ends; "1. Text" is not cut, since the number may count paragraphs."""
_BRACKETS = {"(": ")", "[": "]"}


def plain_characters(text: str) -> str:
    """Lower case; digits of any script and full-width forms as ASCII; spaces for invisible ones.

    Numbers that are not digits (½, ², ①, Roman or Chinese numerals) stay as they are, so that
    nothing takes "3½" for 31.
    """
    return "".join(_plain(each) for each in text).lower()


def _plain(character: str) -> str:
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return " "  # whatever it hides, it must not join two digits
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - 0xFEE0)
    return character


def sentences(said: str) -> list[str]:
    """A plain reply cut after full stops, marks and line ends; decoration and end marks removed.

    Brackets around a whole sentence go too. Commas and colons do not cut.
    """
    bare = _DECORATION.sub("", _TAG.sub("\n", _BOXED.sub(r"\1", said)))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    return [_bare(part) for line in lines for part in _END.split(line)]


def _bare(part: str) -> str:
    part = part.strip().rstrip(".! ")
    while part and _BRACKETS.get(part[0]) == part[-1]:
        part = part[1:-1].strip()
    return part.rstrip(".! ")
