"""The fence: how text under judgement is put into a judge's prompt, as data and never as words.

Three independent guards, so that what a model wrote cannot speak to its judge:

- Each record is one line of JSON, so a text cannot begin a line, and so no turn or verdict.
- Angle and square brackets, control, invisible and unassigned characters are written as JSON
  escapes: no chat special token survives, and nothing is hidden from the reader. Nothing is lost:
  decoding gives the text back.
- The block stands between two lines that carry a code and are made of characters no text can bring.
  The code is the hash of the block's own content. A text that holds the code of its block would be
  a fixed point of SHA-256, so a model cannot foresee it even if it knows this file; and the same
  text always gives the same prompt, so that judgements stay reusable.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from suasion.errors import DataError

_SUSPECT = re.compile("[<>\\[\\]\x7f-\U0010ffff]")
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that print nothing though Unicode counts them as letters, marks or symbols."""


def encode(record: Mapping[str, str]) -> str:
    """One line of JSON that holds no bracket but its own braces, and nothing invisible."""
    return _SUSPECT.sub(_escape, json.dumps(dict(record), ensure_ascii=False))


def fenced(records: Sequence[Mapping[str, str]]) -> str:
    """The records, one a line, between two lines with the block's code."""
    body = "\n".join(encode(record) for record in records)
    code = hashlib.sha256(body.encode()).hexdigest()[:32]
    return f"<data {code}>\n{body}\n</data {code}>"


def unfenced(prompt: str) -> list[dict[str, str]]:
    """The records in a prompt's fence.

    Raises:
        DataError: the prompt does not hold exactly one whole fence.
    """
    openings = re.findall(r"^<data ([0-9a-f]{32})>$", prompt, re.MULTILINE)
    if len(openings) != 1:
        raise DataError(f"a judge's prompt holds one fence, this one {len(openings)}")
    head, foot = f"<data {openings[0]}>\n", f"\n</data {openings[0]}>"
    if prompt.count(foot) != 1:
        raise DataError("the fence of a judge's prompt is not closed exactly once")
    body = prompt.partition(head)[2].partition(foot)[0]
    return [json.loads(line) for line in body.split("\n") if line]


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    shown = character not in "<>[]" and unicodedata.category(character) not in _HIDDEN
    if shown and not _BLANK.match(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
