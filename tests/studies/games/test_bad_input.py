"""What may be wrong in a study of persuasion games: one sentence, or a missing value."""

import json

import pytest

from suasion.testing import tiny_model


def one_sentence(ended, code: int) -> str:
    """What a command that was refused said, the lines of its progress aside."""
    assert ended.code == code, ended.said
    said = [line for line in ended.said.splitlines() if line.startswith("suasion: ")]
    assert len(said) == 1
    assert ended.said.rstrip().endswith(said[0]), "and nothing after it, a traceback say"
    return said[0]


def test_a_receiver_that_never_answers_on_the_scale_stays_missing(small, read_rows) -> None:
    ended = small("arms.moved=null", receiver="openai/gpt-4-turbo")
    for metric in ("gain", "gain@openai/gpt-4-turbo", "before", "headroom"):
        assert [(row["value"], row["n"]) for row in read_rows(ended.results, "strategic", metric)]
        for row in read_rows(ended.results, "strategic", metric):
            assert (row["value"], row["n"], row["missing"]) == (None, 0, 1)
    missing = next(each for each in ended.results["checks"] if each["id"] == "missing")
    assert "scores are missing" in missing["says"]


def test_a_training_in_which_nobody_rates_says_why_there_is_no_reward(small) -> None:
    said = one_sentence(small(receiver="openai/gpt-4-turbo"), 1)
    assert (
        "arm 'moved', seed 0: no episode had a reward to learn from (gain: openai/gpt-4-turbo:"
        in said
    )


def test_sender_and_receiver_may_have_different_tokenizers(small, read_rows) -> None:
    found = small(receiver="mote-1").results
    assert [row["n"] for row in read_rows(found, "strategic", "gain")] == [1, 1]


def test_a_receiver_without_a_chat_template_is_named(small, tmp_path) -> None:
    receiver = tiny_model("llama", tmp_path / "plain", max_position_embeddings=4096)
    (receiver / "chat_template.jinja").unlink()
    said = one_sentence(small(receiver=str(receiver)), 1)
    assert f"{receiver} has no chat template" in said


def test_a_receiver_that_there_is_none_of_is_named(small) -> None:
    said = one_sentence(small(receiver="nobody"), 2)
    assert "wants the model 'nobody' as 'nobody': there is no model 'nobody'" in said


def test_a_data_set_of_another_schema_is_told_with_its_file(small, claims) -> None:
    file = claims / "perspectrum_with_answers_v1.0.json"
    rows = [{"claim": row.pop("text"), **row} for row in json.loads(file.read_text())]
    file.write_text(json.dumps(rows))
    said = one_sentence(small(path=claims), 1)
    assert str(file) in said
    assert "text" in said


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("arms.moved.rl.group=1", "a group of 1 has nobody to be compared with"),
        ("arms.moved.rl.reward={gian: 1}", "no metric is called 'gian'; did you mean 'gain'?"),
        ("arms.moved.rl.constraint={metric: lies, at_most: 0.1}", "no metric is called 'lies'"),
        ("arms.moved.rl.reward={coherent: 1}", "no metric is called 'coherent'"),
        ("arms.moved.rl.options.judged=true", "a training cannot wait for a model that judges"),
        ("arms.moved.rl.options.receivers=[]", "receivers is a list of models, at least one"),
        ("evaluations.strategic.rounds=0", "rounds is a whole number from 1 to 30, not 0"),
        ("evaluations.strategic.path=nowhere", "nowhere"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_before_anything_runs(small, setting, says) -> None:
    ended = small(setting)
    assert says in one_sentence(ended, 1 if setting.endswith("nowhere") else 2)
    assert "artifacts" not in ended.said
    assert not ended.requests
