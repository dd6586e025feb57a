"""Every study that ships, on a random Llama model."""

import pytest


@pytest.mark.slow
def test_a_study_that_ships_runs_on_another_model(study, run_shipped) -> None:
    run_shipped(study, "llama")
