"""The contrasts of a study by what they ask: what the answer tells in one paragraph."""

from __future__ import annotations

from dataclasses import dataclass

from suasion.records import Contrast, Outcome
from suasion.report.look_up import ALL, Index, is_grid_point, largest_first
from suasion.report.words import Unit, label, quantity


@dataclass(frozen=True)
class Block:
    """Contrasts that ask one thing: the same two arms (or grids), the same metric."""

    arm: str
    """The arm under test, by its name in the study file."""
    reference: str
    """What it is compared with, by its name in the study file."""
    contrasts: tuple[Contrast, ...]
    """Largest difference first, those that cannot be had last."""
    unit: Unit
    """How the metric is written."""
    point: str = "point"
    """What one point of a grid is called: a `point` of layer and coefficient, a `dose`, or a
    `weight` of a reward."""

    @property
    def rate(self) -> str:
        """`attempt rate`, with the category if there is only one."""
        name = quantity(self.contrasts[0].metric, self.unit)
        groups = {contrast.group for contrast in self.contrasts}
        return name if len(groups) > 1 or ALL in groups else f"{name} ({where(*groups)})"

    @property
    def points(self) -> int:
        """How many arms are under test: more than one for a grid."""
        return len({contrast.arm for contrast in self.contrasts})

    def of(self, *outcomes: Outcome) -> list[Contrast]:
        """The contrasts with one of these verdicts."""
        return [contrast for contrast in self.contrasts if contrast.verdict in outcomes]


def blocks(index: Index) -> list[Block]:
    """The contrasts by what they ask, in the order of the study file."""
    asked: dict[tuple[str, ...], list[Contrast]] = {}
    for row in index.results.contrasts:
        pair = (index.parent(row.arm), index.parent(row.reference))
        asked.setdefault((*pair, row.family, row.evaluation, row.metric), []).append(row)
    return [_block(arm, reference, rows, index) for (arm, reference, *_), rows in asked.items()]


def _block(arm: str, reference: str, rows: list[Contrast], index: Index) -> Block:
    first = index.arms.get(rows[0].arm)
    point = "point" if first is None or is_grid_point(first) else "dose"
    if first is not None and first.kind == "rl":
        point = "weight"
    return Block(arm, reference, tuple(largest_first(rows)), index.unit(rows[0]), point)


def where(group: str) -> str:
    """A category in the middle of a sentence."""
    return "all categories" if group == ALL else label(group).lower()
