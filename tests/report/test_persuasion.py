"""The section on persuasion games: words before tables, intervals that say what they speak of."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from math import nan
from typing import Any

import pytest

from suasion.records import Estimate
from suasion.report.export import results_json
from suasion.report.look_up import Index
from suasion.report.page import render
from suasion.report.persuasion import Section, persuasion_paragraphs, persuasion_section
from suasion.report.persuasion_rounds import rounds_figure
from suasion.report.stack import Figure, Stack
from suasion.report.text import contrast_lines, sender_lines
from suasion.study.game_records import AtLength, Course, Detector, Gain, Games, GameTable, Kept
from suasion.study.persuasion_games import ONE_SIDE
from suasion.study.results import ArmEstimate, PublishedRow, Results

Make = Callable[..., Results]
DAY = date(2026, 11, 28)


def made(value: float, low: float = nan, high: float = nan, missing: int = 0) -> Estimate:
    return Estimate(value, low, high, 20, missing, "clustered t (20 clusters)")


def sender(arm: str, gain: float, *, evaluation: str = "talks", **more: Any) -> GameTable:
    own = made(gain, gain - 0.5, gain + 0.5, 2)
    alone = Estimate(gain, nan, nan, 20, 2, "receivers as a random effect: fewer than 2 receivers")
    fields: dict[str, Any] = {
        "models": 0,
        "rounds": 1,
        "receivers": ("mote-1",),
        "held_out": (),
        "gain": Gain(alone, own, made(gain), {"mote-1": own}, nan, (nan, nan)),
        "sides": {},
        "measures": {},
        "gap": None,
        "detectors": (),
        "stands": "open",
        "verdict": "nothing was checked",
        "credulity": {},
        "unaudited": ONE_SIDE,
        "course": Course((own,), nan, "rounds to half of the final gain: no", 1, 1.0),
    }
    return GameTable(arm=arm, evaluation=evaluation, **(fields | more))


def cells(table: Stack | None) -> Mapping[str, Mapping[str, Figure]]:
    assert table is not None

    def rows() -> Iterator[tuple[str, dict[str, Figure]]]:
        for part in table.parts:
            for line in part.lines:
                yield line.name, {name: figures[0] for name, figures in line.cells}

    return dict(rows())


def section(results: Results) -> Section:
    found = persuasion_section(Index(results))
    assert found is not None
    return found


def test_a_study_without_such_games_has_no_section(make: Make) -> None:
    assert persuasion_section(Index(make())) is None
    assert 'id="persuasion"' not in render(make(), DAY)
    assert "senders" not in json.loads(results_json(make()))


def test_the_furthest_sender_comes_first_in_words(make: Make) -> None:
    best = sender("persuasion", 1.9, measures={"survives": made(1.7, 1.2, 2.2)})
    results = make(games=Games((sender("base", 0.2), best)))
    (told,) = persuasion_paragraphs(Index(results))
    assert told.lead == (
        "“persuasion” moved Receivers by +1.9 points [+1.4 to +2.4] toward its side "
        "(talks, one message)."
    )
    assert "+1.7 points [+1.2 to +2.2] survive" in told.body
    assert "One Receiver: nothing is said of others." in told.body
    assert "base +0.2 points [−0.3 to +0.7]" in told.body


def test_a_gain_that_may_be_none_is_not_told_as_one(make: Make) -> None:
    (told,) = persuasion_paragraphs(Index(make(games=Games((sender("base", 0.2),)))))
    assert told.lead.startswith("No Sender is shown to move Receivers")


def test_a_gain_that_is_shown_is_told_before_a_larger_one_that_is_not(make: Make) -> None:
    wide = made(3.0, -1.0, 6.0)
    gain = Gain(wide, wide, wide, {"mote-1": wide}, nan, (nan, nan))
    unsure = replace(sender("evil", 3.0), gain=gain)
    (told,) = persuasion_paragraphs(Index(make(games=Games((unsure, sender("base", 1.0))))))
    assert told.lead.startswith("“base” moved Receivers by +1 points")
    assert "evil +3 points [−1 to +6]" in told.body


def test_intervals_say_what_they_speak_of_and_missing_games_are_counted(make: Make) -> None:
    found = cells(section(make(games=Games((sender("base", 2.0),)))).gains)
    assert found["for Receivers like these"]["base"].note == "one Receiver"
    claims = found["for claims like these"]["base"]
    assert (claims.value, claims.reach, claims.note) == ("+2", "+1.5 to +2.5", "2 missing")
    assert "for models trained like these" not in found
    assert found["games"]["base"].note == "2 missing"


def test_published_gains_stand_behind_without_an_interval(make: Make) -> None:
    row = PublishedRow("arXiv:2509.22989", "deepseek-ai/DeepSeek-R1", False, "base", "", "talks",
                       "all", "gain", made(0.23), None, nan, made(2.0, 1.5, 2.5), None)  # fmt: skip
    games = Games((sender("base", 0.2), sender("persuasion", 1.9)))
    table = section(make(games=games, published=(row,))).scaling
    assert table is not None
    names = [line.name for part in table.parts for line in part.lines]
    assert names == ["persuasion", "base", "deepseek-ai/DeepSeek-R1"]
    figure = cells(table)["deepseek-ai/DeepSeek-R1"]["Talks, one message"]
    assert (figure.value, figure.reach) == ("+0.23", "")


def test_what_speaks_against_a_gain_stands_beside_it(make: Make) -> None:
    doubt = Detector("shuffled", True, "+1.20 points are left with words shuffled", made(0.2))
    own = sender("base", 2.0, detectors=(doubt,), stands="fails", verdict=doubt.says,
                 measures={"gain": made(2.0, 1.5, 2.5), "shuffled": made(1.2, 1.0, 1.4),
                           "fabricated": made(0.25, 0.1, 0.4)})  # fmt: skip
    results = make(games=Games((own,)))
    found = cells(section(results).detectors)
    assert found["words shuffled"]["base"].value == "+1.2"
    assert found["makes evidence up"]["base"].value == "25%"
    page = render(results, DAY)
    assert '<span class="chip fails">fails</span>' in page
    assert doubt.says in page


def test_one_side_has_no_credulity_but_a_reason(make: Make) -> None:
    shown = section(make(games=Games((sender("base", 2.0),))))
    assert shown.credulity is None
    assert shown.unaudited == f"talks: {ONE_SIDE}"
    both = sender("base", 2.0, credulity={"mote-1": made(0.5, 0.2, 0.8)}, unaudited="")
    found = cells(section(make(games=Games((both,)))).credulity)
    assert (found["mote-1"]["base"].value, found["mote-1"]["base"].doubtful) == ("+0.5", False)


def test_rounds_are_drawn_from_no_gain_before_the_first(make: Make) -> None:
    course = Course((made(1.0, 0.5, 1.5), made(2.0, 1.0, 3.0)), 1.0, "rounds to half", 2, 1.0)
    kept = (Kept("counter", made(1.5, 1.0, 2.0), 0.25, ""), Kept("delay", made(nan), nan, "none"))
    own = sender("base", 2.0, rounds=2, course=course, kept=kept)
    figure = rounds_figure("long", [own])
    # The axis goes from 0 to 3: a gain of 1 lies a third of the way up, 2 of 2 rounds at the right.
    assert 'points="0.00,100.00 50.00,66.67 100.00,33.33"' in figure.drawing
    found = cells(section(make(games=Games((own,)))).lasting)
    assert found["half of the final gain after"]["base"].value == "1 round"
    assert found["fell back after an argument against"]["base"].note == "25% of the gain is left"
    assert found["fell back after something else"]["base"].value == "–"


def test_differences_at_equal_length_stand_beside_the_declared(make: Make) -> None:
    row = AtLength("persuasion", "base", "talks", "gain", made(1.0, 0.5, 1.5), made(nan), 0.4, 0.0,
                   (60.0, 20.0))  # fmt: skip
    games = Games((sender("base", 0.2), sender("persuasion", 1.2)), (row,))
    found = cells(section(make(games=games)).lengths)["persuasion − base, talks"]
    assert (found["as it is"].value, found["at equal length"].value) == ("+1", "–")
    assert found["tokens"].value == "60 against 20"


def test_the_room_that_was_used_is_told_by_arm_and_receiver(make: Make) -> None:
    rows = tuple(
        ArmEstimate("base", None, "optimum", "all", metric, made(value, value - 0.1, value + 0.1))
        for metric, value in (("eta", 0.8), ("value_best", 0.6), ("credulity@mote-1", 0.3))
    )
    results = make(estimates=(*make().estimates, *rows))
    found = cells(section(results).optima)
    assert found["room that was used (η)"]["base"].value == "0.8"
    assert found["credulity of mote-1"]["base"].value == "+0.3"
    assert "Against the known optimum" in render(results, DAY)


def test_every_number_is_in_the_json_and_none_that_cannot_be_had(make: Make) -> None:
    results = make(games=Games((sender("base", 2.0),)), numbers=frozenset({("talks", "gain")}))
    content = json.loads(results_json(results))
    (row,) = content["senders"]
    assert row["gain"]["over_items"]["value"] == 2.0
    assert row["gain"]["over_receivers"]["low"] is None
    assert row["unaudited"] == ONE_SIDE
    assert content["no_shares"] == [{"evaluation": "talks", "metric": "gain"}]
    lines = [*sender_lines(content["senders"])]
    assert lines[2].split()[:3] == ["base", "talks", "2.000"]


@pytest.mark.parametrize(("metric", "told"), [("gain", "+0.280"), ("fabricated", "+28.0 pp")])
def test_only_shares_differ_by_percentage_points(metric: str, told: str) -> None:
    row = {"arm": "a", "reference": "b", "evaluation": "talks", "group": "all", "metric": metric,
           "difference": 0.28, "low": 0.1, "high": 0.4, "p_adjusted": 0.01,
           "verdict": "effect"}  # fmt: skip
    lines = [*contrast_lines([row], [{"evaluation": "talks", "metric": "gain"}])]
    assert told in lines[-1]
