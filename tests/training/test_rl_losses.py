"""Advantages and losses of policy gradients: by hand, by property, and beside TRL's own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suasion.training import rl_losses as losses
from suasion.training.rl_policy import Batch, scored

NUMBERS = st.floats(-10, 10, allow_nan=False).map(lambda x: round(x, 3))
GROUPS = st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=4)


def tensor(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_group_advantages_by_hand() -> None:
    """Group 1, 2, 6 has mean 3 and sample variance (4 + 1 + 9) / 2 = 7.

    All of 1, 2, 6, 4, 4: mean 3.4, squares 5.76 + 1.96 + 6.76 + 0.36 + 0.36 = 15.2, variance 3.8.
    """
    rewards = [[1.0, 2.0, 6.0], [4.0, 4.0], [5.0]]
    assert losses.group_advantages(rewards, "none") == [[-2.0, -1.0, 3.0], [0.0, 0.0], [0.0]]
    by = math.sqrt(7) + 1e-4
    found = losses.group_advantages(rewards, "group")
    assert found[0] == pytest.approx([-2 / by, -1 / by, 3 / by])
    assert found[1:] == [[0.0, 0.0], [0.0]]
    by = math.sqrt(3.8) + 1e-4
    found = losses.group_advantages(rewards[:2], "batch")
    assert found[0] == pytest.approx([-2 / by, -1 / by, 3 / by])


def test_left_out_advantages_by_hand() -> None:
    """1 less (2 + 6) / 2 = -3; 2 less (1 + 6) / 2 = -1.5; 6 less (1 + 2) / 2 = 4.5."""
    found = losses.left_out_advantages([[1.0, 2.0, 6.0], [7.0]])
    assert found == [[-3.0, -1.5, 4.5], [0.0]]


@given(GROUPS)
def test_leaving_out_is_the_group_mean_made_larger(groups: list[list[float]]) -> None:
    """r - mean of others = n / (n - 1) (r - mean of all): the same direction, groups sum to 0."""
    plain = losses.group_advantages(groups, "none")
    for own, other in zip(plain, losses.left_out_advantages(groups), strict=True):
        n = len(own)
        assert other == pytest.approx([a * n / max(n - 1, 1) for a in own], abs=1e-9)
        assert sum(own) == pytest.approx(0, abs=1e-9)


@given(GROUPS, NUMBERS)
def test_what_every_episode_of_an_item_gets_teaches_nothing(
    groups: list[list[float]], more: float
) -> None:
    moved = [[reward + more for reward in group] for group in groups]
    one, other = (losses.group_advantages(each, "none") for each in (groups, moved))
    for own, shifted in zip(one, other, strict=True):
        assert own == pytest.approx(shifted, abs=1e-9)


def test_token_weights_by_hand() -> None:
    """Sequences of 1 and 3 tokens: each half in all; a quarter a token; or 1 / (2 x 10) a token."""
    mask = torch.tensor([[0, 0, 1], [1, 1, 1]])

    def weights(aggregation: Any) -> list[list[float]]:
        return losses.token_weights(mask, aggregation, 10, sequences=2, tokens=4).tolist()

    assert weights("grpo")[0] == [0, 0, 0.5]
    assert weights("grpo")[1] == pytest.approx([1 / 6] * 3)
    assert weights("dapo") == [[0, 0, 0.25], [0.25] * 3]
    assert weights("dr_grpo")[0] == pytest.approx([0, 0, 0.05])
    assert weights("dr_grpo")[1] == pytest.approx([0.05] * 3)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=5))
def test_weights_do_not_depend_on_how_sequences_are_batched(masks: list[list[bool]]) -> None:
    whole = torch.tensor(masks)
    counts = {"sequences": len(masks), "tokens": int(whole.sum())}
    for aggregation in ("grpo", "dapo", "dr_grpo"):
        together = losses.token_weights(whole, aggregation, 4, **counts)
        pieces = [losses.token_weights(row[None], aggregation, 4, **counts) for row in whole]
        assert torch.equal(together, torch.cat(pieces))
        assert not together[~whole].any()


def test_the_policy_loss_by_hand() -> None:
    """Ratios 2, 0.5, 2, 0.5 and clip 0.2, with advantages 1, 1, -1, -1.

    A gain counts at most 1.2; a ratio of 0.5 is as it is; a loss counts whole at 2, and at least
    0.8 at 0.5. What was held is what has no gradient.
    """
    new = tensor([math.log(r) for r in (2, 0.5, 2, 0.5)]).requires_grad_()
    loss, clipped = losses.policy_loss(new, torch.zeros(1, 4), tensor([1, 1, -1, -1]), 0.2)
    assert loss.tolist()[0] == pytest.approx([-1.2, -0.5, 2.0, 0.8])
    assert clipped.tolist() == [[1, 0, 0, 1]]
    loss.sum().backward()
    assert new.grad is not None
    assert new.grad.tolist()[0] == pytest.approx([0, -0.5, 2, 0])


def test_the_first_gradient_is_that_of_the_policy_gradient() -> None:
    """At ratio 1 the derivative by a log-probability is minus the advantage."""
    new = tensor([-1.0, -2.0]).requires_grad_()
    losses.policy_loss(new, new.detach(), tensor([3.0, -4.0]), 0.2)[0].sum().backward()
    assert new.grad is not None
    assert new.grad.tolist() == [[-3.0, 4.0]]


def test_the_divergence_by_hand() -> None:
    """d = base - new: 0 gives 0, ln 2 gives 2 - ln 2 - 1, -ln 2 gives 1/2 + ln 2 - 1.

    A token that is twice as likely as when it was sampled counts twice.
    """
    new, base = tensor([-1.0, 0, 0, 0]), tensor([-1.0, *[math.log(2)] * 2, -math.log(2)])
    old = tensor([-1.0, 0, -math.log(2), 0])
    found = losses.divergence(new, old, base).tolist()[0]
    assert found == pytest.approx([0, 0.30685282, 0.61370564, 0.19314718])


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=6), st.data())
def test_the_divergence_and_its_gradient_are_right_on_average(
    weights: list[float], data: st.DataObject
) -> None:
    """Over what the policy draws, k3 has the mean sum p log(p / q), and its gradient that one's."""
    size = len(weights)
    others = data.draw(st.lists(st.floats(0.05, 1), min_size=size, max_size=size))
    p, q = (tensor(each) / sum(each) for each in (weights, others))
    scores = p.log().requires_grad_()
    new = scores.log_softmax(-1)
    k3 = losses.divergence(new, new.detach(), q.log())
    assert (k3 >= 0).all()
    exact = (new.exp() * (new - q.log())).sum()
    mean = (p * k3).sum()
    assert mean.item() == pytest.approx(exact.item(), abs=1e-9)
    ours, true = (torch.autograd.grad(each, scores, retain_graph=True)[0] for each in (mean, exact))
    assert torch.allclose(ours, true)


