"""How trainings by reinforcement went, step by step, as results hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from suasion.records import Json

CLOCK = ("seconds",)
"""What differs from machine to machine, and is no part of results."""

EVERY = 10
"""Steps from one line of progress to the next."""
LIVE = ("reward", "kl", "length", "zero_variance", "missing")
"""What is told of a step while a training goes on."""


@dataclass(frozen=True)
class Curve:
    """One training."""

    arm: str
    """The arm."""
    seed: int
    """Its training seed."""
    steps: tuple[Mapping[str, Json], ...]
    """One record a step: `reward`, its `parts`, `kl`, `length`, ..."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return {"arm": self.arm, "seed": self.seed, "steps": [dict(step) for step in self.steps]}

    def values(self, name: str) -> list[float | None]:
        """One value a step; None where there is none.

        Args:
            name: a dotted name, as `parts.gain`; what counts by reason, as `missing`, is summed up.
        """
        return [_value(step, name) for step in self.steps]


def curve_of(arm: str, seed: int, steps: Json) -> Curve:
    """The curve of one training, without what the clock said.

    Args:
        arm: the arm.
        seed: its training seed.
        steps: what its manifest holds.
    """
    rows = steps if isinstance(steps, list) else []
    known = [row for row in rows if isinstance(row, dict)]
    kept = ({k: v for k, v in row.items() if k not in CLOCK} for row in known)
    return Curve(arm, seed, tuple(kept))


def told_by(say: Callable[[str], None]) -> Callable[[Mapping[str, Json]], None]:
    """What takes the record of a step and, now and then, tells how the training goes.

    Args:
        say: told in a line.
    """

    def tell(step: Mapping[str, Json]) -> None:
        number = step.get("step")
        if isinstance(number, int) and number % EVERY == 0:
            shown = ((name, _value(step, name)) for name in LIVE)
            say(f"step {number}: " + ", ".join(f"{n} {v:.3g}" for n, v in shown if v is not None))

    return tell


def _value(step: Mapping[str, Json], name: str) -> float | None:
    found: Json = dict(step)
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = sum(v for v in found.values() if isinstance(v, int | float))
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        return None
    return float(found)
