import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suasion.models.engine.sampling import Draws, draw, gumbel, nucleus


def draws(rows, temperature=1.0, top_p=1.0, seed=0):
    seeds = torch.arange(rows) + seed
    return Draws(torch.full((rows,), float(temperature)), torch.full((rows,), float(top_p)), seeds)


def test_noise_is_standard_gumbel():
    noise = gumbel(torch.arange(500), torch.zeros(500, dtype=torch.int64), 2000).double()
    # Mean is Euler's constant, variance pi^2 / 6; a million draws leave errors of about 0.0013
    # and 0.003 (one standard error), and the quantiles are -log(-log q).
    assert float(noise.mean()) == pytest.approx(0.57721566, abs=0.006)
    assert float(noise.var()) == pytest.approx(math.pi**2 / 6, abs=0.015)
    for q in (0.001, 0.1, 0.5, 0.9, 0.999):
        share = float((noise < -math.log(-math.log(q))).double().mean())
        assert share == pytest.approx(q, abs=5 * math.sqrt(q * (1 - q) / 1e6))
    assert torch.isfinite(noise).all()


def test_noise_of_other_seeds_steps_and_tokens_is_unrelated():
    seeds, steps = torch.arange(400), torch.arange(400)
    zero = torch.zeros(400, dtype=torch.int64)
    by_seed, by_step = gumbel(seeds, zero, 400), gumbel(zero, steps, 400)
    bound = 5 / math.sqrt(400 * 400)
    for one, other in [
        (by_seed[1:], by_seed[:-1]),
        (by_step[1:], by_step[:-1]),
        (by_seed[:, 1:], by_seed[:, :-1]),
        (by_seed[1:], by_step[1:]),
        (by_seed[1:, 1:], by_seed[:-1, :-1]),
    ]:
        correlation = np.corrcoef(one.flatten().numpy(), other.flatten().numpy())[0, 1]
        assert abs(correlation) < bound


def test_noise_is_a_function_of_seed_step_and_token():
    big = 2**62 + 12345
    whole = gumbel(torch.tensor([7, big, -3]), torch.tensor([0, 4, 9]), 100)
    assert torch.equal(gumbel(torch.tensor([big]), torch.tensor([4]), 60)[0], whole[1, :60])
    assert not torch.equal(whole[0], whole[1])


def test_tokens_are_drawn_at_their_probability():
    probs = torch.tensor([0.5, 0.3, 0.15, 0.05, 0.0])
    n = 20_000
    tokens = draw(probs.log().expand(n, -1), draws(n), torch.zeros(n, dtype=torch.int64))
    counts = np.bincount(tokens.numpy(), minlength=5)
    assert counts[4] == 0
    expected = probs[:4].numpy() * n
    # 16.27 is the 0.999 quantile of chi-squared with three degrees of freedom.
    assert ((counts[:4] - expected) ** 2 / expected).sum() < 16.27


def test_temperature_scales_and_zero_is_greedy_row_by_row():
    logits = torch.tensor([[0.0, 1.0, 0.5]]).expand(6000, -1)
    half = draws(6000, temperature=0.5)
    share = float((draw(logits, half, torch.zeros(6000, dtype=torch.int64)) == 1).double().mean())
    # exp(2) / (1 + exp(2) + exp(1))
    assert share == pytest.approx(0.66524, abs=0.025)
    mixed = Draws(torch.tensor([0.0, 1.0] * 100), torch.ones(200), torch.arange(200))
    tokens = draw(logits[:200], mixed, torch.zeros(200, dtype=torch.int64))
    assert (tokens[::2] == 1).all()
    assert len(set(tokens[1::2].tolist())) == 3


def test_nucleus_keeps_the_smallest_set_that_reaches_top_p():
    logits = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    for top_p, kept in [(0.1, {1}), (0.39, {1}), (0.5, {1, 3}), (0.69, {1, 3}), (0.75, {1, 2, 3})]:
        left = nucleus(logits, torch.tensor([top_p]))
        assert {i for i in range(4) if torch.isfinite(left[0, i])} == kept
    assert torch.equal(nucleus(logits, torch.tensor([1.0])), logits)


@given(
    st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=30),
    st.floats(0.01, 1.0),
)
def test_nucleus_holds_at_least_top_p_and_no_less_without_its_smallest(values, top_p):
    logits = torch.tensor([values])
    left = nucleus(logits, torch.tensor([top_p]))
    probs = logits.double().softmax(-1)[0]
    kept = torch.isfinite(left[0])
    assert bool(kept[probs.argmax()])
    assert float(probs[kept].sum()) >= top_p - 1e-4
    if int(kept.sum()) > 1 and top_p < 1:
        assert float(probs[kept].sum() - probs[kept].min()) < top_p + 1e-4
