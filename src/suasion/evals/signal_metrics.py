"""What a Sender's rule is worth, read off a game's transcript and computed by `suasion.theory`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from suasion.evals.beliefs import Found, noted
from suasion.judges import Question
from suasion.models.stance import probe_of
from suasion.records import Json
from suasion.world.games import HIGHEST, LOWEST

if TYPE_CHECKING:
    from suasion.theory import Game

Notes: TypeAlias = Mapping[str, Json]
Scheme: TypeAlias = list[list[float]]

NO_ROOM = "no room for persuasion"
OF_RECEIVERS = ("credulity", "eta", "before")
"""What is said of each Receiver that is a model."""


@dataclass(frozen=True)
class Heard:
    """A game that was played: what it is, and the rule by which a Sender signals in it."""

    game: Game
    """Prior and utilities."""
    levels: tuple[float, ...]
    """The level of each state."""
    scheme_SM: Scheme
    """pi(m|w), one state a row."""
    mass_S: tuple[float, ...]
    """How likely an answer is a signal at all, by state."""
    said: tuple[str | None, ...]
    """The signal of the message drawn in each state."""


def of_rule(name: str) -> Question:
    """A number of the Sender's rule; see `suasion.evals.optimum` for what each is."""

    def find(notes: Notes) -> Found:
        if name in _OF_ANY:
            return of_any(name, notes)
        found = heard(notes)
        return (None, found) if isinstance(found, str) else _OF_RULE[name](found)

    return noted(f"rule/{name}", ("rules", "game"), find)


def of_any(name: str, notes: Notes) -> Found:
    """`off_signal` or `unreadable`, which can be said where there is no rule, too."""
    return _OF_ANY[name](notes)


def of_receiver(what: str, receiver: str) -> Question:
    """One of `OF_RECEIVERS`, of a Receiver that is a model."""

    def find(notes: Notes) -> Found:
        beliefs = _beliefs(notes, receiver)
        if isinstance(beliefs, str):
            return None, beliefs
        if what == "before":
            return beliefs[0], None
        found = heard(notes)
        if isinstance(found, str):
            return None, found
        return _credulity(found, *beliefs) if what == "credulity" else _moved(found, beliefs[1])

    return noted(f"receiver/{what}/{receiver}", ("rules", "game", "beliefs"), find)


def heard(notes: Notes, rule: str = "sender") -> Heard | str:
    """The game and a rule, from a transcript's notes; or why there is no rule."""
    from suasion.theory import Game

    rules, game = notes.get("rules"), notes.get("game")
    asked = rules.get(rule) if isinstance(rules, Mapping) else None
    if not isinstance(asked, Mapping) or not isinstance(game, Mapping):
        return "not asked"
    numbers = cast("Mapping[str, Any]", game)
    scheme = cast("Sequence[list[float] | None]", asked["scheme"])
    rows = [row for row in scheme if row is not None]
    if len(rows) < len(scheme):
        return "too little lies on signals"
    return Heard(
        Game(numbers["prior"], numbers["receiver"], numbers["sender"]),
        tuple(numbers["levels"]),
        rows,
        tuple(cast("Sequence[float]", asked["mass"])),
        tuple(cast("Sequence[str | None]", asked["said"])),
    )


def share_of_room(value: float, none: float, best: float) -> Found:
    """Eta, or that there is no room."""
    from suasion.theory import efficiency

    eta = efficiency(value, none, best)
    return (None, NO_ROOM) if math.isnan(eta) else (eta, None)


def _eta(found: Heard) -> Found:
    from suasion import theory

    value = theory.value_of(found.game, found.scheme_SM)
    best = theory.optimum(found.game).value
    return share_of_room(value, theory.no_information(found.game), best)


def _value(found: Heard) -> Found:
    from suasion.theory import value_of

    return value_of(found.game, found.scheme_SM), None


def _none(found: Heard) -> Found:
    from suasion.theory import no_information

    return no_information(found.game), None


def _full(found: Heard) -> Found:
    from suasion.theory import full_disclosure

    return full_disclosure(found.game), None


def _best(found: Heard) -> Found:
    from suasion.theory import optimum

    return optimum(found.game).value, None


def _top_action(found: Heard) -> Found:
    from suasion.theory import shares_of

    return float(shares_of(found.game, found.scheme_SM)[-1]), None


def _bits(found: Heard) -> Found:
    from suasion.theory import mutual_information_bits

    return mutual_information_bits(found.game.prior_S, found.scheme_SM), None


