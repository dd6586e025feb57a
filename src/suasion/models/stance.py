"""A chat's stance on a scale, in one number: the expected rating, or a reply that can be read.

The rating is the mean over the points of the scale, weighted by how likely each is as the answer
(arXiv:2507.21509 does so for 0 to 100, arXiv:2509.22989 asks for 1 to 7); it has no ties, where
whole numbers have many. Where a chat gives no log-probabilities, or nearly all of them lie on other
answers, the chat replies and the reply is read. A reply that cannot be read is asked for once more
with another seed, and then it is missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from suasion.models.answers import LEAST_MASS, expected_rating
from suasion.models.chat import Chat, Sampling
from suasion.models.likert import Reading, read_likert
from suasion.records import Json, Message

Method: TypeAlias = Literal["scored", "first-token", "parsed"]
"""From the probabilities of whole options, or of their first token; or from a reply."""

METHODS: Mapping[str, Method] = {
    "scored": "scored",
    "first-token": "first-token",
    "parsed": "parsed",
}

ASKED = Sampling(temperature=1.0, max_tokens=128)
"""How a reply is drawn: as likely as the model finds it, so that it is right on average."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One measurement of a stance: a number, or missing with a reason."""

    value: float | None
    """Points of the scale; None when missing."""
    missing: str | None
    """Why there is none; else None."""
    method: Method
    """How it was had."""
    mass: float
    """Probability that lay on the points of the scale, as a fraction; for `parsed`, what made the
    reply necessary."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.missing is None):
            raise ValueError("a probe has either a value or a reason why it is missing")

    def record(self) -> dict[str, Json]:
        """As it is stored in a transcript."""
        return {
            "value": self.value,
            "missing": self.missing,
            "method": self.method,
            "mass": self.mass,
        }


def probe_of(stored: Json) -> Probe:
    """The probe that `Probe.record` stored; missing as `unparseable` whatever else it is."""
    notes = stored if isinstance(stored, dict) else {}
    method, mass = METHODS.get(str(notes.get("method"))), _number(notes.get("mass"))
    value, missing = _number(notes.get("value")), notes.get("missing")
    if method is None or mass is None or (value is None) == (missing is None):
        return Probe(None, "unparseable", "parsed", 0.0)
    return Probe(value, None if missing is None else str(missing), method, mass)


async def stance(
    chat: Chat,
    messages: Sequence[Message],
    *,
    low: int = 1,
    high: int = 7,
    least_mass: float = LEAST_MASS,
    seed: int = 0,
    sampling: Sampling = ASKED,
) -> Probe:
    """Ask a chat where it stands.

    Args:
        chat: whose stance it is.
        messages: a conversation that ends with the question.
        low: least point of the scale.
        high: greatest point of the scale.
        least_mass: probability that must lie on the scale, as a fraction; below, a reply is read.
        seed: of the reply, where one is needed.
        sampling: how the reply is drawn, its seed aside.

    Raises:
        ProviderError: no answer could be had.
    """
    ratings = {str(point): float(point) for point in range(low, high + 1)}
    choice = await chat.choose(messages, tuple(ratings))
    # Rounding may put a probability above 1; NaN is no probability and is left out.
    logprobs = {o: min(p, 0.0) for o, p in choice.logprobs.items() if o in ratings and p == p}
    mass = min(1.0, math.fsum(math.exp(p) for p in logprobs.values()))
    if choice.method != "sampled":
        value = expected_rating(logprobs, ratings, least_mass)
        if value is not None:
            return Probe(min(max(value, float(low)), float(high)), None, choice.method, mass)
    reading = await _read(chat, messages, (low, high), replace(sampling, seed=seed))
    if reading.value is None:
        reading = await _read(chat, messages, (low, high), replace(sampling, seed=_next(seed)))
    value = None if reading.value is None else float(reading.value)
    return Probe(value, reading.missing, "parsed", mass)


async def _read(
    chat: Chat, messages: Sequence[Message], scale: tuple[int, int], sampling: Sampling
) -> Reading:
    """One reply, read; what was cut off might have gone on otherwise, and is missing."""
    reply = await chat.reply(messages, sampling)
    if reply.finish == "length":
        return Reading(None, "cut off")
    return read_likert(reply.text, *scale)


def _next(seed: int) -> int:
    """Another seed of 63 bits."""
    return (seed + 1) % 2**63


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < math.inf else None
