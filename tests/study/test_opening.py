import asyncio
from pathlib import Path

import numpy as np
import pytest

from suasion.errors import ModelError, ProviderError, UseError
from suasion.models.chat import RuleChat, Sampling
from suasion.models.condition import BASE, Condition, Steer, SystemPrompt
from suasion.records import Message
from suasion.study.bases import Look
from suasion.study.opening import Opened, RemoteBase
from suasion.testing import tiny_model

STEERED = Condition(steers=(Steer(0, np.ones(32, dtype=np.float32), 1.0),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("base"))


def echo() -> RuleChat:
    return RuleChat("echo", lambda messages: " | ".join(m.content for m in messages))


def test_a_directory_is_opened_once(folder: Path) -> None:
    opened = Opened(device="cpu")
    base = opened.base(str(folder))
    assert opened.base(str(folder)) is base
    assert (base.layers, base.embedded, len(base.digest)) == (3, False, 64)
    assert base.chat(BASE).identity != base.chat(STEERED).identity
    assert opened.chat(str(folder)).identity == base.chat(BASE).identity


def test_a_base_speaks_and_has_vectors_of_every_aggregation(folder: Path) -> None:
    base = Opened(device="cpu").base(str(folder))
    reply = asyncio.run(
        base.chat(STEERED).reply((Message("user", "Hello"),), Sampling(max_tokens=4))
    )
    assert 0 < reply.completion_tokens <= 4
    judged = base.looking(Look(echo()))
    assert judged.inside.recipe("evil") != judged.inside.recipe("sycophantic")
    with pytest.raises(UseError, match="no trait is called 'evli'"):
        base.inside.recipe("evli")


def test_no_such_base() -> None:
    with pytest.raises(ModelError, match="no model 'nothing-here'"):
        Opened().base("nothing-here")


def test_a_remote_base_is_told_a_system_prompt_and_nothing_else() -> None:
    base = RemoteBase("maker/model", echo())
    told = base.chat(Condition(system=SystemPrompt("Be brief.")))
    said = asyncio.run(
        told.reply((Message("system", "About x."), Message("user", "Hi")), Sampling())
    )
    assert said.text == "Be brief.\nAbout x. | Hi"
    assert told.identity != base.chat(BASE).identity == "rule:echo"
    with pytest.raises(ModelError, match="cannot be steered"):
        base.chat(STEERED)
    with pytest.raises(ModelError, match="need a base that lies here"):
        _ = base.inside


def test_a_remote_model_without_a_key_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises((ModelError, ProviderError), match="openai/gpt-4o"):
        Opened().chat("openai/gpt-4o")
