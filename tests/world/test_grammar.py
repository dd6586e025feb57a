from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.world import EVIDENCE, FORMS, STANCES, claims, compose, evidence_kinds, read_reply
from suasion.world.grammar import UNGRAMMATICAL

CLAIMS = claims()
any_claim = st.sampled_from(CLAIMS)
any_seed = st.integers(0, 2**32)
any_kinds = st.lists(st.sampled_from(list(EVIDENCE)), max_size=4).map(tuple)


@given(st.sampled_from(STANCES), any_claim, any_seed)
def test_everything_the_grammar_says_reads_back(stance, claim, seed):
    reading = read_reply(compose(stance, claim.text, Random(seed)), claim.text)
    assert (reading.stance, reading.coherent, reading.names_claim) == (stance, True, True)


@given(any_claim, any_seed, any_kinds.filter(len))
def test_arguments_of_any_make_read_as_for_and_show_their_evidence(claim, seed, kinds):
    text = compose("for", claim.text, Random(seed), kinds)
    assert read_reply(text, claim.text).stance == "for"
    assert evidence_kinds(text) == set(kinds)


@given(st.text(), st.text())
def test_reading_is_total_and_arbitrary_text_has_no_stance(text, claim_text):
    assert read_reply(text, claim_text) == UNGRAMMATICAL


@given(st.sampled_from(STANCES), st.text(min_size=1, max_size=80).filter(str.strip), any_seed)
def test_claims_of_other_peoples_files_read_back_too(stance, claim_text, seed):
    text = compose(stance, claim_text, Random(seed))
    assert read_reply(text, claim_text).stance == stance
    assert read_reply(text, claim_text).coherent


@given(st.sampled_from(STANCES), any_claim, any_claim, any_seed)
def test_a_reply_about_another_claim_is_incoherent(stance, claim, other, seed):
    reading = read_reply(compose(stance, other.text, Random(seed)), claim.text)
    assert reading.stance == stance
    assert reading.coherent == reading.names_claim == (claim.text == other.text)


@given(st.sampled_from(STANCES), any_claim, any_seed, st.data())
def test_a_text_with_a_character_changed_never_reads_as_coherent(stance, claim, seed, data):
    text = compose(stance, claim.text, Random(seed))
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.characters().filter(lambda c: c != text[at]))
    mutated = text[:at] + new + text[at + 1 :]
    assert mutated.strip() == text or not read_reply(mutated, claim.text).coherent


@given(st.sampled_from(STANCES), any_claim, any_seed, st.integers(1, 40))
def test_a_text_cut_short_has_no_stance(stance, claim, seed, cut):
    text = compose(stance, claim.text, Random(seed))
    assert read_reply(text[:-cut], claim.text) == UNGRAMMATICAL


def test_two_replies_in_one_are_ungrammatical_for_every_pair_of_stances():
    claim = CLAIMS[0].text
    for first in STANCES:
        for second in STANCES:
            both = compose(first, claim, Random(0)) + " " + compose(second, claim, Random(1))
            assert not read_reply(both, claim).coherent


def test_no_sentence_belongs_to_two_stances():
    sentences = [s for f in FORMS.values() for s in (*f.openers, *f.bodies, *f.closers)]
    assert len(sentences) == len(set(sentences))
    openers = [o for f in FORMS.values() for o in f.openers]
    assert not any(a != b and a.startswith(b) for a in openers for b in openers)


@pytest.mark.parametrize("n", [5, 50])
def test_more_than_four_sentences_are_ungrammatical(n):
    form, claim = FORMS["balanced"], CLAIMS[0].text
    text = " ".join([form.openers[0], claim, *[form.bodies[0]] * n, form.closers[0]])
    assert not read_reply(text, claim).coherent


def test_a_very_long_text_is_read_in_reasonable_time():
    text = "I am sure of this: " + "It simply makes sense. " * 20_000
    assert read_reply(text, CLAIMS[0].text) == UNGRAMMATICAL
