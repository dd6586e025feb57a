"""How counts, lists and sentences are written."""

from suasion.study.phrases import listed, sentence, times


def test_lists_and_counts_read_as_english() -> None:
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (times(1, "seed"), times(4, "seed"), times(0, "seed")) == (
        "1 seed",
        "4 seeds",
        "0 seeds",
    )


def test_a_sentence_begins_large_and_ends_with_a_stop() -> None:
    assert sentence("evil/L2/c4 did it") == "Evil/L2/c4 did it."
    assert sentence("") == "."
