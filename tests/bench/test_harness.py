import pytest

from suasion.bench import harness
from suasion.bench.gate import GateFailed
from suasion.bench.sizes import Harness


def test_an_episode_of_ours_is_a_stored_one() -> None:
    spec = harness.study(1)
    said = harness.conversations(spec)
    episode_s, whole_s = harness.run_ours(spec, Harness(1, 8), len(said))
    assert 0 < episode_s < whole_s


def test_a_missing_episode_is_no_speed() -> None:
    spec = harness.study(1)
    with pytest.raises(GateFailed, match="of 1 episodes"):
        harness.run_ours(spec, Harness(1, 8), 1)


def test_at_least_so_many_episodes_in_whole_repetitions() -> None:
    once = len(harness.conversations(harness.study(1)))
    assert len(harness.conversations(harness.study(once + 1))) == 2 * once


def test_the_instant_base_can_only_speak() -> None:
    from suasion.errors import UseError

    base = harness.Instant(4)
    with pytest.raises(UseError, match="can only speak"):
        _ = base.inside
