"""Between text and tokens: the model's own chat template, its stop tokens, its context."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import TemplateError

from suasion.errors import ModelError
from suasion.models.engine.rows import Row
from suasion.records import Message

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Text:
    """A model's tokenizer and what it says about replies."""

    tokenizer: Any
    """A tokenizer of transformers."""
    stops: frozenset[int]
    """Tokens that end a reply."""
    vocabulary: int
    """Rows of the model's embedding."""
    context: int
    """Longest conversation, reply included, in tokens."""
    name: str
    """How errors call the model."""

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The conversation through the chat template, reply opened.

        Raises:
            ModelError: the model has no chat template, or it refuses this conversation.
        """
        return self.tokens(self._rendered(messages))

    def _rendered(self, messages: Sequence[Message]) -> str:
        if self.tokenizer.chat_template is None:
            raise ModelError(
                f"{self.name} has no chat template, so it cannot hold a conversation; "
                "use an instruction-tuned model, or put a chat_template.jinja beside its tokenizer"
            )
        said = [{"role": message.role, "content": message.content} for message in messages]
        try:
            rendered: str = self.tokenizer.apply_chat_template(
                said, tokenize=False, add_generation_prompt=True
            )
        except TemplateError as error:
            roles = ", ".join(message.role for message in messages)
            raise ModelError(
                f"{self.name}'s chat template refuses a conversation of {roles}: {error}"
            ) from error
        return rendered

    def tokens(self, text: str) -> tuple[int, ...]:
        """Plain text as token ids; none are added."""
        return self._known(text)

    @cached_property
    def _known(self) -> Callable[[str], tuple[int, ...]]:
        # Options, and prompts answered more than once, are asked for again and again.
        return lru_cache(maxsize=1024)(
            lambda text: tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        )

    def decode(self, tokens: Sequence[int]) -> str:
        """Token ids as text, special tokens removed."""
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def check(self, row: Row) -> None:
        """Whether the row fits the model.

        Raises:
            ModelError: it does not.
        """
        self.check_tokens(row.prompt)
        if len(row.prompt) >= self.context:
            raise ModelError(
                f"a prompt of {len(row.prompt)} tokens leaves no room for a reply: "
                f"{self.name} holds {self.context}"
            )
        sampling = row.sampling
        if sampling.max_tokens < 1 or sampling.temperature < 0 or not 0 < sampling.top_p <= 1:
            raise ModelError(
                f"cannot sample with max_tokens {sampling.max_tokens}, temperature "
                f"{sampling.temperature}, top_p {sampling.top_p}: they must be at least 1, at "
                "least 0, and within (0, 1]"
            )

    def check_tokens(self, tokens: Sequence[int]) -> None:
        """Whether the model can read these tokens at all.

        Raises:
            ModelError: it cannot.
        """
        if not tokens:
            raise ModelError("a prompt has at least one token")
        if len(tokens) > self.context:
            raise ModelError(
                f"{len(tokens)} tokens are more than {self.name} holds: {self.context}"
            )
        if min(tokens) < 0 or max(tokens) >= self.vocabulary:
            wrong = next(token for token in tokens if not 0 <= token < self.vocabulary)
            raise ModelError(f"token {wrong} is not one of {self.name}'s {self.vocabulary}")

    def limit(self, row: Row) -> int:
        """Tokens the row may generate: what it asks for, or what the context leaves."""
        return min(row.sampling.max_tokens, self.context - len(row.prompt))

    def added(self) -> str:
        """What the template puts before a conversation without system prompt; usually nothing."""
        if self.tokenizer.chat_template is None:
            return ""
        first, reply, second = "fWk3", "vQz8", "jXr5"
        turns = (Message("user", first), Message("assistant", reply), Message("user", second))
        opening, _, rest = self._rendered(turns).partition(first)
        between = rest.partition(reply)[2].partition(second)[0]
        # What opens the first turn and every later one is the user's header, not an addition.
        while opening and between and opening[-1] == between[-1]:
            opening, between = opening[:-1], between[:-1]
        return opening.removeprefix(self.tokenizer.bos_token or "").strip()

    def warn_if_added(self) -> None:
        """Log what the template puts before conversations that have no system prompt."""
        added = self.added()
        if added:
            _LOG.warning(
                "%s's chat template adds to conversations without system prompt: %r",
                self.name,
                added,
            )
