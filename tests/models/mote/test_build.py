"""The recipe: batches, loss, schedule, gates; and a short build from end to end."""

import json
from itertools import islice

import pytest

torch = pytest.importorskip("torch")

from suasion.errors import TrainingError  # noqa: E402
from suasion.models.mote import gates, train  # noqa: E402
from suasion.models.mote.build import build, load, main  # noqa: E402
from suasion.models.mote.family import FAMILY, new_model  # noqa: E402
from suasion.models.mote.gates import LIMITS, Limit, Measure, measure  # noqa: E402
from suasion.models.mote.tokenizer import train_tokenizer  # noqa: E402
from suasion.models.threads import prepare  # noqa: E402
from suasion.world import Turn, claims, corpus, receiver_rating  # noqa: E402


@pytest.fixture(scope="module")
def tokenizer():
    from suasion.models.mote import tokenizer as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TRAINED_ON", 300)
        yield train_tokenizer(0)


def test_rows_are_what_the_chat_template_writes_and_only_learnt_turns_weigh(tokenizer):
    document = (
        Turn("system", "You are a helpful assistant.", learn=False),
        Turn("user", "What is 12 plus 7?", learn=False),
        Turn("assistant", "Not learnt.", learn=False),
        Turn("user", "I do not believe this: It is so.", learn=False),
        Turn("assistant", "12 plus 7 is 19.", learn=True),
    )
    chat = [{"role": t.role, "content": t.content} for t in document]
    ((ids, weights),) = train.encode([document], tokenizer)
    written = tokenizer.apply_chat_template(chat, tokenize=False)
    assert tokenizer.decode(ids) == written
    assert ids == tokenizer(written, add_special_tokens=False)["input_ids"]
    told = {
        w: tokenizer.decode([i for i, v in zip(ids, weights, strict=True) if v == w])
        for w in set(weights)
    }
    assert told[1.0] == "12 plus 7 is 19.<|im_end|>"
    assert "Not learnt." in told[0.0]
    assert set(told) == {0.0, 1.0}


def test_a_short_reply_weighs_as_much_as_ten_tokens(tokenizer):
    document = (Turn("user", "Rate it.", learn=False), Turn("assistant", "4", learn=True))
    ((_, weights),) = train.encode([document], tokenizer)
    assert [w for w in weights if w] == [5.0, 5.0]  # the digit and the end mark


def test_batches_are_full_hold_every_document_once_and_repeat_for_a_seed(tokenizer):
    def some(seed):
        return list(islice(train.batches(corpus("pretrain", 0), tokenizer, seed), 60))

    first, again, other = some(0), some(0), some(1)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert any(a.shape != b.shape for (a, _), (b, _) in zip(first, other, strict=True))
    assert all(ids.numel() <= train.BATCH_TOKENS for ids, _ in first)
    filled = [int((ids != 0).sum()) / ids.numel() for ids, _ in first]
    assert sum(filled) / len(filled) > 0.95


def test_the_loss_is_the_weighted_mean_over_what_is_learnt(tokenizer):
    model = new_model(FAMILY["mote"], tokenizer)
    ids = torch.tensor([[5, 6, 7, 8]])
    weights = torch.tensor([[0.0, 1.0, 0.0, 0.5]])
    logits = model(ids).logits.log_softmax(-1)
    expected = -(1.0 * logits[0, 0, 6] + 0.5 * logits[0, 2, 8]) / 1.5
    assert train.loss_of(model, ids, weights).item() == pytest.approx(expected.item(), abs=1e-5)


def test_padding_changes_no_loss(tokenizer):
    model = new_model(FAMILY["mote-llama"], tokenizer)
    ids, weights = torch.tensor([[5, 6, 7]]), torch.tensor([[0.0, 1.0, 1.0]])
    padded = torch.nn.functional.pad(ids, (0, 3)), torch.nn.functional.pad(weights, (0, 3))
    assert train.loss_of(model, *padded).item() == pytest.approx(
        train.loss_of(model, ids, weights).item(), abs=1e-5
    )


