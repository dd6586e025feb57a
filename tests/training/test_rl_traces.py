"""Sequences of what a policy did: appended token by token, or forked; who chose each token."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.models.chat import Sampling
from suasion.models.engine import Batcher, load
from suasion.models.engine.rows import Completion
from suasion.records import Message
from suasion.training.rl_traces import Policy, Said, Trace, traces

IDS = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)


def test_a_conversation_is_one_sequence():
    said = [Said((1, 2), (3, 9)), Said((1, 2, 3, 9, 5, 6), (4, 9))]
    ids = (1, 2, 3, 9, 5, 6, 4, 9)
    mask = (False, False, True, True, False, False, True, True)
    assert traces(said) == [Trace(ids, mask)]
    assert traces(said)[0].chosen == 4


def test_what_does_not_go_on_is_forked():
    said = [Said((1, 2), (3,)), Said((7, 3), (4,)), Said((7, 3, 4, 1), (5,))]
    first, second = traces(said)
    assert first == Trace((1, 2, 3), (False, False, True))
    assert second == Trace((7, 3, 4, 1, 5), (False, False, True, False, True))


def test_what_says_nothing_teaches_nothing():
    assert traces([]) == []
    assert traces([Said((1, 2), ())]) == []


@given(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=4), st.booleans())
def test_every_token_is_learnt_once_whether_forked_or_not(turns, forget):
    said: list[Said] = []
    read: tuple[int, ...] = ()
    for heard, own in turns:
        read = heard if forget else read + heard
        said.append(Said(read, own))
        read += own
    found = traces(said)
    chosen = [t for trace in found for t, m in zip(trace.ids, trace.mask, strict=True) if m]
    assert chosen == [token for each in said for token in each.tokens]
    if not forget:
        assert len(found) == 1


class Speller:
    """A batch that answers "No", letter by letter, and keeps what it was given to read."""

    def __init__(self, engine, finish):
        self.engine, self.finish, self.read = engine, finish, []

    async def generate(self, row):
        self.read.append(row.prompt)
        tokens = (*self.engine.tokens("N"), *self.engine.tokens("o"))
        return Completion(0, "No", tokens, len(row.prompt), 2, self.finish)


def conversation(base, finish, forget=False):
    engine = load(base, device="cpu")
    batch = Speller(engine, finish)
    ending = (engine.text.tokenizer.eos_token_id,)
    policy = Policy(batch, None, ending, engine.text.tokenizer.decode, 0)
    first = [Message("user", "Is it?")]
    again = [Message("user", "Sure?")]
    whole = again if forget else [*first, Message("assistant", "No"), *again]
    asyncio.run(policy.reply(first, Sampling()))
    asyncio.run(policy.reply(whole, Sampling()))
    return engine, policy, batch.read, whole


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_own_words_stay_in_the_tokens_they_were_written_in(base, finish):
    engine, policy, read, whole = conversation(base, finish)
    # The tokenizer writes "No" as one token; the policy wrote two.
    assert len(engine.tokens("No")) == 1
    (trace,) = traces(policy.said)
    assert trace.ids[: len(read[1])] == read[1]
    assert engine.text.tokenizer.decode(read[1]) == engine.text.tokenizer.decode(
        engine.encode(whole)
    )
    assert len(read[1]) == len(engine.encode(whole)) + 1
    assert trace.chosen == (6 if finish == "stop" else 4)


def test_the_token_that_ends_a_reply_is_learnt(base):
    engine, policy, _, _ = conversation(base, "stop")
    (trace,) = traces(policy.said)
    chosen = [t for t, m in zip(trace.ids, trace.mask, strict=True) if m]
    assert chosen == [*policy.said[0].tokens, *policy.said[1].tokens]
    assert chosen[2] == chosen[5] == engine.text.tokenizer.eos_token_id


def test_a_policy_that_forgets_is_forked(base):
    engine, policy, read, whole = conversation(base, "stop", forget=True)
    assert len(traces(policy.said)) == 2
    assert read[1] == engine.encode(whole)


def test_members_of_a_group_differ_in_their_noise_alone(base):
    engine = load(base, device="cpu")

    async def spoken():
        batch = Batcher(engine)
        found = []
        for member in (0, 1, 0):
            policy = Policy(batch, _base(), (), engine.text.tokenizer.decode, member)
            await policy.reply([Message("user", "Is it?")], Sampling(max_tokens=8, seed=3))
            found.append(policy.said[0])
        return found

    first, second, again = asyncio.run(spoken())
    assert first == again
    assert first.prompt == second.prompt
    assert first.tokens != second.tokens


def _base():
    from suasion.models.condition import BASE

    return BASE
