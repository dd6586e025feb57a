"""Paper B's studies on a random Llama model as Sender."""

import pytest


@pytest.mark.slow
def test_every_study_runs_as_it_is(name, run_shipped) -> None:
    run_shipped(name, "llama")


@pytest.mark.slow
def test_the_command_of_its_header_runs(name, run_own) -> None:
    run_own(name, "llama")
