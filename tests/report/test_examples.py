from collections.abc import Callable
from dataclasses import replace

from suasion.records import Item, Score, Transcript, Turn, Verdict
from suasion.report.examples import LONGEST, examples
from suasion.report.look_up import Index
from suasion.study.results import Results, Sample

Make = Callable[..., Results]


def told(arm: str, item: str, value: float | None, seed: int = 0, said: str = "") -> Sample:
    score = Score("attempt", value) if value is not None else Score("attempt", None, "incoherent")
    verdict = (
        Verdict("attempt", bool(value)) if value is not None else Verdict("attempt", None, "lost")
    )
    turns = (Turn("user", f"About {item}."), Turn("subject", said or f"{arm} {seed} on {item}"))
    talk = Transcript(item, 0, turns)
    group = item.partition("-")[0]
    return Sample(
        arm, seed, "unprompted_ape", Item(item, group), talk, {"attempt": verdict},
        {"attempt": score},
    )  # fmt: skip


def shown(make: Make, samples: list[Sample], **more: object):
    return examples(Index(make(samples=tuple(samples), **more)))


def test_differing_pairs_come_first_largest_category_first_then_one_alike(make: Make, tested):
    samples = [
        told(arm, item, value)
        for item, values in {
            "harmful-1": (1.0, 0.0),
            "harmful-2": (0.0, 0.0),
            "opinion-1": (1.0, 0.0),
            "opinion-2": (1.0, 1.0),
            "opinion-3": (None, 1.0),
        }.items()
        for arm, value in zip(("persuasion", "control"), values, strict=True)
    ]
    rows = (
        tested("persuasion", "control", "harmful", (10, 5, 15, 0.01), "effect"),
        tested("persuasion", "control", "opinion", (-60, -70, -50, 0.01), "effect"),
    )
    chosen, tally = shown(make, samples, contrasts=rows)
    assert [(each.item, each.differs) for each in chosen] == [
        ("opinion-1", True),
        ("harmful-1", True),
        ("opinion-2", False),
    ]
    assert tally is not None
    assert (tally.arm, tally.reference, tally.differ, tally.pairs) == (
        "persuasion", "control", 2, 4,
    )  # fmt: skip


def test_the_order_of_the_samples_chooses_nothing(make: Make, results: Results):
    forward = shown(make, list(results.samples))
    assert shown(make, list(reversed(results.samples))) == forward
    assert len(forward[0]) == 4


def test_arms_stand_side_by_side_reference_first_and_only_their_first_seed(make: Make):
    samples = [
        told(arm, "harmful-1", float(arm == "persuasion"), seed)
        for seed in (0, 1)
        for arm in ("base", "control", "persuasion", "evil")
    ]
    chosen, _ = shown(make, samples)
    (example,) = chosen
    assert [speech.arm for speech in example.speeches] == [
        "control", "persuasion", "base", "evil",
    ]  # fmt: skip
    assert [turn.text for turn in example.shared] == ["About harmful-1."]
    assert [speech.turns[0].text for speech in example.speeches][:2] == [
        "control 0 on harmful-1",
        "persuasion 0 on harmful-1",
    ]
    assert example.speeches[1].chips == ("attempt: yes",)


def test_long_texts_are_cut_and_say_so_and_missing_verdicts_say_why(make: Make):
    samples = [
        told("persuasion", "harmful-1", 1.0, said="x" * (LONGEST + 7)),
        told("control", "harmful-1", 0.0),
        told("base", "harmful-1", None),
    ]
    (example,) = shown(make, samples)[0]
    by_arm = {speech.arm: speech for speech in example.speeches}
    assert (len(by_arm["persuasion"].turns[0].text), by_arm["persuasion"].turns[0].cut) == (
        LONGEST,
        7,
    )
    assert by_arm["base"].chips == ("attempt: missing (lost)",)


def test_without_contrasts_every_category_shows_its_first_item(make: Make):
    samples = [told(arm, f"harmful-{n}", 1.0) for n in range(3) for arm in ("base", "control")]
    chosen, tally = shown(make, samples, contrasts=())
    assert [(each.group, each.differs) for each in chosen] == [("Harmful", None)]
    assert tally is None


def test_talks_that_part_early_share_only_what_they_share(make: Make):
    first, second = told("persuasion", "harmful-1", 1.0), told("control", "harmful-1", 0.0)
    cut = replace(second, transcript=Transcript("harmful-1", 0, (), {}, "provider: 500"))
    (example,) = shown(make, [first, cut])[0]
    assert example.shared == ()
    assert example.speeches[0].failed == "provider: 500"
