import pytest

from suasion.errors import ModelError
from suasion.models import mote
from suasion.models.load import is_local, load_engine, resolve
from suasion.testing import tiny_model


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("openai/gpt-4o", "remote"),
        ("anthropic/claude-sonnet", "remote"),
        ("google/gemini-pro", "remote"),
        ("vllm/Qwen/Qwen2.5-7B-Instruct", "remote"),
        ("openai-api/somewhere/model", "remote"),
        ("Qwen/Qwen2.5-7B-Instruct", "hub"),
        ("hub:google/gemma-2-2b-it", "hub"),
    ],
)
def test_a_name_says_where_a_base_is_to_be_had(name, kind):
    source = resolve(name)
    assert source.kind == kind
    assert source.name == name.removeprefix("hub:")
    assert is_local(name) == (kind != "remote")


def test_a_directory_goes_before_what_its_name_might_mean(tmp_path, monkeypatch):
    (tmp_path / "openai" / "gpt-4o").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert resolve("openai/gpt-4o").kind == "directory"


def test_embedded_models_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(mote, "path", lambda name: tmp_path / name)
    assert resolve("mote-1").folder == tmp_path / "mote-1"
    assert resolve("mote").kind == "embedded"


@pytest.mark.parametrize("name", ["", "nothing", "./no/where", "/no/where", "~/nowhere/x", "a/b/c"])
def test_a_name_that_can_mean_nothing_is_one_clear_error(name):
    with pytest.raises(ModelError, match="there is no model"):
        resolve(name)


def test_a_providers_model_cannot_be_loaded_here():
    with pytest.raises(ModelError, match="hub:openai/gpt-4o"):
        load_engine("openai/gpt-4o")


def test_a_directory_is_loaded(tmp_path):
    assert load_engine(str(tiny_model("qwen2", tmp_path)), threads=1).layers == 3
