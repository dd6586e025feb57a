"""Strategic persuasion (arXiv:2509.22989): how far does the subject move Receivers?

The subject is the Sender of a persuasion game about a claim: it writes one message, or one a round,
to Receivers whose stance from 1 to 7 is asked before and after, in contexts that it never sees. The
headline is the gain: points by which stances moved toward its side. A persuader moves an ideal
Bayesian by nothing on average over states and sides; what it moves a model by beyond that is the
model's credulity (see `optimum`, where both can be computed).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from suasion import world
from suasion.episodes import Draw
from suasion.episodes import persuasion_checks as altering
from suasion.episodes.bayes import BayesChat
from suasion.episodes.game_words import filled, public_words, world_words
from suasion.episodes.persuasion import REWRITER, After, Played, Playing, Side, persuasion
from suasion.episodes.telling import Telling, evolving, told
from suasion.errors import StudyError
from suasion.evals import Evaluation, evaluation
from suasion.evals.strategic_options import (
    Answers,
    Options,
    Prior,
    Source,
    Split,
    Told,
    Whence,
    states_of,
)
from suasion.evals.strategic_scores import questions_of, scales_of, scores_of
from suasion.models.chat import Sampling
from suasion.records import Item
from suasion.world.messages import bare, reword

UNSPOKEN = (
    "receivers", "held_out", "rewriter", "source", "path", "sha256", "split", "only", "judged",
)  # fmt: skip
"""Options that enter otherwise: by the identity of who is asked, by the hash of each item."""

BAYES = "bayes"
"""The Receiver that is no model."""

OTHERWISE = tuple(fact.statement for fact in world.facts() if fact.split == "test")
"""What the micro-world's Receivers hear of when they are to forget: other things."""


@evaluation("strategic", paper="arXiv:2509.22989")
def strategic(
    receivers: Sequence[str] = ("mote-1",),
    held_out: Sequence[str] = (),
    rounds: int = 1,
    sides: Sequence[Side] = ("pro",),
    source: Source = "world",
    path: str | None = None,
    sha256: str | None = None,
    split: Split = "test",
    only: Sequence[str] = (),
    probes: int = 3,
    prior: Prior = "hidden",
    state: Told = "none",
    evolve: float = 0.0,
    information: bool = False,
    checks: Sequence[str] = (),
    after: Sequence[str] = (),
    answers: Answers | None = None,
    memory: int | None = None,
    rewriter: str | None = None,
    judged: bool = True,
) -> Evaluation:
    """How far does the subject move Receivers toward its side of a claim?

    `gain` is in points of the scale, mean over all Receivers; `gain@NAME` that of one; `gain_7` the
    gain over 7, as the paper reports it; `headroom` the gain over the room there was; with several
    rounds `round_N` the gain after round N. `seen` and `held_out` are the gains over Receivers that
    are not, and that are, held out. With a state: `fabricated`; with `information`: `told`, bits
    that the messages tell of the state, `told_control`, which cannot be positive on average, and
    `told_entropy`, the same by what an observer learns. With checks: `paraphrase`, `shuffled`,
    `empty` (gains after altered messages), `trigger` (points that hang on one sentence) and
    `survives`: the gain in other words less that of no argument, of the Receivers held out if there
    are any, and 0 where evidence was made up or a message speaks to the instrument (`injected`).

    Args:
        receivers: models whose stance is asked, as a study names them; in the micro-world `bayes`
            is an exact Bayesian who knows that Senders argue for their side whatever is so.
        held_out: those of further models; nothing is trained against them.
        rounds: messages of the Sender, 1 to 30.
        sides: `pro`, `con`, or both: each claim is then played from both sides, if the data has
            reasons on both.
        source: the micro-world's claims (`world`), those of a data set that lies at `path`
            (`perspectrum`, `anthropic`, `cmv`, `ddo`), of a `file` of games (see
            `suasion.data.claim_file`), or of a `mix` of these.
        path: a copy of the data set; for a mix, a file that says which sets it is of and where
            they lie (see `suasion.data.claim_mix_file`).
        sha256: of the copy, where only that version will do.
        split: which claims; none is in both. For a training on one data set and a test on
            another say `source: mix` with the same file in both, and another `only`: no claim is
            then in both, whatever the set.
        only: of a mix, the sets that are taken; all if it is empty.
        probes: wordings in which each stance is asked, 1 to 3.
        prior: whether the Sender is told how the Receivers see the claim beforehand.
        state: whether the Sender is told what evidence there is.
        evolve: chance, 0 to 1, that the state is drawn anew before a round.
        information: whether every message is scored under every state.
        checks: any of `paraphrase`, `shuffled`, `empty`, `cuts`.
        after: any of `counter`, `delay`: what Receivers hear when the game is over.
        answers: what the Sender hears between rounds: the mean `rating`, `words` or `none`; None
            for `rating` in the micro-world, whose Receivers do not talk, and `words` elsewhere.
        memory: rounds that Sender and Receivers keep in mind; None for all.
        rewriter: model that rewords messages where no rule can.
        judged: whether messages are judged for coherence, strategies and made-up evidence where
            only a model can; what is measured needs nobody.

    Raises:
        StudyError: an option is out of range, does not fit another, or the data set has no reason
            on a side.
        DataError: the data set cannot be read, or is not the one that was pinned.
    """
    own = source == "world"
    options = Options(
        tuple(receivers), tuple(held_out), rounds, tuple(sides), probes, prior, state, evolve,
        information, tuple(checks), tuple(after), answers or ("rating" if own else "words"), memory,
    )  # fmt: skip
    options.check()
    whence = Whence(source, path, sha256, split, only)
    whence.check()
    if own and options.answers == "words":
        raise StudyError("Receivers of the micro-world rate, they do not talk: answers: rating")
    items, notes = whence.items(options.sides)
    words = world_words() if own else public_words()
    questions = questions_of(options, own=own, judged=judged)
    return Evaluation(
        items=items,
        episode=persuasion(
            Playing(
                words, options.everybody, rounds, probes, prior == "seen", options.answers, memory,
                evolving(states_of(source), evolve) if state == "given" else _nothing,
            ),
            _afterwards(options, source),
        ),
        questions=questions,
        scores=scores_of(questions),
        sampling=Sampling(temperature=1.0, max_tokens=96 if own else 400),
        prompts=words.prompts,
        cluster="claim",
        scales=scales_of(options),
        notes=notes,
        higher_is="Receivers moved further",
        replies=lambda _: rounds,
        asks_others=lambda _: options.asks,
        unspoken=UNSPOKEN,
        others={name: sceptic() if own and name == BAYES else name for name in options.everybody}
        | ({REWRITER: rewriter} if rewriter else {}),
    )  # fmt: skip


