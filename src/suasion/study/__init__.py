"""Studies: one YAML file of arms, evaluations, judges, seeds and contrasts; and running it."""
