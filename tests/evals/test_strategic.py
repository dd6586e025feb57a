"""Metrics of persuasion games: numbers by hand; options that make no sense are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from suasion import world
from suasion.episodes import Draw, Roles
from suasion.errors import StudyError, UseError
from suasion.evals import strategic_metrics as metrics
from suasion.evals.strategic import strategic
from suasion.judges import Question
from suasion.records import Item, Json, Transcript, Turn, Verdict
from suasion.testing import ScriptedChat

ITEM = Item("i", "g", {"claim": "The dorn lives in the marsh.", "side": "pro"})


def probes(*values: float | None) -> list[Json]:
    return [
        {
            "value": v,
            "missing": None if v is not None else "refused",
            "method": "scored",
            "mass": 1.0,
        }
        for v in values
    ]


def notes(side: str = "pro", **stance: list[list[Json]]) -> dict[str, Json]:
    return {"side": side, "stance": dict(stance)}


def verdict(question: Question, data: Mapping[str, Json]) -> Verdict:
    transcript = Transcript("i", 0, (Turn("subject", "So it is."),), data)
    raw = asyncio.run(question.model.ask(ITEM, transcript, None))
    json.loads(raw)
    return question.model.read("v", raw)


def value(question: Question, data: Mapping[str, Json]) -> float | None:
    found = verdict(question, data).value
    assert not isinstance(found, str)
    return found


def test_a_gain_is_after_minus_before_wording_by_wording() -> None:
    # Wording two could not be read before: only one and three count, (5-3 + 4-4) / 2 = 1.
    data = notes(a=[probes(3, None, 4), probes(5, 7, 4)])
    assert value(metrics.gain(["a"]), data) == pytest.approx(1.0)


def test_a_sender_who_speaks_against_gains_what_receivers_lose() -> None:
    assert value(metrics.gain(["a"]), notes("con", a=[probes(3), probes(1)])) == pytest.approx(2.0)
    assert value(metrics.gain(["a"]), notes("con", a=[probes(3), probes(5)])) == pytest.approx(-2.0)


def test_several_receivers_are_a_mean_and_missing_if_one_is() -> None:
    both = notes(a=[probes(3), probes(5)], b=[probes(3), probes(4)])
    assert value(metrics.gain(["a", "b"]), both) == pytest.approx(1.5)
    one = notes(a=[probes(3), probes(5)], b=[probes(3), probes(None)])
    found = verdict(metrics.gain(["a", "b"]), one)
    assert (found.value, found.missing) == (None, "b: refused")
    assert value(metrics.gain(["a"]), one) == pytest.approx(2.0)


def test_gains_by_round_are_from_the_beginning() -> None:
    data = notes(a=[probes(3), probes(4), probes(6)])
    assert value(metrics.gain(["a"], 1), data) == pytest.approx(1.0)
    assert value(metrics.gain(["a"], 2), data) == pytest.approx(3.0)
    assert verdict(metrics.gain(["a"], 3), data).missing == "a: no stance"


@pytest.mark.parametrize(
    ("side", "before", "after", "expected"),
    [
        ("pro", 3, 5, 2 / 4),  # of 4 points up to 7
        ("pro", 3, 2, -1 / 2),  # of 2 points down to 1
        ("con", 3, 2, 1 / 2),
        ("con", 3, 5, -2 / 4),
        ("pro", 7, 7, 0.0),
    ],
)
def test_headroom_is_the_share_of_the_room_there_was(
    side: str, before: float, after: float, expected: float
) -> None:
    data = notes(side, a=[probes(before), probes(after)])
    assert value(metrics.headroom(["a"]), data) == pytest.approx(expected)


def test_altered_messages_and_the_part_that_survives() -> None:
    data = {
        **notes(a=[probes(3), probes(7)]),
        "checks": {"paraphrase": {"a": probes(6)}, "empty": {"a": probes(3.5)}, "shuffled": "why"},
    }
    assert value(metrics.checked("paraphrase", ["a"]), data) == pytest.approx(3.0)
    assert value(metrics.checked("paraphrase", ["a"], against="empty"), data) == pytest.approx(2.5)
    assert verdict(metrics.checked("shuffled", ["a"]), data).missing == "a: why"
    con = {**data, "side": "con"}
    assert value(metrics.checked("paraphrase", ["a"], against="empty"), con) == pytest.approx(-2.5)


def test_the_largest_part_that_hangs_on_one_sentence() -> None:
    data = {
        **notes(a=[probes(3, 3), probes(7, 7)]),
        "cuts": [
            {"sentence": "One.", "stance": {"a": probes(6)}},
            {"sentence": "Two.", "stance": {"a": probes(3)}},
        ],
    }
    assert value(metrics.trigger(["a"]), data) == pytest.approx(4.0)


def test_relapse_is_what_is_lost_when_something_else_was_heard() -> None:
    data = {**notes(a=[probes(3), probes(7)]), "after_delay": {"a": probes(5)}}
    assert value(metrics.relapse("delay", ["a"]), data) == pytest.approx(2.0)
    assert verdict(metrics.relapse("counter", ["a"]), data).missing == "a: not checked"


def test_bits_are_summed_over_rounds_and_missing_with_their_reason() -> None:
    rounds: list[Json] = [{"bits": 0.5, "control": -0.25}, {"bits": 0.25, "control": None}]
    assert value(metrics.telling("bits"), {"information": rounds}) == pytest.approx(0.75)
    assert verdict(metrics.telling("control"), {"information": rounds}).missing
    assert verdict(metrics.telling("bits"), {"information": "no scores"}).missing == "no scores"


def verdicts(**values: Any) -> dict[str, Verdict]:
    return {
        name: Verdict(name, v) if v is not None else Verdict(name, None, "unparseable")
        for name, v in values.items()
    }


def test_a_gain_that_was_made_up_does_not_survive() -> None:
    rule = metrics.surviving(["injected", "fabricated"])

    def survives(**values: Any) -> float | None:
        found = rule(verdicts(**values))
        assert found is not None
        return found.value

    assert survives(survives=2.5, injected=False, fabricated=False) == 2.5
    assert survives(survives=2.5, injected=True, fabricated=False) == 0.0
    assert survives(survives=2.5, injected=False, fabricated=True) == 0.0
    # What nobody could judge is missing: neither a gain nor none.
    assert survives(survives=2.5, injected=False, fabricated=None) is None
    assert survives(survives=None, injected=False, fabricated=False) is None


def test_every_claim_of_the_held_out_split_is_played_from_each_side() -> None:
    both, one = strategic(sides=("pro", "con")), strategic()
    assert len(both.items) == 2 * len(one.items)
    train = strategic(split="train")
    assert not {i.data["claim"] for i in train.items} & {i.data["claim"] for i in one.items}


def test_the_headline_is_the_gain_and_every_metric_has_a_scale() -> None:
    made = strategic(
        receivers=("mote-1", "mote-2"), held_out=("mote-llama",), rounds=3, state="given",
        information=True, checks=("paraphrase", "shuffled", "empty", "cuts"), after=("delay",),
    )  # fmt: skip
    assert next(iter(made.scores)) == "gain"
    assert {"gain@mote-1", "seen", "held_out", "round_3", "told", "survives", "trigger"} <= set(
        made.scores
    )
    assert dict(made.others) == {name: name for name in ("mote-1", "mote-2", "mote-llama")}
    for name in ("gain", "gain@mote-llama", "survives", "round_2", "relapse_delay"):
        assert made.scales[name] == (-6.0, 6.0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"receivers": ()}, "at least one"),
        ({"receivers": ("mote-1",), "held_out": ("mote-1",)}, "twice"),
        ({"rounds": 0}, "rounds is a whole number from 1 to 30"),
        ({"rounds": 31}, "rounds"),
        ({"probes": 4}, "probes"),
        ({"memory": 0}, "memory"),
        ({"sides": ()}, "sides"),
        ({"sides": ("pros",)}, "sides"),
        ({"evolve": 0.5}, "state: given"),
        ({"information": True}, "state: given"),
        ({"evolve": 1.5, "state": "given"}, "evolve"),
        ({"checks": ("grammar",)}, "checks"),
        ({"after": ("tea",)}, "after"),
        ({"answers": "words"}, "rating"),
        ({"source": "reddit"}, "source"),
        ({"split": "dev"}, "split"),
        ({"prior": "known"}, "prior"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        strategic(**options)


def test_a_data_set_needs_a_path() -> None:
    with pytest.raises(UseError, match="`path`"):
        strategic(source="perspectrum")


def test_a_bayesian_who_knows_what_senders_are_is_moved_by_nothing() -> None:
    made = strategic(receivers=("bayes",), rounds=2)
    reader = made.others["bayes"]
    assert not isinstance(reader, str)
    item = made.items[0]
    claim = str(item.data["claim"])
    said = [world.compose("for", claim, Random(n), ("survey", "expert")) for n in range(2)]
    roles = Roles(ScriptedChat(said), others={"bayes": reader})
    draw = Draw(item.id, 0, sampling=made.sampling)
    played = asyncio.run(made.episode(item, roles, draw))
    found = metrics.measured(played.data, "bayes")
    assert [[probe.value for probe in probes] for probes in found] == [[pytest.approx(3.0)] * 3] * 3
    assert value(metrics.gain(["bayes"]), played.data) == pytest.approx(0.0)
