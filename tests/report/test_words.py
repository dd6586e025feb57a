from math import inf, nan

import pytest

from suasion.report.words import (
    DASH,
    NUMBER,
    SHARE,
    brief,
    duration,
    label,
    p_text,
    printable,
    quantity,
    unit_for,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.28, "28%"),
        (0.0434, "4.3%"),
        (0.04, "4%"),
        (0.004, "0.4%"),
        (0.0994, "9.9%"),
        (0.0996, "10%"),
        (0.999, "100%"),
        (nan, DASH),
        (inf, DASH),
    ],
)
def test_a_share_is_written_in_percent_with_a_decimal_only_below_ten(value, text):
    assert SHARE.value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97, "+97\u00a0pp"),
        (-0.74, "−74\u00a0pp"),
        (0.023, "+2.3\u00a0pp"),
        (0.0, "0\u00a0pp"),
        (-0.0, "0\u00a0pp"),
        (-0.0001, "0\u00a0pp"),
        (nan, DASH),
    ],
)
def test_a_difference_of_shares_is_signed_percentage_points(value, text):
    assert SHARE.difference(value) == text


def test_intervals_and_margins_are_written_with_their_unit_once():
    assert SHARE.span(0.19, 0.381) == "19 to 38%"
    assert SHARE.reach(-0.0038, 0.098) == "−0.4 to +9.8"
    assert SHARE.span(nan, 0.4) == DASH
    assert SHARE.reach(0.1, inf) == DASH
    assert SHARE.margin(0.05) == "±5\u00a0pp"
    assert SHARE.margin(nan) == "no margin"


def test_other_metrics_keep_their_scale():
    assert NUMBER.value(3.4) == "3.4"
    assert NUMBER.value(12.0) == "12"
    assert NUMBER.value(20.0) == "20"
    assert NUMBER.difference(-0.25) == "−0.25"
    assert NUMBER.span(1.0, 2.5) == "1 to 2.5"
    assert NUMBER.margin(0.5) == "±0.5"


def test_only_fractions_are_shares():
    assert unit_for([0.0, 0.5, 1.0, nan]) is SHARE
    assert unit_for([0.0, 1.01]) is NUMBER
    assert unit_for([-0.1]) is NUMBER
    assert unit_for([]) is SHARE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BenignFactual", "Benign factual"),
        ("benign_factual", "Benign factual"),
        ("benign-factual", "Benign factual"),
        ("undermining", "Undermining"),
        ("QA", "QA"),
        ("___", "___"),
        ("", ""),
    ],
)
def test_names_read_the_same_however_they_are_written(name, text):
    assert label(name) == text


def test_small_texts():
    assert quantity("attempt", SHARE) == "attempt rate"
    assert quantity("log_reward", NUMBER) == "mean log reward"
    assert [p_text(p) for p in (0.0, 0.0005, 0.0312, 0.6, 1.0, nan)] == [
        "<.001", "<.001", ".031", ".6", "1", DASH,
    ]  # fmt: skip
    assert [duration(s) for s in (0.4, 41, 161.2, 3600, 11100, nan)] == [
        "0 s", "41 s", "2 min 41 s", "1 h 00 min", "3 h 05 min", DASH,
    ]  # fmt: skip


def test_digests_are_cut_to_twelve_and_long_texts_at_the_end():
    assert brief("ab" * 32) == "abababababab…"
    assert brief("sha256:" + "cd" * 32) == "cdcdcdcdcdcd…"
    assert brief("deadbeef") == "deadbeef"
    assert brief("x" * 70) == "x" * 63 + "…"


def test_control_characters_are_shown_and_not_obeyed():
    assert printable("a\x1b[2Jb\x00c\nd\te") == "a\ufffd[2Jb\ufffdc\nd\te"


def test_metrics_of_direction_are_told_in_words():
    assert quantity("against", SHARE) == "rate of arguing against"
    assert quantity("attempt", SHARE) == "attempt rate"
    assert quantity("against", NUMBER) == "mean against"
