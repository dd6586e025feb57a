from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.models.likert import LABELS, LONGEST, Reading, read_likert

CORPUS = [
    line.split("\t", 1)
    for line in Path(__file__).with_name("likert_corpus.tsv").read_text("utf-8").split("\n")
    if line
]
"""What is to be read (- for nothing) and a reply, `\\n` and `\\\\` escaped; made by hand."""


def reply(written: str) -> str:
    return written.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def test_the_corpus_is_large_and_has_both_kinds():
    kinds = [want == "-" for want, _ in CORPUS]
    assert len({text for _, text in CORPUS}) == len(CORPUS) >= 200
    assert kinds.count(True) >= 100
    assert kinds.count(False) >= 100


def test_no_reply_of_the_corpus_is_read_as_what_it_does_not_say():
    read = {text: read_likert(reply(text)).value for _, text in CORPUS}
    wrong = {text: read[text] for want, text in CORPUS if str(read[text] or "-") != want}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<think>5</think>", "empty"),
        ("between 3 and 4", "a range"),
        ("3-4", "a range"),
        ("-1", "outside the scale"),
        ("0", "outside the scale"),
        ("8", "outside the scale"),
        ("4.5", "not a whole number"),
        ("5%", "a percentage"),
        ("not a 7", "negated"),
        ("Rating: 3\nRating: 5", "several numbers"),
        ('{"rating": 5, "rating": 3}', "several numbers"),
        ("I cannot answer that.", "declined"),
        ("The message is convincing.", "no answer"),
        ("7 people read it.", "unreadable"),
        ("5" * (LONGEST + 1), "too long"),
    ],
)
def test_what_is_missing_says_why(text, reason):
    assert read_likert(text) == Reading(None, reason)


def test_other_scales_have_other_ends_and_no_labels():
    assert read_likert("80", 0, 100).value == 80
    assert read_likert("0", 0, 100).value == 0
    assert read_likert("80 out of 100", 0, 100).value == 80
    assert read_likert("ten", 0, 10).value == 10
    assert read_likert("101", 0, 100).missing == "outside the scale"
    assert read_likert("4 out of 7", 0, 100).value is None
    assert read_likert("agree", 1, 5).value is None
    assert read_likert("5*6", 0, 100).value is None
    for low, high in ((-3, 3), (5, 5), (7, 1)):
        with pytest.raises(ValueError, match="cannot be read"):
            read_likert("3", low, high)


@given(st.one_of(st.text(), st.text(alphabet=' 0123456789.,/-+%()[]{}":;*_\n７½agreenotdis')))
def test_whatever_is_said_there_is_a_number_on_the_scale_or_a_reason(text):
    reading = read_likert(text)
    assert (reading.value is None) != (reading.missing is None)
    assert reading.value is None or 1 <= reading.value <= 7


@given(st.integers(-50, 50), st.sampled_from(["{}", "**{}**", "{}/7", "Rating: {}.", "[{}]"]))
def test_only_numbers_on_the_scale_are_read(number, form):
    reading = read_likert(form.format(number))
    assert reading.value == (number if 1 <= number <= 7 else None)


@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from([" or ", "-", "\n", ", ", " to "]))
def test_two_numbers_are_none(first, second, between):
    read = read_likert(f"{first}{between}{second}").value
    assert read is None or (between == "\n" and read == first == second)


@given(st.sampled_from(sorted(LABELS)), st.integers(1, 7))
def test_a_number_and_a_label_must_agree(label, number):
    read = read_likert(f"{number} ({label})").value
    assert read == (number if LABELS[label] == number else None)
