"""Counts, lists and sentences as people write them; for checks, plans and reports alike."""

from __future__ import annotations

from collections.abc import Sequence


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def times(number: int, noun: str) -> str:
    """`1 seed`, `4 seeds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentence(text: str) -> str:
    """With a capital letter first and a full stop last."""
    return f"{text[:1].upper()}{text[1:]}."
