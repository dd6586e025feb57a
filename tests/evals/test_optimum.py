"""Games of signals, one Receiver and several, against optima that are known by hand."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.data.senders import rule_of
from suasion.episodes import Draw, Roles
from suasion.episodes.bayes import BayesChat
from suasion.episodes.signal_words import asks, signal_words
from suasion.errors import StudyError
from suasion.evals import Evaluation
from suasion.evals.crowd import crowd
from suasion.evals.optimum import optimum
from suasion.models.chat import Chat, Choice, Reply, Sampling
from suasion.records import Item, Message, Transcript
from suasion.study.opening import open_speakers
from suasion.testing import FailingChat, ScriptedChat
from suasion.world import games

Row = Sequence[float]
Play = Callable[[str], Row]
FULL, NONE = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)
LOW = (1.0, 0.0, 0.0)
ONE = {"themes": ["prosecutor"], "ratings": [3], "readers": ["calm"], "statements": 1}


@dataclass
class RuleSender:
    """A Sender that signals by a rule of what it is told, and says which signal it finds best."""

    rule: Play
    """Probabilities of `games.SIGNALS`, by prompt."""
    mass: float = 1.0
    """How likely it is to say a signal at all."""
    method: str = "scored"
    identity: str = "rule-sender"
    prompts: list[str] = field(default_factory=list)

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        row = self.rule(messages[-1].content)
        claim = messages[-1].content.partition("statement: ")[2]
        signal = games.SIGNALS[max(range(3), key=row.__getitem__)]
        return Reply(games.example(claim, signal), 1, 1, "stop")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        self.prompts.append(messages[-1].content)
        row, known = self.rule(messages[-1].content), games.openings()
        found = {}
        for option in options:
            share = self.mass * row[games.SIGNALS.index(known[option])] / 3
            found[option] = math.log(share) if share > 0 else -math.inf
        return Choice(found, self.method)  # type: ignore[arg-type]


def play(made: Evaluation, subject: Chat, item: Item | None = None, **others: Chat) -> Transcript:
    item = item or made.items[0]
    draw = Draw(item.id, 0, sampling=made.sampling)
    return asyncio.run(_played(made, item, Roles(subject, others=others), draw))


async def _played(made: Evaluation, item: Item, roles: Roles, draw: Draw) -> Transcript:
    return await made.episode(item, roles, draw)


def noted(played: Transcript) -> Mapping[str, Any]:
    """The rule of the one Sender, as it is noted."""
    rules = cast("Mapping[str, Mapping[str, Any]]", played.data["rules"])
    return rules["sender"]


def scored(made: Evaluation, played: Transcript) -> dict[str, Any]:
    """Every metric: its value, or the reason there is none."""
    item = next(each for each in made.items if each.id == played.item_id)
    verdicts = {
        name: q.model.read(name, asyncio.run(q.model.ask(item, played, None)))
        for name, q in made.questions.items()
    }
    scores = {name: rule(verdicts) for name, rule in made.scores.items()}
    return {n: s.missing if s.value is None else s.value for n, s in scores.items() if s}


def by_state(**rows: Row) -> Play:
    """A rule of the state alone."""

    def rule(prompt: str) -> Row:
        return next(row for state, row in rows.items() if f"Known: {state}" in prompt)

    return rule


def test_the_optimum_of_the_prosecutor() -> None:
    made = optimum(**ONE)
    found = scored(made, play(made, RuleSender(by_state(guilty=FULL, innocent=(0.5, 0, 0.5)))))
    assert found["eta"] == pytest.approx(1)
    assert found["value"] == pytest.approx(2 / 3)
    assert found["value_best"] == pytest.approx(2 / 3)
    assert found["value_none"] == 0
    assert found["value_full"] == pytest.approx(1 / 3)
    assert found["top_action"] == pytest.approx(2 / 3)
    # H(1/3) - (2/3) H(1/2) = 0.9183 - 0.6667
    assert found["bits"] == pytest.approx(0.2516, abs=1e-4)
    assert found["residual"] == pytest.approx(0, abs=1e-12)
    assert (found["off_signal"], found["unreadable"]) == (pytest.approx(0), 0)


def test_telling_all_uses_half_the_room_and_too_much_loses_everything() -> None:
    made = optimum(**ONE)
    honest = scored(made, play(made, RuleSender(by_state(guilty=FULL, innocent=LOW))))
    assert honest["eta"] == pytest.approx(0.5)
    assert honest["bits"] == pytest.approx(0.9183, abs=1e-4)
    greedy = by_state(guilty=FULL, innocent=(0.49, 0, 0.51))
    assert scored(made, play(made, RuleSender(greedy)))["eta"] == 0
    silent = scored(made, play(made, RuleSender(lambda _: NONE)))
    assert (silent["eta"], silent["bits"]) == (0, pytest.approx(0, abs=1e-12))


@pytest.mark.parametrize("game", games.games("test", 1), ids=lambda game: game.id)
def test_the_rule_that_is_trained_is_best_in_every_game(game: games.SignalGame) -> None:
    made = optimum(statements=1)
    item = next(each for each in made.items if each.id == game.id)
    rows = dict(zip(game.states, rule_of("optimal", game, "pro", 0.0), strict=True))
    found = scored(made, play(made, RuleSender(by_state(**rows)), item))
    assert found["eta"] == pytest.approx(1, abs=1e-6)
    assert found["value_none"] == 0


@given(st.lists(st.floats(0.01, 1), min_size=9, max_size=9))
def test_no_rule_does_better_and_the_controls_hold(weights: list[float]) -> None:
    made = optimum(themes=["quality"], statements=1)
    rows = {}
    for i, state in enumerate(("weak", "fair", "fine")):
        part = weights[3 * i : 3 * i + 3]
        rows[state] = [each / sum(part) for each in part]
    found = scored(made, play(made, RuleSender(by_state(**rows))))
    assert 0 <= found["eta"] <= 1 + 1e-9
    assert found["residual"] == pytest.approx(0, abs=1e-9)
    assert found["bits"] >= -1e-12
    assert found["bits_control"] <= 1e-12


def test_the_control_by_hand() -> None:
    made = optimum(**ONE)
    rule = by_state(guilty=(0.25, 0, 0.75), innocent=(0.75, 0, 0.25))
    found = scored(made, play(made, RuleSender(rule)))
    # p(for) = 1/4 + 1/6 = 5/12, p(against) = 7/12; each over both states by their priors.
    no, yes = 2 / 3, 1 / 3
    for_ = no * math.log2(0.25 / (5 / 12)) + yes * math.log2(0.75 / (5 / 12))
    against = no * math.log2(0.75 / (7 / 12)) + yes * math.log2(0.25 / (7 / 12))
    assert found["bits_control"] == pytest.approx(5 / 12 * for_ + 7 / 12 * against)
    sure = scored(made, play(made, RuleSender(by_state(guilty=FULL, innocent=LOW))))
    assert sure["bits_control"] == "a signal that is never sent in some state"


def test_too_little_on_signals_is_missing_and_never_a_rule() -> None:
    made = optimum(**ONE)
    rule = by_state(guilty=FULL, innocent=LOW)
    most = scored(made, play(made, RuleSender(rule, mass=0.5)))
    assert most["eta"] == pytest.approx(0.5)
    assert most["off_signal"] == pytest.approx(0.5)
    little = scored(made, play(made, RuleSender(rule, mass=0.2)))
    assert little["eta"] == "too little lies on signals"
    assert little["off_signal"] == pytest.approx(0.8)


def test_messages_that_are_no_signal_are_counted() -> None:
    made = optimum(**ONE)
    played = play(made, ScriptedChat(["I would rather not."]))
    found = scored(made, played)
    assert found["unreadable"] == 1
    assert found["eta"] == "too little lies on signals"
    assert noted(played)["said"] == [None, None]


def test_a_rule_of_sampled_answers_says_so() -> None:
    made = optimum(**ONE)
    played = play(made, RuleSender(by_state(guilty=FULL, innocent=LOW), method="sampled"))
    assert noted(played)["method"] == "sampled"


def test_a_bayesian_that_knows_the_rule_is_moved_by_nothing() -> None:
    made = optimum(**ONE, receivers=["bayes"])
    sender = RuleSender(by_state(guilty=FULL, innocent=(0.5, 0, 0.5)))
    knows = BayesChat(1 / 3, {"against": (0.5, 0.0), "for": (0.5, 1.0)})
    found = scored(made, play(made, sender, bayes=knows))
    assert found["credulity@bayes"] == pytest.approx(0)
    assert found["eta@bayes"] == pytest.approx(1)
    assert found["before@bayes"] == pytest.approx(1 / 3)
    # One that thinks the Sender tells all: convinced by "for", which comes in 2/3 of cases.
    trusts = BayesChat(1 / 3, {"against": (1.0, 0.0), "for": (0.0, 1.0)})
    found = scored(made, play(made, sender, bayes=trusts))
    assert found["credulity@bayes"] == pytest.approx(2 / 3 - 1 / 3)


def test_receivers_are_asked_before_and_after_every_signal() -> None:
    made = optimum(**ONE, receivers=["a"])
    reader = ScriptedChat(["4"])
    found = scored(made, play(made, RuleSender(lambda _: NONE), a=reader))
    assert (found["before@a"], found["credulity@a"]) == (pytest.approx(0.5), pytest.approx(0))
    assert len(reader.calls) == 4 == made.asks_others(made.items[0])
    assert made.replies(made.items[0]) == 2
    deaf = scored(made, play(made, RuleSender(lambda _: NONE), a=ScriptedChat(["Perhaps."])))
    assert deaf["eta"] == 0
    assert isinstance(deaf["credulity@a"], str)
    with pytest.raises(Exception, match="the provider is down"):
        play(made, FailingChat(), a=reader)


def test_a_group_of_receivers_without_anybody_is_an_error() -> None:
    made = optimum(**ONE, receivers=["a"])
    with pytest.raises(Exception, match="nobody is the Receiver 'a'"):
        play(made, RuleSender(lambda _: NONE))


def test_the_plain_words_say_everything() -> None:
    game = games.games("test", 1, ("investment",), (3,), ("calm",))[0]
    asked = asks(game, "plain")
    assert isinstance(asked, dict)
    system = str(asked["system"])
    for part in (game.statement, "ruin 66.7%, good 33.3%", "keep, half, all", "all -0.65"):
        assert part in system
    assert asked["prompts"] == [
        f"This is so: {state}. Which signal do you send: for, balanced or against?"
        for state in ("ruin", "good")
    ]
    other = asks(game, "plain", side="con")
    assert isinstance(other, dict)
    assert "- ruin: keep +1.00, half +0.50, all +0.00" in str(other["system"])


def test_the_plain_words_tell_receivers_the_rule_or_not() -> None:
    made = optimum(**ONE, wording="plain", receivers=["a"])
    item = made.items[0]
    rule = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    told = signal_words("plain").shown(item, "for", rule)[0].content
    assert "- guilty: against 0.0%, balanced 0.0%, for 100.0%" in told
    assert "The signal you got: for." in told
    assert "$" not in told
    hidden = signal_words("plain", rule_told=False).shown(item, "for", rule)[0].content
    assert "How often that person" not in hidden
    before = signal_words("plain").shown(item, None, rule)[0].content
    assert "Nobody has told you more yet" in before
    assert "signal you got" not in before


def test_a_model_of_any_kind_answers_with_one_word() -> None:
    made = optimum(**ONE, wording="plain")
    sender = ScriptedChat(lambda messages: "for" if "guilty." in messages[-1].content
                          else "against")  # fmt: skip
    found = scored(made, play(made, sender))
    assert found["eta"] == pytest.approx(0.5)
    assert found["unreadable"] == 0
    read = signal_words("plain").read
    assert read(made.items[0], " For. ") == "for"
    assert read(made.items[0], "I am for it") is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"themes": ["chess"]}, "themes are a list of prosecutor, investment, quality"),
        ({"themes": "quality"}, "themes are a list of"),
        ({"ratings": [7]}, "ratings are a list of 2, 3"),
        ({"readers": []}, "readers are a list of calm, careful"),
        ({"statements": 0}, "leaves nothing to play about"),
        ({"wording": "rhyme"}, "rhyme"),
        ({"rule": "shown"}, "shown"),
        ({"split": "all"}, "all"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        optimum(**options)


def test_crowd_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(StudyError, match="themes are a list of prosecutor, investment, not"):
        crowd(themes=["quality"])


def of_crowd(rule: Play, theme: str = "prosecutor") -> dict[str, Any]:
    made = crowd(themes=[theme], statements=1)
    return scored(made, play(made, RuleSender(rule)))


def test_telling_all_before_three_receivers_and_beside_a_rival() -> None:
    found = of_crowd(by_state(guilty=FULL, innocent=LOW))
    # Told all, each convicts the guilty: 1/3. In private 2/3, 1/2 and, for a prior of 1/6 that
    # allows pi(for | innocent) = 1/5, 1/3 + 2/15: together 49/90.
    assert found["eta_private"] == pytest.approx((1 / 3) / (49 / 90))
    # In public all three obey a message with pi(for | innocent) = 1/5: 7/15.
    assert found["eta_public"] == pytest.approx((1 / 3) / (7 / 15))
    assert found["revelation"] == pytest.approx(1)
    assert found["unsettled"] == pytest.approx(0, abs=1e-9)
    assert found["equilibrium"] == 1


def test_rivals_who_say_nothing_are_not_in_equilibrium() -> None:
    found = of_crowd(lambda _: NONE)
    assert (found["eta_public"], found["eta_private"]) == (pytest.approx(0), pytest.approx(0))
    assert found["revelation"] == pytest.approx(0, abs=1e-12)
    # The one who wants a conviction could still get 2/3.
    assert found["unsettled"] == pytest.approx(2 / 3)
    assert found["equilibrium"] == 0


def test_a_rival_who_tells_all_brings_everything_to_light() -> None:
    def rule(prompt: str) -> Row:
        if "against this statement" not in prompt:
            return NONE
        return FULL if "guilty" in prompt else LOW

    found = of_crowd(rule)
    assert found["eta_private"] == pytest.approx(0)
    assert found["revelation"] == pytest.approx(1)
    assert found["equilibrium"] == 1


def test_each_receiver_in_private_is_told_by_its_own_rule() -> None:
    best = {"calm 3": 0.5, "careful 3": 0.25, "calm 2": 0.2}

    def rule(prompt: str) -> Row:
        if "guilty" in prompt:
            return FULL
        reader = "careful" if "careful" in prompt else "calm"
        share = best[f"{reader} {prompt[len('The reader rates it ')]}"]
        return (1 - share, 0.0, share)

    assert of_crowd(rule)["eta_private"] == pytest.approx(1)


def test_three_actions_before_a_crowd() -> None:
    found = of_crowd(by_state(good=FULL, ruin=LOW), "investment")
    assert 0 < found["eta_public"] <= 1
    assert found["equilibrium"] == 1


def test_a_missing_rule_is_missing_in_what_needs_it_alone() -> None:
    made = crowd(themes=["prosecutor"], statements=1)

    class Torn(RuleSender):
        async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
            self.mass = 0.1 if "against this statement" in messages[-1].content else 1.0
            return await super().choose(messages, options)

    found = scored(made, play(made, Torn(by_state(guilty=FULL, innocent=LOW))))
    assert found["eta_public"] > 0
    assert found["revelation"] == "too little lies on signals"
    assert found["unsettled"] == "too little lies on signals"


@pytest.mark.slow
def test_mote_says_signals_of_its_own_accord() -> None:
    made = optimum(themes=["prosecutor"], receivers=["mote-1"], statements=1)
    with open_speakers() as speakers:
        played = play(made, speakers.chat("mote"), None, **{"mote-1": speakers.chat("mote-1")})
    found = scored(made, played)
    assert noted(played)["method"] == "scored"
    assert found["off_signal"] < 0.5
    assert 0 <= found["eta"] <= 1
    # Readers of the micro-world rate a message that takes no side 3, whatever was believed before.
    assert found["before@mote-1"] == pytest.approx(1 / 3, abs=0.02)
