"""Paper B's studies on a random Qwen2 model as Sender, that says nothing anybody understands."""

import pytest


@pytest.mark.parametrize("shown", ["b-senders", "b-optimum"])
def test_a_study_runs_as_it_is(shown, run_shipped) -> None:
    run_shipped(shown, "qwen2")


@pytest.mark.slow
def test_every_study_runs_as_it_is(name, run_shipped) -> None:
    run_shipped(name, "qwen2")


def test_the_command_of_its_header_runs(name, run_own) -> None:
    run_own(name, "qwen2")
