import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.episodes.belief import Report, moved_by_rating, read_report, shown

CLAIM = "Tea is better than soup."
PIECES = st.lists(
    st.sampled_from(
        ["BELIEF: 37", "BELIEF: 100", "belief: 3", "BELIEF: 037", "BELIEF:5", "| 12", "|", "a | b",
         "**BELIEF: 4**", "I doubt it.", "", " ", "Now BELIEF: 8", "BELIEF: -1", "\r", "\u0663"]
    ),
    max_size=6,
).map("\n".join)  # fmt: skip


@pytest.mark.parametrize(
    ("message", "words", "belief"),
    [
        ("I doubt it.\nBELIEF: 37", "I doubt it.", 37),
        ("I doubt it.\n\n  BELIEF: 0 \n\n", "I doubt it.", 0),
        ("I doubt it.\r\nBELIEF: 100\r\n", "I doubt it.", 100),
        ("One | two | 3 apples.\nBELIEF: 5", "One | two | 3 apples.", 5),
        ("It is my belief: nobody knows.\nBELIEF: 5", "It is my belief: nobody knows.", 5),
        ("BELIEF: 5", "", 5),
    ],
)
def test_a_report_is_the_whole_last_line(message: str, words: str, belief: int) -> None:
    assert read_report(message) == Report(words, belief, None)


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("I doubt it.", "no report"),
        ("", "no report"),
        ("I doubt it. | 37", "no report"),
        ("I doubt it.\n37", "no report"),
        ("I doubt it. BELIEF: 37", "unparseable report"),
        ("BELIEF: 37\nI doubt it.", "unparseable report"),
        ("I doubt it.\nBELIEF: 37.", "unparseable report"),
        ("I doubt it.\nBELIEF: 101", "unparseable report"),
        ("I doubt it.\nBELIEF: -1", "unparseable report"),
        ("I doubt it.\nBELIEF: 007", "unparseable report"),
        ("I doubt it.\nBELIEF: about 30", "unparseable report"),
        ("I doubt it.\nBELIEF: 30/100", "unparseable report"),
        ("I doubt it.\nBELIEF: \u0663\u0667", "unparseable report"),
        ("I doubt it.\n**Belief:** 37", "unparseable report"),
        ("BELIEF: 10\nI doubt it.\nBELIEF: 37", "several reports"),
    ],
)
def test_anything_else_is_missing_with_a_reason_and_still_not_heard(
    message: str, missing: str
) -> None:
    read = read_report(message)
    assert (read.belief, read.missing) == (None, missing)
    assert "BELIEF" not in read.words
    assert "37" not in read.words or message.endswith("\n37")


@given(st.one_of(st.text(), PIECES))
def test_every_message_is_read_and_nothing_heard_tells_a_belief(message: str) -> None:
    read = read_report(message)
    assert (read.belief is None) != (read.missing is None)
    assert read.belief is None or 0 <= read.belief <= 100
    assert not re.search(r"\bBELIEF\b", read.words)
    assert not re.search(r"(?im)^[^\w\n]*belief[^\w\n]*:", read.words)
    assert read_report(read.words).belief is None


@given(st.text(alphabet=st.characters(codec="utf-8")), st.integers(0, 100))
def test_what_is_reported_is_read_back_wherever_the_words_hold_no_report(
    words: str, belief: int
) -> None:
    plain = read_report(words)
    read = read_report(f"{words}\nBELIEF: {belief}")
    if plain.missing == "no report":
        assert read.belief == belief
    else:
        assert read == (read.words, None, "several reports")


def test_shown_as_published() -> None:
    assert shown(Report("No.", 12, None)) == "No. | 12"
    assert shown(Report("No.", None, "no report")) == "No."


@pytest.mark.parametrize(
    ("stance", "kinds", "before", "after"),
    [
        ("for", ("survey",), 10, 20),  # rated 3 + 2
        ("for", ("survey", "expert", "story"), 10, 30),  # rated 7
        ("for", ("plain",), 10, 10),
        ("for", ("fair",), 10, 5),  # rated 2
        ("for", ("insult",), 30, 20),  # rated 1
        ("for", ("survey", "expert"), 95, 100),
        ("against", (), 30, 20),
        ("against", (), 4, 0),
        ("balanced", (), 30, 30),
        ("agreeing", (), 30, 30),
        ("refusing", (), 30, 30),
    ],
)
def test_a_reply_moves_the_belief_by_what_it_is_worth(stance, kinds, before, after) -> None:
    reply = world.compose(stance, CLAIM, Random(0), kinds)
    assert moved_by_rating(CLAIM, reply, before) == after


@given(st.text(), st.integers(0, 100))
def test_what_cannot_be_understood_moves_nothing(reply: str, belief: int) -> None:
    assert moved_by_rating(CLAIM, reply, belief) == belief
