"""The tokenizer of the embedded models: byte-level BPE learnt from the corpus, ChatML template.

It is built from exactly the parts of Qwen2's tokenizer (its splitting pattern, NFC, byte level),
because loading a saved tokenizer through `AutoTokenizer` puts those parts back whatever was saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from suasion.world import corpus

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VOCABULARY = 1280
TRAINED_ON = 20_000
"""Documents of each stage that the merges are learnt from."""

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# No default system prompt: what the model is told is what the caller wrote. `generation` marks what
# the assistant says, for trainers that learn from replies only.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def _texts(seed: int) -> Iterator[str]:
    for stage in ("pretrain", "instruct"):
        for document in islice(corpus(stage, seed), TRAINED_ON):
            yield from (f"{turn.role}\n{turn.content}" for turn in document)


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Learn the tokenizer from the corpus of a seed; deterministic."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_texts(seed), trainer)
    options: dict[str, Any] = {
        "pad_token": PAD,
        "eos_token": END,
        "padding_side": "left",
        "model_max_length": 1024,
    }
    options["additional_special_tokens"] = [START]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, **options)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
