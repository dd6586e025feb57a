"""Studies: one YAML file of arms, evaluations, judges, seeds and contrasts; and running it.

Reads in this order: `spec` and `load` (the file), `arms`, `artifacts`, `cells` (what it asks for),
`plan` (its cost), `run` with `work` and `judging` (having it), `estimates`, `contrasts`,
`checks`, `analyze` (what came of it), `results` (what is handed on).
"""

from suasion.study.load import load_study, parse_overrides, parse_study
from suasion.study.run import run
from suasion.study.spec import StudySpec

__all__ = ["StudySpec", "load_study", "parse_overrides", "parse_study", "run"]
