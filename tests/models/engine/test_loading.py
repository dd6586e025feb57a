import json
import logging
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from suasion.errors import ModelError
from suasion.models.engine import load
from suasion.models.engine.loading import digest, located
from suasion.records import Message

USER = (Message("user", "Hello"),)


@pytest.fixture
def copy(folders, tmp_path):
    return shutil.copytree(folders("qwen2"), tmp_path / "model")


def edit(file, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_an_engine_knows_its_size_and_numerics(engine):
    assert (engine.layers, engine.hidden) == (3, 32)
    assert engine.numerics.startswith("float32-cpu")
    assert not engine.model.training
    assert len(engine.digest) == 64


def test_weights_stored_in_half_precision_are_computed_in_float32(copy):
    half = load(copy)
    half.model.half().save_pretrained(copy)
    again = load(copy)
    assert again.anatomy.weight.dtype == torch.float32
    assert torch.equal(again.anatomy.weight, half.anatomy.weight.float())


def test_the_digest_is_of_contents_wherever_they_lie(folders, copy, tmp_path):
    assert digest(copy) == digest(folders("qwen2"))
    (copy / "README.md").write_text("Not part of the model.")
    assert digest(copy) == digest(folders("qwen2"))
    for name in ("config.json", "tokenizer.json", "model.safetensors", "generation_config.json"):
        changed = shutil.copytree(copy, tmp_path / name)
        content = bytearray((changed / name).read_bytes())
        content[-2] ^= 1
        (changed / name).write_bytes(bytes(content))
        assert digest(changed) != digest(copy)


def test_the_chat_template_opens_the_reply(engine):
    said = (
        Message("system", "Be kind."),
        *USER,
        Message("assistant", "Hi"),
        Message("user", "So?"),
    )
    text = engine.text.tokenizer.decode(engine.encode(said))
    assert text == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\nSo?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_without_a_chat_template_there_is_no_conversation(copy):
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        load(copy).encode(USER)


def test_a_template_that_refuses_a_role_says_so(copy):
    (copy / "chat_template.jinja").write_text(
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}x"
    )
    engine = load(copy)
    assert engine.encode(USER) == engine.tokens("x")
    with pytest.raises(ModelError, match="refuses a conversation of system, user: no system role"):
        engine.encode((Message("system", "Be kind."), *USER))


def test_a_system_prompt_that_a_template_adds_is_told(copy, caplog):
    with caplog.at_level(logging.WARNING, "suasion"):
        assert load(copy).text.added() == ""
    assert not caplog.records
    template = (copy / "chat_template.jinja").read_text()
    (copy / "chat_template.jinja").write_text(
        "{% if messages[0].role != 'system' %}"
        "<|im_start|>system\nYou are Tiny.<|im_end|>\n{% endif %}" + template
    )
    with caplog.at_level(logging.WARNING, "suasion"):
        assert "You are Tiny." in load(copy).text.added()
    assert "You are Tiny." in caplog.text


def test_every_stop_token_of_the_generation_config_ends_a_reply(copy):
    edit(copy / "generation_config.json", eos_token_id=[2, 77])
    assert load(copy).text.stops == {2, 77}


def test_the_number_of_rows_in_flight_may_be_set(copy):
    assert load(copy, rows=3).limits.rows == 3
    assert load(copy).limits.rows >= 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no weights in safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
        (lambda folder: edit(folder / "config.json", model_type="nosuch"), "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 99), "cannot be loaded"),
    ],
)
def test_a_directory_that_is_no_model_is_one_clear_error(copy, spoil, reason):
    spoil(copy)
    with pytest.raises(ModelError, match=reason) as caught:
        load(copy)
    assert "\n" not in str(caught.value)


def test_weights_that_lack_a_part_are_not_filled_with_random_numbers(copy):
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack model\.layers\.1"):
        load(copy)


def test_pickled_weights_are_not_read(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load(copy)


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./nowhere", "nowhere", "a/b/c"])
def test_a_missing_path_is_said_to_be_missing(name):
    with pytest.raises(ModelError, match="there is no model at"):
        located(name)


def test_a_hub_id_that_is_not_here_is_one_clear_error_offline():
    with pytest.raises(ModelError, match=r"nobody/nothing.*HF_HUB_OFFLINE"):
        load("nobody/nothing")


@pytest.mark.parametrize("device", ["quantum", "cuda"])
def test_a_device_that_is_not_here_is_said_so(copy, device):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(ModelError, match=device):
        load(copy, device=device)


def test_a_model_that_is_no_plain_decoder_is_refused(tmp_path):
    from transformers import MambaConfig, MambaForCausalLM

    from suasion.testing import tiny_tokenizer

    config = MambaConfig(vocab_size=320, hidden_size=16, num_hidden_layers=2, state_size=4)
    MambaForCausalLM(config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="mamba"):
        load(tmp_path)
