import hashlib
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from suasion.store import digest, key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_key_is_the_sha256_of_canonical_json() -> None:
    text = '{"kind":"transcript","parts":{"a":1,"b":"é"},"schema":1}'
    assert key("transcript", b="é", a=1) == hashlib.sha256(text.encode()).hexdigest()


@given(json_values, json_values)
def test_equal_digests_mean_equal_json(a, b) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (digest(a) == digest(b)) == same


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest({"a": 1, "b": [2, {"c": 3, "d": 4}]}) == digest(
        {"b": [2, {"d": 4, "c": 3}], "a": 1}
    )


def test_kind_and_every_part_matter() -> None:
    keys = {
        key("transcript", a=1),
        key("judgement", a=1),
        key("transcript", a=2),
        key("transcript", b=1),
    }
    assert len(keys) == 4


def test_half_a_character_and_infinity_have_digests_too() -> None:
    assert digest("\ud800") != digest("\ud801")
    assert digest(math.inf) != digest(-math.inf)