def sceptic() -> BayesChat:
    """An exact Bayesian who knows that Senders argue for their side whatever is so.

    It begins where the micro-world's readers do, at 3 of 7, and nothing a Sender says moves it.
    """
    return BayesChat(1 / 3, dict.fromkeys(world.STANCES, (1.0, 1.0)))


def _nothing(item: Item, draw: Draw, rounds: int) -> None:  # noqa: ARG001 - there is no state
    return None


def _afterwards(options: Options, source: Source) -> list[After]:
    """What is asked when a game is over."""
    own = source == "world"
    known: dict[str, altering.Alter] = {
        "paraphrase": altering.reworded(reword if own else None),
        "shuffled": altering.shuffled,
        "empty": altering.replaced(bare if own else lambda _claim, _rng: ""),
    }
    asked: list[After] = []
    if options.information:
        asked.append(told(Telling(states_of(source), options.evolve)))
    if altered := [(name, known[name]) for name in options.checks if name in known]:
        asked.append(altering.altered(altered))
    if "cuts" in options.checks:
        asked.append(altering.without_sentences)
    return asked + [altering.then_heard(what, _later(what, own=own)) for what in options.after]


def _later(what: str, *, own: bool) -> Callable[[Played, Random], str]:
    """What Receivers hear afterwards: an argument against the Sender's side, or something else."""

    def counter(game: Played, rng: Random) -> str:
        claim = str(game.item.data["claim"])
        side = "for" if game.item.data["side"] == "con" else "against"
        return world.compose(side, claim, rng) if own else filled(f"game_counter_{side}", claim)

    def delay(game: Played, rng: Random) -> str:  # noqa: ARG001 - whichever the game
        return (
            world.compose("balanced", rng.choice(OTHERWISE), rng) if own else filled("game_delay")
        )

    return counter if what == "counter" else delay
