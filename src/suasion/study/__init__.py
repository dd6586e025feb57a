"""Studies: one YAML file that names arms, evaluations, judges, seeds and contrasts; and running it."""