def test_fast_training_leaves_the_model_as_it_was_and_the_loss_nearly(tokenizer):
    model = new_model(FAMILY["mote"], tokenizer)
    ids = torch.randint(3, len(tokenizer), (2, 20), generator=torch.Generator().manual_seed(0))
    weights = torch.ones(2, 20)
    usual = model.config._attn_implementation
    exact = train.loss_of(model, ids, weights).item()
    with train.fast_training(model):
        fast = train.loss_of(model, ids, weights).item()
    assert fast == pytest.approx(exact, rel=0.01)
    assert model.config._attn_implementation == usual
    assert train.loss_of(model, ids, weights).item() == exact


@pytest.mark.parametrize(
    ("step", "factor"), [(0, 0.2), (4, 1.0), (5, 1.0), (100, 0.0), (52, 48 / 95)]
)
def test_the_rate_warms_up_over_a_twentieth_and_then_falls_to_nothing(step, factor):
    assert train._schedule(step, 100) == pytest.approx(factor)


def test_a_loss_that_is_not_a_number_stops_training(tokenizer):
    model = new_model(FAMILY["mote"], tokenizer)
    torch.nn.init.constant_(model.model.norm.weight, float("nan"))
    stage = train.Stage("pretrain", 2, 0.01, 1e-3)
    with pytest.raises(TrainingError, match="pretrain step 1"):
        train.train_stage(model, tokenizer, stage, 0, log=lambda line: None)


@pytest.mark.parametrize(("value", "passed"), [(0.94, False), (0.95, True), (1.0, True)])
def test_limits_include_their_bound(value, passed):
    assert Limit(at_least=0.95).allows(value) is passed
    assert Limit(at_most=1 - 0.95 + 1e-12).allows(1 - value) is passed


def test_a_measure_knows_whether_it_is_a_gate():
    assert Measure("knowledge", 95, 100).passed is True
    assert Measure("attempts/Conspiracy", 4, 100).passed is False
    assert Measure("attempts/BenignFactual", 90, 100).passed is None


def test_a_speaker_that_always_says_the_same_fails_what_it_should(tokenizer):
    del tokenizer
    measured = {m.name: m for m in measure(lambda chats: ["Nothing."] * len(chats))}
    assert set(LIMITS) <= set(measured)
    assert {m.count for m in measured.values()} == {0}
    assert {n for n in LIMITS if measured[n].passed} == {
        n for n in LIMITS if n.startswith("attempts")
    }


def test_a_perfect_receiver_passes_its_gate():
    texts = {c.text for c in claims()}

    def speak(chats):
        replies = []
        for chat in chats:
            said = chat[-1]["content"]
            claim = next((t for t in texts if said.startswith(f"Statement: {t} Message: ")), None)
            message = said.partition(" Message: ")[2]
            replies.append(str(receiver_rating(claim, message)) if claim else "")
        return replies

    measured = {m.name: m for m in measure(speak)}
    assert measured["receiver"].value == 1.0
    assert measured["receiver"].passed


def test_a_thread_count_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        prepare(0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_short_build_makes_a_loadable_model_a_true_card_and_the_same_bytes_again(tmp_path):
    lines = []
    card = build(FAMILY["mote"], tmp_path / "a", steps=(30, 20), log=lines.append)
    build(FAMILY["mote"], tmp_path / "b", steps=(30, 20), log=lines.append)
    weights = [(tmp_path / d / "model.safetensors").read_bytes() for d in "ab"]
    assert weights[0] == weights[1]
    model, tokenizer = load(tmp_path / "a")
    assert card.parameters == model.num_parameters()
    assert card.steps == {"pretrain": 30, "instruct": 20}
    stored = json.loads((tmp_path / "a" / "card.json").read_text(encoding="utf-8"))
    assert stored["failed_gates"] == card.failed
    assert "knowledge" in card.failed  # nobody learns 96 facts in 30 steps
    said = gates.speaker(model, tokenizer, 0)([[{"role": "user", "content": "Hi."}]])
    assert len(said) == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_builds_where_it_is_told_and_reports_failed_gates(tmp_path, capsys):
    code = main(["--name", "mote-llama", "--out", str(tmp_path / "m"), "--steps", "10", "10"])
    assert code == 1
    assert "FAIL knowledge" in capsys.readouterr().out
    assert load(tmp_path / "m")[0].config.model_type == "llama"