def test_advantages_from_token_to_token_by_hand() -> None:
    """Chosen at 0, 1 and 3; reward 1 at 3; values .5, .4, (9), .2; gamma .5, lambda .5.

    Token 3: 1 - .2 = .8. Token 1: .5 x .2 - .4 = -.3, and .25 x .8 = .2 more: -.1. Token 0:
    .5 x .4 - .5 = -.3, and .25 x -.1 = -.025 more: -.325. Returns are these plus the values.
    """
    rewards, values = tensor([0, 0, 0, 1]), tensor([0.5, 0.4, 9, 0.2])
    found, returns = losses.gae(rewards, values, torch.tensor([[1, 1, 0, 1]]), 0.5, 0.5)
    assert found.tolist()[0] == pytest.approx([-0.325, -0.1, 0, 0.8])
    assert returns.tolist()[0] == pytest.approx([0.175, 0.3, 0, 1.0])


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans()), min_size=1, max_size=8).filter(
        lambda tokens: any(chosen for _, _, chosen in tokens)
    ),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_advantages_are_as_if_other_tokens_were_not_there(
    tokens: list[tuple[float, float, bool]], gamma: float, lam: float
) -> None:
    rewards, values, mask = (tensor(list(map(float, each))) for each in zip(*tokens, strict=True))
    chosen = mask.bool()[0]
    own = rewards * mask
    whole, _ = losses.gae(own, values, mask, gamma, lam)
    alone, _ = losses.gae(own[:, chosen], values[:, chosen], mask[:, chosen], gamma, lam)
    assert torch.allclose(whole[:, chosen], alone)
    assert not whole[:, ~chosen].any()
    # Lambda and gamma 1: what is still to come, less what was expected.
    plain, _ = losses.gae(own[:, chosen], values[:, chosen], mask[:, chosen], 1.0, 1.0)
    to_come = own[:, chosen].flip(1).cumsum(1).flip(1)
    assert torch.allclose(plain, to_come - values[:, chosen])


def test_the_value_loss_by_hand() -> None:
    """Return 1. From 0 to 0.1: half of .81. From 0 to 0.9: kept at 0.2, half of .64 and not .01.

    From 1 to 2: half of 1, the worse than at 1.2.
    """
    found = losses.value_loss(tensor([0.1, 0.9, 2]), tensor([0, 0, 1]), tensor([1, 1, 1]), 0.2)
    assert found.tolist()[0] == pytest.approx([0.405, 0.32, 0.5])


