import asyncio

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from suasion.errors import ProviderError
from suasion.models.chat import Chat, Sampling
from suasion.records import Message
from suasion.testing import FailingChat, ScriptedChat, tiny_model

ASKED = (Message("user", "How are you?"),)


def test_a_scripted_chat_answers_as_told_and_keeps_what_it_was_asked():
    chat = ScriptedChat(["one", "two words"])
    said = [asyncio.run(chat.reply(ASKED, Sampling())) for _ in range(3)]
    assert [reply.text for reply in said] == ["one", "two words", "one"]
    assert (said[1].prompt_tokens, said[1].completion_tokens) == (3, 2)
    assert chat.calls == [ASKED] * 3
    choice = asyncio.run(ScriptedChat(lambda messages: "Yes").choose(ASKED, ["Yes", "No"]))
    assert choice.logprobs == {"Yes": 0.0, "No": float("-inf")}
    assert isinstance(chat, Chat)


def test_a_scripted_chat_may_raise():
    def answer(messages):
        raise ProviderError("busy")

    with pytest.raises(ProviderError, match="busy"):
        asyncio.run(ScriptedChat(answer).reply(ASKED, Sampling()))


def test_a_failing_chat_counts_how_often_it_failed():
    chat = FailingChat()
    for asked in (chat.reply(ASKED, Sampling()), chat.choose(ASKED, ["Yes"])):
        with pytest.raises(ProviderError, match="down"):
            asyncio.run(asked)
    assert chat.count == 2
    assert isinstance(chat, Chat)


@pytest.mark.parametrize("architecture", ["qwen2", "llama", "mistral", "gemma"])
def test_tiny_models_load_like_any_other_and_are_the_same_every_time(architecture, tmp_path):
    state = torch.random.get_rng_state()
    first = tiny_model(architecture, tmp_path / "a")
    assert torch.equal(torch.random.get_rng_state(), state)
    second = tiny_model(architecture, tmp_path / "b")
    other = tiny_model(architecture, tmp_path / "c", seed=1)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]
    model = AutoModelForCausalLM.from_pretrained(first)
    assert sum(parameter.numel() for parameter in model.parameters()) < 60_000
    tokenizer = AutoTokenizer.from_pretrained(first)
    text = "Grüße, 你好! 12  spaces\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