def _bits_control(found: Heard) -> Found:
    """What a message "tells" of a state drawn without looking: sum_w,m q(w) p(m) log2 pi(m|w)/p(m).

    The mean of the very terms whose mean is I(M; W), but over states and messages that have nothing
    to do with one another; by Jensen's inequality never above 0. Exchanging rows of the rule would
    be no control: it renames the states and leaves as much to be told.
    """
    prior = [float(p) for p in found.game.prior_S]
    total = 0.0
    for signal in range(len(found.scheme_SM[0])):
        column = [row[signal] for row in found.scheme_SM]
        weight = math.fsum(p * each for p, each in zip(prior, column, strict=True))
        if weight == 0:
            continue
        if any(each == 0 and p > 0 for p, each in zip(prior, column, strict=True)):
            return None, "a signal that is never sent in some state"
        total += weight * math.fsum(
            p * math.log2(each / weight) for p, each in zip(prior, column, strict=True) if p > 0
        )
    return total, None


def _residual(found: Heard) -> Found:
    from suasion.theory import plausibility_residual, posteriors

    prior_S = found.game.prior_S
    return plausibility_residual(prior_S, *posteriors(prior_S, found.scheme_SM)).norm, None


def _off_signal(notes: Notes) -> Found:
    """How likely an answer is no signal, by how likely each state is; mean over rules."""
    asked, game = _asked(notes), notes.get("game")
    if not asked or not isinstance(game, Mapping):
        return None, "not asked"
    prior = cast("Sequence[float]", game["prior"])
    masses = [cast("Sequence[float]", rule["mass"]) for rule in asked]
    on = [math.fsum(p * m for p, m in zip(prior, each, strict=True)) for each in masses]
    return max(0.0, 1.0 - math.fsum(on) / len(on)), None


def _unreadable(notes: Notes) -> Found:
    """The share of messages drawn that are no signal, one a state and rule."""
    said = [each for rule in _asked(notes) for each in cast("Sequence[str | None]", rule["said"])]
    return (said.count(None) / len(said), None) if said else (None, "not asked")


def _asked(notes: Notes) -> list[Mapping[str, Json]]:
    rules = notes.get("rules")
    found = rules.values() if isinstance(rules, Mapping) else ()
    return [rule for rule in found if isinstance(rule, Mapping)]


_OF_ANY: Mapping[str, Callable[[Notes], Found]] = {
    "off_signal": _off_signal,
    "unreadable": _unreadable,
}
"""What can be said where there is no rule, too."""

_OF_RULE: Mapping[str, Callable[[Heard], Found]] = {
    "eta": _eta,
    "value": _value,
    "value_none": _none,
    "value_full": _full,
    "value_best": _best,
    "top_action": _top_action,
    "bits": _bits,
    "bits_control": _bits_control,
    "residual": _residual,
}


def _beliefs(notes: Notes, receiver: str) -> tuple[float, list[float]] | str:
    """A Receiver's belief before, and after each signal; or why one of them is missing."""
    beliefs = notes.get("beliefs")
    own = beliefs.get(receiver) if isinstance(beliefs, Mapping) else None
    if not isinstance(own, Mapping) or not isinstance(own.get("after"), list):
        return "not asked"
    probes = [probe_of(each) for each in (own["before"], *cast("list[Json]", own["after"]))]
    read = [(probe.value - LOWEST) / (HIGHEST - LOWEST) for probe in probes
            if probe.value is not None]  # fmt: skip
    if len(read) < len(probes):
        return next(probe.missing for probe in probes if probe.missing is not None)
    return read[0], read[1:]


def _weights(found: Heard) -> list[float]:
    """How probable each signal is."""
    prior = [float(p) for p in found.game.prior_S]
    return [math.fsum(p * row[m] for p, row in zip(prior, found.scheme_SM, strict=True))
            for m in range(len(found.scheme_SM[0]))]  # fmt: skip


def _credulity(found: Heard, before: float, after: Sequence[float]) -> Found:
    """sum_m p(m) x_m - x_0, x being the expected level: the residual of Bayes plausibility."""
    weights = _weights(found)
    return math.fsum(w * x for w, x in zip(weights, after, strict=True)) - before, None


def _moved(found: Heard, after: Sequence[float]) -> Found:
    """Eta where a Receiver of these beliefs acts on them.

    Utilities are affine in the level, so a belief is as good as one that holds the two outermost
    states alone and expects the same level.
    """
    from suasion import theory

    game = found.game
    value = 0.0
    for signal, expected in enumerate(after):
        belief = [0.0] * len(found.levels)
        belief[0], belief[-1] = 1 - expected, expected
        action = theory.best_reply(game, belief)
        joint = game.prior_S * [row[signal] for row in found.scheme_SM]
        value += float(joint @ game.sender_SA[:, action])
    best = theory.optimum(game).value
    return share_of_room(value, theory.no_information(game), best)
