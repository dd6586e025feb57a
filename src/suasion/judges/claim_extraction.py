"""Claims put into one sentence by a language model: from a post or the title of a debate.

Posts ramble and titles are often no claim, so a model is asked what is argued for, as the paper had
it done (arXiv:2509.22989; its prompt is not known, ours is `prompts/claim.txt`). The text goes into
the prompt as data. Each raw answer is stored before it is read, under the hashes of prompt, text
and model, so that asking again costs nothing, also after a kill. What cannot be read is missing
with a reason, and no claim is made up for it.

    found = claim_games("cmv", "winning-args-corpus", split="train")
    with open_store(Path("claims")) as cache:
        read = await extract_claims([game.text for game in found.games], chat, cache)
    games = with_claims(found, read)
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from suasion.data.claim_record import ClaimGame, ClaimGames, LeftOut, Split
from suasion.data.claim_splits import chosen, noted, own_splits
from suasion.errors import ProviderError, UseError
from suasion.judges.fence import fenced
from suasion.judges.rubric import fill, load_prompt, prompt_hash
from suasion.models.chat import Chat, Sampling
from suasion.records import Json, Message
from suasion.store import Store, key

PROMPT = "claim"
VERSION = 1
"""Raised when an answer is read in another way; what is stored are answers, so nobody is asked."""

SAMPLING = Sampling(temperature=0.0, max_tokens=400)
"""How an answer is drawn."""

MOST_WORDS = 40
"""Longest sentence that is taken for one claim."""

MOST_READ = 6000
"""Characters of a text that the model reads; of a longer one the beginning."""

AT_ONCE = 32
"""Texts that are under way at once."""

_LINE = re.compile(r"[ \t*_`#>]*claim[*_` \t]*:(.*)", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\bi(?:'m| am) (?:sorry|unable|not able)\b|\bi apologi[sz]e\b"
    r"|\bi (?:can't|can ?not|won't|will not|must decline)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Extracted:
    """What a model says a text claims: a sentence, or why there is none."""

    claim: str | None
    """The claim; None when missing."""
    missing: str | None
    """`no text`, `no claim`, `refused`, `unparseable` or `error: ...`; None if there is a claim."""
    raw: str = ""
    """The model's own words."""

    def __post_init__(self) -> None:
        if (self.claim is None) == (self.missing is None):
            raise ValueError("there is either a claim or a reason why it is missing")


@dataclass(frozen=True)
class Extraction:
    """The claims of several texts."""

    found: tuple[Extracted, ...]
    """One a text, in their order."""
    notes: Mapping[str, Json]
    """`model`, `prompt` (name, version and hash), `claims` and `missing` by reason."""
    asked: int
    """How many answers were had from the model just now; the others had been stored."""

    @property
    def missing(self) -> dict[str, int]:
        """How many have no claim, by reason."""
        return _missing(self.found)


async def extract_claims(texts: Sequence[str], chat: Chat, cache: Store) -> Extraction:
    """Ask a model for the claim of each text; nobody is asked twice.

    Args:
        texts: posts, or titles of debates.
        chat: the model.
        cache: a store opened for writing, where answers are kept; see `suasion.store.open_store`.

    Raises:
        StoreError: an answer cannot be stored.
    """
    template = load_prompt(PROMPT)
    wanted = {text: _key(text, template, chat) for text in texts if text.strip()}
    answers = {name: str(raw) for name, raw in cache.many(wanted.values()).items()}
    room = asyncio.Semaphore(AT_ONCE)
    to_ask = {name: text for text, name in wanted.items() if name not in answers}
    failures: dict[str, str] = {}

    async def ask(name: str, text: str) -> None:
        async with room:
            try:
                reply = await chat.reply([Message("user", _prompt(text, template))], SAMPLING)
            except ProviderError as error:
                failures[name] = str(error)
                return
            cache.put("judgement", {name: reply.text})
            answers[name] = reply.text

    tasks = [asyncio.ensure_future(ask(name, text)) for name, text in to_ask.items()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    found = tuple(_extracted(wanted.get(text), answers, failures) for text in texts)
    return Extraction(found, _notes(found, template, chat), len(to_ask) - len(failures))


def with_claims(games: ClaimGames, extraction: Extraction) -> ClaimGames:
    """The games with the claims that were read out of their texts; the others are left out.

    Where a game stands follows from its new claim, unless its data set has splits: of the games of
    one split those that stand elsewhere now are left out. So within one study all games of a data
    set have either the claims of the data or those read out of it.

    Args:
        games: the games; the texts asked about were their `text`.
        extraction: what was found, one a game.

    Raises:
        UseError: it is of other texts: not one a game.
    """
    if len(games.games) != len(extraction.found):
        raise UseError(
            f"{len(extraction.found)} claims for {len(games.games)} games: ask about the text of "
            "each game, in their order"
        )
    read = [
        LeftOut(f"claim missing: {each.missing}")
        if each.claim is None
        else replace(game, claim=each.claim)
        for game, each in zip(games.games, extraction.found, strict=True)
    ]
    own = own_splits(each for each in read if isinstance(each, ClaimGame))
    kept, left_out = chosen(read, _split(games), own)
    notes: dict[str, Json] = {**games.notes, "extraction": dict(extraction.notes)}
    return ClaimGames(kept, noted(notes, kept, left_out))


def _split(games: ClaimGames) -> Split | None:
    said = games.notes.get("split")
    return cast(Split, said) if said in get_args(Split) else None


def read_claim(raw: str) -> Extracted:
    """The claim on the last line, if it is the only one and one sentence long; never raises."""
    if not raw.strip():
        return Extracted(None, "unparseable", raw)
    lines = raw.strip().split("\n")
    said = [match for match in map(_LINE.match, lines) if match]
    last = _LINE.fullmatch(lines[-1].strip())
    if last is None or len(said) != 1:
        refused = not said and _REFUSAL.search(raw.replace("’", "'"))
        return Extracted(None, "refused" if refused else "unparseable", raw)
    claim = " ".join(last[1].strip(' \t*_`"“”').split())
    if claim.lower().strip(".") == "none":
        return Extracted(None, "no claim", raw)
    if not claim or claim.endswith("?") or len(claim.split()) > MOST_WORDS:
        return Extracted(None, "unparseable", raw)
    return Extracted(claim, None, raw)


def _key(text: str, template: str, chat: Chat) -> str:
    """Of a raw answer: everything that determines it, and not how it is read."""
    return key(
        "judgement",
        judge=f"claim/{prompt_hash(template)}",
        model=chat.identity,
        said=text[:MOST_READ],
        sampling=SAMPLING.record(),
    )


def _prompt(text: str, template: str) -> str:
    return fill(template, {"data": fenced([{"text": text[:MOST_READ]}])})


def _extracted(
    name: str | None, answers: Mapping[str, str], failures: Mapping[str, str]
) -> Extracted:
    if name is None:
        return Extracted(None, "no text")
    if name in answers:
        return read_claim(answers[name])
    return Extracted(None, f"error: {failures[name]}")


def _notes(found: Sequence[Extracted], template: str, chat: Chat) -> dict[str, Json]:
    return {
        "model": chat.identity,
        "prompt": f"{PROMPT}-{VERSION}/{prompt_hash(template)}",
        "claims": sum(each.claim is not None for each in found),
        "missing": {**_missing(found)},
    }


def _missing(found: Sequence[Extracted]) -> dict[str, int]:
    why = (each.missing.partition(":")[0] for each in found if each.missing is not None)
    return dict(sorted(Counter(why).items()))
