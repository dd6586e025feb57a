"""Which items a limit takes."""

import hashlib

from suasion.evals.strategic import strategic
from suasion.records import Item
from suasion.study.cells import DRAWN_WITH, first_items


def items(*ids: str, **data: str) -> list[Item]:
    return [Item(each, "g", data) for each in ids]


def test_a_limit_takes_those_whose_ids_hash_lowest() -> None:
    many = items(*"abcdefgh")
    first = sorted("abcdefgh", key=lambda i: hashlib.sha256(i.encode()).digest())[:3]
    assert [item.id for item in first_items(many, 3)] == sorted(first)


def test_a_smaller_limit_takes_a_part_of_what_a_larger_one_takes() -> None:
    many = items(*"abcdefgh")
    assert {i.id for i in first_items(many, 2)} < {i.id for i in first_items(many, 5)}


def test_items_that_are_drawn_together_come_together() -> None:
    many = [Item(f"{c}/{s}", "g", {DRAWN_WITH: c}) for c in "abcdef" for s in ("pro", "con")]
    taken = first_items(many, 6)
    claims = [item.data[DRAWN_WITH] for item in taken]
    assert len(taken) == 6
    assert all(claims.count(claim) == 2 for claim in claims)


def test_both_sides_of_a_claim_are_played_whatever_the_limit() -> None:
    taken = first_items(strategic(sides=("pro", "con")).items, 8)
    claims = [item.data["claim"] for item in taken]
    assert {claims.count(claim) for claim in claims} == {2}
