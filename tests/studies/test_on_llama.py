"""Every study that ships, on a random Llama model."""


def test_a_study_that_ships_runs_on_another_model(study, run_shipped) -> None:
    run_shipped(study, "llama")
