"""Chats at a provider, through Inspect's model API.

Every provider Inspect knows works: `openai/...`, `anthropic/...`, `vllm/...`, `ollama/...`, any
server that speaks the OpenAI protocol (`openai-api/SERVICE/MODEL`). Inspect is used outside its
evaluations and without its response cache, which does not know conditions.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suasion.errors import ModelError, ProviderError
from suasion.models.chat import Chat, Choice, Reply, Sampling
from suasion.records import Message

_TOP = 20
"""Candidates for a token that are asked for; providers give no more."""
_SAMPLES = 8
"""Answers drawn where a provider gives no log-probabilities."""
_BAD_REQUEST = 400
_ANSWER_TOKENS = 16
"""Longest answer to a choice; some providers refuse a smaller limit."""


@dataclass(frozen=True)
class Patience:
    """How long and how often a provider is asked."""

    connections: int = 20
    """Most requests under way at once."""
    retries: int = 5
    """After a rate limit, a server error or a timeout; with growing pauses."""
    seconds: int = 120
    """Longest wait for one answer."""


def open_chat(name: str, *, url: str | None = None, patience: Patience | None = None) -> Chat:
    """A chat with a provider's model; credentials are checked now, nothing is sent.

    Args:
        name: `PROVIDER/MODEL`, as Inspect names it.
        url: of another server than the provider's own.
        patience: how long and how often to ask.

    Raises:
        ModelError: the provider is unknown, needs a package, or has no credentials.
    """
    patience = patience or Patience()
    model = inspect_model(name, url, patience)
    return RemoteChat(name, url, patience, server=_server(name, url or model.api.base_url))


class RemoteChat:
    """A provider's model."""

    def __init__(
        self, name: str, url: str | None, patience: Patience, *, server: str | None
    ) -> None:
        """Nothing is opened yet; see `open_chat`.

        Args:
            name: `PROVIDER/MODEL`.
            url: of another server than the provider's own.
            patience: how long and how often to ask.
            server: where answers come from, without credentials; None for the provider's own.
        """
        self.name = name
        self.url = url
        self.server = server
        self.patience = patience
        self._gives_logprobs = True
        self._model: Any = None
        self._slots = asyncio.Semaphore(patience.connections)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: AsyncGenerator[None, None] | None = None

    @property
    def identity(self) -> str:
        """The provider's name for it; and the server, if it is not the provider's own."""
        return f"remote:{self.name}" + (f"@{self.server}" if self.server else "")

    async def _connected(self) -> Any:
        """Inspect's model; connections belong to the event loop that opens them."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._model = loop, inspect_model(self.name, self.url, self.patience)
            # Inspect bounds connections only inside its evaluations.
            self._slots = asyncio.Semaphore(self.patience.connections)
            # When an event loop ends it finishes the asynchronous generators begun in it.
            self._closing = _until_closed(self._model)
            await anext(self._closing)
        return self._model

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """Answer a conversation.

        Raises:
            ProviderError: no answer could be had.
        """
        output = await self._ask(
            messages,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed % 2**31,  # what every provider takes
        )
        return _reply(self.name, output)

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        """Log-probability (nats) of each option as the next answer.

        From the provider's log-probabilities of the first token; where it gives none, or the first
        token cannot tell the options apart, from a few sampled answers.

        Raises:
            ProviderError: no answer could be had.
        """
        tops = await self._first_token(messages) if self._gives_logprobs else None
        logprobs = None if tops is None else by_first_token(tops, options)
        if logprobs is not None:
            return Choice(logprobs, "first-token")
        answers = await asyncio.gather(*(self._sampled(messages, seed) for seed in range(_SAMPLES)))
        # Noted only now: had the conversation itself been refused, these would have failed too.
        self._gives_logprobs = tops is not None
        return Choice(by_samples(answers, options), "sampled")

    async def _first_token(self, messages: Sequence[Message]) -> Mapping[str, float] | None:
        """Candidates for the first token, in nats; None if the provider gives none."""
        asked = {"temperature": 1.0, "max_tokens": _ANSWER_TOKENS, "logprobs": True}
        try:
            output = await self._ask(messages, top_logprobs=_TOP, **asked)
        except ProviderError as error:
            if getattr(error.__cause__, "status_code", None) == _BAD_REQUEST:
                return None  # some models refuse to be asked for log-probabilities
            raise
        found = output.choices[0].logprobs if output.choices else None
        if found is None or not found.content or not found.content[0].top_logprobs:
            return None
        return {top.token: top.logprob for top in found.content[0].top_logprobs}

    async def _sampled(self, messages: Sequence[Message], seed: int) -> str:
        output = await self._ask(messages, temperature=1.0, max_tokens=_ANSWER_TOKENS, seed=seed)
        return _reply(self.name, output).text

    async def _ask(self, messages: Sequence[Message], **config: Any) -> Any:
        from inspect_ai.model import GenerateConfig

        model = await self._connected()
        said, asked = _inspect_messages(messages), GenerateConfig(**config)
        try:
            async with self._slots:
                return await model.generate(said, config=asked)
        except Exception as error:  # noqa: BLE001 - every provider's package has errors of its own
            cause = _cause(error)
            reason = f"{type(cause).__name__}: {_plain(cause)}"
            raise ProviderError(f"{self.name} did not answer: {reason}") from cause


def by_first_token(tops: Mapping[str, float], options: Sequence[str]) -> Mapping[str, float] | None:
    """Log-probability of each option, from the candidates for the first token of an answer.

    A candidate counts for the option it equals, else for the only option that begins with it;
    spaces around it do not matter. Minus infinity where no candidate counts.

    Returns:
        None if a candidate could begin several options, so that they cannot be told apart.
    """
    found: dict[str, list[float]] = {option: [] for option in options}
    for token, logprob in tops.items():
        said = token.strip()
        fitting = [option for option in options if said and option.startswith(said)]
        if said in found:
            found[said].append(logprob)
        elif len(fitting) > 1:
            return None
        elif fitting:
            found[fitting[0]].append(logprob)
    return {
        option: math.log(sum(map(math.exp, own))) if own else -math.inf
        for option, own in found.items()
    }


def by_samples(answers: Sequence[str], options: Sequence[str]) -> Mapping[str, float]:
    """Log of the share of answers that begin with each option, as a word of its own."""
    counts = dict.fromkeys(options, 0)
    for answer in answers:
        fitting = [option for option in options if _begins(answer.strip(), option)]
        if fitting:
            counts[max(fitting, key=len)] += 1
    return {
        option: math.log(count / len(answers)) if count else -math.inf
        for option, count in counts.items()
    }


def _begins(answer: str, option: str) -> bool:
    return re.match(rf"{re.escape(option)}(?!\w)", answer, re.IGNORECASE) is not None


def _reply(name: str, output: Any) -> Reply:
    """Inspect's output as a reply.

    Raises:
        ProviderError: there is no answer in it, or the text in it is an error message.
    """
    if not output.choices:
        raise ProviderError(f"{name} answered nothing at all")
    text, stop, usage = output.completion, output.stop_reason, output.usage
    # Inspect puts the provider's error message where the answer would be.
    if stop == "content_filter":
        raise ProviderError(
            f"{name} blocked its answer: {output.error or text or 'no reason given'}"
        )
    if stop == "model_length" or output.error:
        raise ProviderError(f"{name} could not answer: {output.error or text}")
    if not text.strip():
        cut = "; max_tokens ran out first" if stop == "max_tokens" else ""
        raise ProviderError(f"{name} gave an empty answer{cut}")
    read = (usage.input_tokens + (usage.input_tokens_cache_read or 0)) if usage else 0
    wrote = usage.output_tokens if usage else 0
    return Reply(text, read, wrote, "length" if stop == "max_tokens" else "stop")


async def _until_closed(model: Any) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await model.api.aclose()


def inspect_model(name: str, url: str | None, patience: Patience) -> Any:
    """Inspect's own object for a provider's model; nothing is sent.

    Raises:
        ModelError: the provider is unknown, needs a package, or has no credentials.
    """
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.model import GenerateConfig, get_model

    config = GenerateConfig(
        max_connections=patience.connections,
        max_retries=patience.retries,
        attempt_timeout=patience.seconds,
    )
    try:
        return get_model(name, config=config, base_url=url, memoize=False)
    except (PrerequisiteError, ValueError, ImportError) as error:
        raise ModelError(f"{name} cannot be asked: {_plain(error)}") from error


def _server(name: str, url: str | None) -> str | None:
    """The server that answers for a model, without credentials; None for the provider's own.

    Args:
        name: `PROVIDER/MODEL` or `PROVIDER/SERVICE/MODEL`.
        url: what was asked for or Inspect has settled on; some of its providers leave their
            variables to the client.
    """
    found = url or next(filter(None, map(os.environ.get, _server_variables(name))), None)
    return _without_credentials(found) if found else None


def _server_variables(name: str) -> list[str]:
    """Environment variables that name another server for a provider, the decisive first."""
    provider, *rest = re.sub(r"[^A-Z0-9/]", "_", name.upper()).split("/")
    service = rest[0] if len(rest) > 1 else None
    own = [f"{service}AI_{provider}", f"{service}_{provider}", f"{provider}_{service}"]
    names = [f"{each}_BASE_URL" for each in ([*own, provider] if service else [provider])]
    return [*names, "INSPECT_EVAL_MODEL_BASE_URL"]


def _without_credentials(url: str) -> str:
    """A URL without user, password, query and fragment, any of which may be secret."""
    plain = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"^([^/]*//)?[^/]*@", r"\1", plain).rstrip("/")


def _inspect_messages(messages: Sequence[Message]) -> list[Any]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds: Mapping[str, Callable[..., Any]] = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }
    return [kinds[message.role](content=message.content) for message in messages]


def _cause(error: BaseException) -> BaseException:
    """The provider's own error, out of what retries and Inspect have wrapped around it."""
    last = getattr(error, "last_attempt", None)
    inner = last.exception() if last is not None else error.__cause__
    return error if inner is None else _cause(inner)


def _plain(error: BaseException) -> str:
    """An error in one line, without the markup Inspect prints it with."""
    plain = re.sub(r"\[/?[a-z ]+\]", "", str(error))
    return " ".join(plain.removeprefix("ERROR: ").split())[:300]