def test_a_reward_comes_with_the_last_token_that_was_chosen() -> None:
    mask = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]])
    found = losses.at_the_end(torch.tensor([2.0, 3.0, 5.0]), mask)
    assert found.tolist() == [[0, 0, 2, 0], [0, 0, 0, 3], [0, 0, 0, 0]]


@pytest.fixture(scope="module")
def trl(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """TRL's trainer of GRPO on the tiny model; it is only asked for losses."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        output_dir=str(tmp_path_factory.mktemp("trl")), beta=0.04, use_cpu=True, report_to=[],
        per_device_train_batch_size=2, num_generations=2, max_completion_length=7,
        gradient_checkpointing=False, bf16=False, disable_dropout=True,
    )  # fmt: skip
    return GRPOTrainer(
        AutoModelForCausalLM.from_pretrained(base),
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=config,
        train_dataset=Dataset.from_list([{"prompt": "Hello"}] * 2),
        processing_class=AutoTokenizer.from_pretrained(base),
    )


@pytest.mark.parametrize("aggregation", ["grpo", "dapo", "dr_grpo"])
def test_the_loss_and_its_gradient_are_trls_own(trl: Any, aggregation: Any) -> None:
    """Three sequences of 5, 2 and 4 chosen tokens, one of them with an answer in between."""
    generator = torch.Generator().manual_seed(1)
    prompts = torch.randint(3, 300, (3, 4), generator=generator)
    completions = torch.randint(3, 300, (3, 6), generator=generator)
    there = torch.tensor([[1] * 6, [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0]])
    chosen = torch.tensor([[1, 1, 0, 1, 1, 1], [1] * 6, [0, 1, 1, 1, 1, 1]])
    base = -5 + torch.randn(3, 6, generator=generator)
    advantages = torch.tensor([1.5, -2.0, 0.7])
    mask = there * chosen
    model, beta, clip = trl.model, 0.04, 0.2
    model.eval()  # TRL then averages over one batch, as if it were all there is
    with torch.no_grad():
        # Ratios from 0.7 to 1.4, so that some are clipped.
        whole = torch.cat([prompts, completions], 1)
        logits = model(whole, attention_mask=torch.cat([torch.ones_like(prompts), there], 1)).logits
        now = logits.log_softmax(-1)[:, 3:-1].gather(-1, completions[..., None])[..., 0]
        old = now + torch.empty(3, 6).uniform_(-0.35, 0.35, generator=generator)
    trl.loss_type = aggregation
    batch = {
        "prompt_ids": prompts, "prompt_mask": torch.ones_like(prompts),
        "completion_ids": completions, "completion_mask": there, "tool_mask": chosen,
        "advantages": advantages, "old_per_token_logps": old, "ref_per_token_logps": base,
        "num_items_in_batch": mask.sum(),
    }  # fmt: skip
    theirs = trl._compute_loss(model, batch)
    weight = model.get_input_embeddings().weight
    (their_gradient,) = torch.autograd.grad(theirs, weight)

    # Ours reads sequences that end together, so a shorter one is moved to the right.
    ids, present, kept, ours_old, ours_base = [], [], [], [], []
    for row in range(3):
        length = int(there[row].sum())
        gap = 6 - length
        ids.append([0] * gap + prompts[row].tolist() + completions[row, :length].tolist())
        present.append([0] * gap + [1] * (4 + length))
        kept.append([0] * gap + mask[row, :length].tolist())
        for moved, whole in ((ours_old, old), (ours_base, base)):
            moved.append([0.0] * gap + whole[row, :length].tolist())
    own = Batch(torch.tensor(ids), torch.tensor(present), torch.tensor(kept), (0, 1, 2))
    new, _ = scored(model, own)
    surrogate, clipped = losses.policy_loss(new, torch.tensor(ours_old), advantages[:, None], clip)
    away = losses.divergence(new, torch.tensor(ours_old), torch.tensor(ours_base))
    weights = losses.token_weights(own.mask_BK, aggregation, 7, sequences=3, tokens=int(mask.sum()))
    ours = ((surrogate + beta * away) * weights).sum()
    (our_gradient,) = torch.autograd.grad(ours, weight)
    assert 0 < int((clipped * own.mask_BK).sum()) < int(mask.sum())
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    assert torch.allclose(our_gradient, their_gradient, rtol=1e-3, atol=1e-6)
