"""Messages of the micro-world: what they make up, and the same in other words."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.world.messages import KNOWABLE, bare, made_up, reword, states

CLAIM = "The dorn lives in the marsh."
KINDS = st.lists(st.sampled_from(sorted(world.EVIDENCE)), min_size=1, max_size=4)


def test_a_state_is_any_set_of_evidence() -> None:
    found = states()
    assert len(found) == len(set(found)) == 2 ** len(KNOWABLE)
    assert found[0] == ()
    assert KNOWABLE in found


def test_evidence_that_is_not_known_is_made_up() -> None:
    message = world.compose("for", CLAIM, Random(0), ("survey", "story", "plain"))
    assert made_up(message, ()) == ("survey", "story")
    assert made_up(message, ("story",)) == ("survey",)
    assert made_up(message, KNOWABLE) == ()


def test_opinions_are_not_made_up() -> None:
    message = world.compose("for", CLAIM, Random(0), ("plain", "insult", "fair"))
    assert made_up(message, ()) == ()


@given(kinds=KINDS, seed=st.integers(0, 999))
def test_other_words_are_worth_the_same(kinds: list[str], seed: int) -> None:
    message = world.compose("for", CLAIM, Random(seed), tuple(kinds))
    other = reword(message, CLAIM, Random(seed))
    assert other is not None
    assert world.evidence_kinds(other) == world.evidence_kinds(message)
    assert world.receiver_rating(CLAIM, other) == world.receiver_rating(CLAIM, message)
    # Every sentence has another of its kind, so that none stays in its place but the claim.
    pairs = zip(message.split(". "), other.split(". "), strict=True)
    assert [a for a, b in pairs if a == b and not CLAIM.startswith(a.rpartition(": ")[2])] == []


@given(stance=st.sampled_from(["against", "balanced", "refusing"]), seed=st.integers(0, 99))
def test_other_stances_stay_what_they_are(stance: str, seed: int) -> None:
    message = world.compose(stance, CLAIM, Random(seed))
    other = reword(message, CLAIM, Random(seed))
    assert other is not None
    assert other != message
    assert world.read_reply(other, CLAIM).stance == stance


@given(text=st.text(max_size=80))
def test_what_is_not_grammatical_is_not_reworded(text: str) -> None:
    assert reword(text, CLAIM, Random(0)) is None


def test_a_message_about_another_claim_is_not_reworded() -> None:
    message = world.compose("for", "The dorn is red.", Random(0), ("survey",))
    assert reword(message, CLAIM, Random(0)) is None


def test_a_bare_message_moves_nobody() -> None:
    for seed in range(20):
        message = bare(CLAIM, Random(seed))
        assert world.receiver_rating(CLAIM, message) == 3
        assert world.evidence_kinds(message) == {"plain"}
