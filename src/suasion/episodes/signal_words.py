"""The words of a game of signals: of the micro-world, and for models of any kind.

In the micro-world a signal is a message of the grammar, the Sender is told the state as it is told
what evidence there is, and a Receiver rates a message about the statement; nobody there can be told
a prior or a rule in words. In plain words everything about the game is said, and a signal is one
word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any, Literal, TypeAlias, cast

from suasion import world
from suasion.episodes.game_words import template
from suasion.episodes.signalling import ReadSignal, Rule, Shown
from suasion.records import Item, Json, Message
from suasion.world import games
from suasion.world.receiver import RECEIVER_SYSTEM, SENDER_SYSTEM

Wording: TypeAlias = Literal["world", "plain"]

PLAIN = tuple(f"signal_{name}" for name in
              ("sender", "state", "before", "after", "rule", "question"))  # fmt: skip
"""Texts of the plain wording."""


@dataclass(frozen=True)
class SignalWords:
    """How a game of signals is worded."""

    openings: Mapping[str, str]
    """How an answer may begin, with the signal it then is."""
    read: ReadSignal
    """Which signal a message is."""
    shown: Shown
    """What a Receiver is asked."""
    prompts: Mapping[str, str]
    """Every text used, for the key."""


def asks(
    game: games.SignalGame, wording: Wording, side: str = "pro", readers: Sequence[str] = ()
) -> Json:
    """What the Sender is asked, by state: its system prompt and one prompt a state.

    Args:
        game: the game.
        wording: which words.
        side: `pro` or `con`.
        readers: who reads, where several do.
    """
    if wording == "world":
        prompts = [games.told(game, state, side, readers) for state in game.states]
        return {"system": SENDER_SYSTEM, "prompts": list[Json](prompts)}
    sender = games.sender_utility(len(game.states), len(game.actions), side)
    system = Template(template("signal_sender")).substitute(
        statement=game.statement,
        states=", ".join(game.states),
        prior=_shares(game.states, game.prior),
        actions=", ".join(game.actions),
        receiver=_table(game.states, game.actions, game.receiver),
        sender=_table(game.states, game.actions, sender),
    )
    told = Template(template("signal_state"))
    return {
        "system": system.strip(),
        "prompts": [told.substitute(state=state).strip() for state in game.states],
    }


def signal_words(wording: Wording, *, rule_told: bool = True) -> SignalWords:
    """The words of a game.

    Args:
        wording: which.
        rule_told: whether Receivers are told the Sender's rule, where they can be.
    """
    if wording == "world":
        prompts = {"system": SENDER_SYSTEM, "read": RECEIVER_SYSTEM}
        return SignalWords(games.openings(), _read_world, _world_shown, prompts)
    openings = {signal: signal for signal in games.SIGNALS}
    texts = {name: template(name) for name in PLAIN}
    return SignalWords(openings, _read_plain, _plain_shown(rule_told=rule_told), texts)


def _read_world(item: Item, message: str) -> str | None:
    return games.signal_of(message, str(item.data["claim"]))


def _read_plain(item: Item, message: str) -> str | None:  # noqa: ARG001 - whichever the statement
    said = message.strip().strip("\"'.!*").lower()
    return said if said in games.SIGNALS else None


def _world_shown(item: Item, signal: str | None, rule: Rule) -> Sequence[Message]:  # noqa: ARG001
    """A Receiver rates a message; before the Sender has spoken, one that takes no side."""
    claim, messages = str(item.data["claim"]), cast("Mapping[str, str]", item.data["messages"])
    text = games.example(claim, "balanced", "before") if signal is None else messages[signal]
    system, asked = world.survey(claim, text)
    return (Message("system", system["content"]), Message("user", asked["content"]))


def _plain_shown(*, rule_told: bool) -> Shown:
    def shown(item: Item, signal: str | None, rule: Rule) -> Sequence[Message]:
        game = cast("Mapping[str, Any]", item.data["game"])
        states = cast("Sequence[str]", game["states"])
        name = "signal_before" if signal is None else "signal_after"
        parts = [template(name)]
        if signal is not None and rule_told and None not in rule:
            table = cast("Sequence[Sequence[float]]", rule)
            parts.append(Template(template("signal_rule")).safe_substitute(
                rule=_table(states, games.SIGNALS, table, percent=True)))  # fmt: skip
        text = "\n".join([*parts, template("signal_question")])
        filled = Template(text).substitute(
            statement=item.data["claim"],
            states=", ".join(states),
            prior=_shares(states, game["prior"]),
            signal=signal,
            lowest=states[0],
            highest=states[-1],
        )
        return (Message("user", filled.strip()),)

    return shown


def _shares(states: Sequence[str], prior: Sequence[float]) -> str:
    return ", ".join(f"{s} {_percent(p)}" for s, p in zip(states, prior, strict=True))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _table(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    percent: bool = False,
) -> str:
    """A table in words, one row a line."""
    said = _percent if percent else (lambda value: f"{value:+.2f}")
    return "\n".join(
        f"- {row}: " + ", ".join(f"{c} {said(v)}" for c, v in zip(columns, line, strict=True))
        for row, line in zip(rows, values, strict=True)
    )
