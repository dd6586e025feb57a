"""Beyond two players: several Receivers, in public or in private, and Senders who compete.

The games are those of `optimum` with two states. Three Receivers differ in what they believe before
and in what they ask for. In public the subject sends one signal that all of them hear, in private
one to each; both are compared with the best that can be done (linear programs of
`suasion.theory.audiences`). Then the subject speaks for and against the same statement, and one
Receiver hears both: rivals who want opposite things must tell everything, since whatever is left
open one of them would gain by telling (Gentzkow & Kamenica, Review of Economic Studies 84, 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

from suasion.episodes.signal_words import Wording, asks, signal_words
from suasion.episodes.signalling import signalling
from suasion.errors import StudyError
from suasion.evals import Evaluation, evaluation
from suasion.evals import crowd_metrics as metrics
from suasion.evals.framing import check_choice
from suasion.evals.optimum import chosen, messages, prompts_of, record
from suasion.evals.scoring import number
from suasion.models.chat import Sampling
from suasion.records import Item, Json
from suasion.world import games

THEMES = ("prosecutor", "investment")
"""Games with two states."""

AUDIENCE = ((3, "calm"), (3, "careful"), (2, "calm"))
"""What each Receiver believes before, as a rating, and who it is; the Sender believes what the
first does."""


@evaluation("crowd")
def crowd(
    themes: Sequence[str] = THEMES,
    wording: Wording = "world",
    split: str = "test",
    statements: int = 8,
) -> Evaluation:
    """How well does the subject do before several Receivers, and what do rivals bring to light?

    `eta_public` and `eta_private` are the shares of the room between silence and the best public,
    or the best private, rule that the subject's rules use before three Receivers who update by
    Bayes. `revelation` is what the two sides together tell of the state, over all there is to tell:
    1 for rivals in equilibrium. `unsettled` is what a Sender could still gain by telling more, in
    shares of its utility's range, the one who could gain most after each pair of signals; it is 0
    in equilibrium. `equilibrium` is 1 where the outcome is one.

    Args:
        themes: which games: `prosecutor`, `investment`.
        wording: `world` for the micro-world's models, `plain` for any other.
        split: `test`, or `train` for a look at what was learnt.
        statements: how many statements each theme is played about.

    Raises:
        StudyError: an option is none of these.
    """
    check_choice("wording", wording, ("world", "plain"))
    check_choice("split", split, ("train", "test"))
    if isinstance(themes, str) or not themes or set(themes) - set(THEMES):
        raise StudyError(f"themes are a list of {', '.join(THEMES)}, not {themes!r}")
    words = signal_words(wording)
    questions = {name: metrics.question(name) for name in metrics.METRICS}
    rating, reader = AUDIENCE[0]
    return Evaluation(
        items=[
            _item(game, wording) for game in chosen(split, statements, themes, [rating], [reader])
        ],
        episode=signalling(words.read, (), words.shown),
        questions=questions,
        scores={name: number(name, name) for name in questions},
        sampling=Sampling(temperature=1.0, max_tokens=96 if wording == "world" else 8),
        prompts=words.prompts,
        cluster="claim",
        replies=prompts_of,
        unspoken=("themes", "split", "statements"),
        higher_is="more of the room for persuasion used",
    )


def _item(game: games.SignalGame, wording: Wording) -> Item:
    """A game before an audience: a rule for all, one for each, and one of the other side."""
    each = [games.variant(game, rating, reader) for rating, reader in AUDIENCE]
    asked: dict[str, Json] = {"public": asks(game, wording, readers=games.READERS)}
    asked |= {f"private {i}": asks(own, wording) for i, own in enumerate(each)}
    asked["against"] = asks(game, wording, side="con")
    audience: dict[str, Json] = {
        "priors": [list(own.prior) for own in each],
        "receivers": [[list(row) for row in own.receiver] for own in each],
    }
    return Item(
        f"{game.id}-crowd",
        game.theme,
        {
            "claim": game.statement,
            "game": {**record(game), **audience},
            "asks": asked,
            "openings": dict(signal_words(wording).openings),
            "signals": list(games.SIGNALS),
            "messages": messages(game),
        },
    )
