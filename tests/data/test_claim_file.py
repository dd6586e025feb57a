"""Claim games in a file of one's own: what is written is read back, and a bad line is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.data.claim_file import claim_lines, read
from suasion.data.claim_games import ClaimGame, ClaimGames, claim_games
from suasion.errors import DataError, UseError

TEA: dict[str, Any] = {"id": "t", "claim": "Tea is good.", "sides": ["pro"], "licence": "CC0-1.0"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def file(*rows: dict[str, Any] | str) -> str:
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path = tmp_path / "claims.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return file


def test_what_may_be_left_out(write: Callable[..., str]) -> None:
    (tea,) = claim_games("file", write(TEA), split="all").games
    assert (tea.id, tea.claim, tea.sides) == ("t", "Tea is good.", ("pro",))
    assert (tea.group, tea.source, tea.context, tea.split) == ("file", "file", (), None)
    whole = {
        **TEA, "sides": ["con", "pro"], "group": "drinks", "context": ["It  warms.\nIt does.", " "],
        "source": "cmv", "split": "test",
    }  # fmt: skip
    (tea,) = claim_games("file", write(whole), split="test").games
    assert tea.sides == ("pro", "con")
    assert (tea.group, tea.source, tea.split) == ("drinks", "cmv", "test")
    assert tea.context == ("It warms. It does.",)


def test_the_licence_is_that_of_all_lines(write: Callable[..., str]) -> None:
    rows = [TEA, {**TEA, "id": "u", "claim": "Fog is wet.", "licence": "unknown"}]
    notes = claim_games("file", write(*rows), split="all").notes
    assert (notes["licence"], notes["source"], notes["games"]) == ("CC0-1.0 AND unknown", "file", 2)


def test_splits_of_a_file_are_kept_and_a_claim_is_there_once(write: Callable[..., str]) -> None:
    rows = [{**TEA, "split": "train"}, {**TEA, "id": "u", "claim": "tea is good!"}]
    found = claim_games("file", write(*rows), split="train")
    assert [game.id for game in found.games] == ["t"]
    assert found.notes["left_out"] == {"claim that is there already": 1}
    with pytest.raises(DataError, match="holds no game in 'test'"):
        claim_games("file", write(*rows), split="test")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        ({"id": "x"}, "no field 'claim', 'sides', 'licence'"),
        ({**TEA, "id": "x", "stance": 1}, "unknown field 'stance'"),
        ({**TEA, "id": " "}, "'id' is empty"),
        ({**TEA, "id": "x", "claim": 7}, "'claim' must be a text"),
        ({**TEA, "id": "x", "sides": []}, "'sides' must be a list"),
        ({**TEA, "id": "x", "sides": "pro"}, "'sides' must be a list"),
        ({**TEA, "id": "x", "sides": ["for"]}, "'sides' says 'for'; there is: pro, con"),
        ({**TEA, "id": "x", "context": "It is."}, "'context' must be a list of texts"),
        ({**TEA, "id": "x", "split": "valid"}, "'split' says 'valid'; there is: train, dev, test"),
        ({**TEA, "id": "x", "licence": ""}, "'licence' is empty"),
        ({**TEA, "id": "x", "group": None}, "'group' must be a text"),
        ({**TEA, "claim": "Another."}, r"'id' is 't', as at .*line 1"),
    ],
)
def test_a_line_that_is_no_game_is_named(
    write: Callable[..., str], row: dict[str, Any] | str, says: str
) -> None:
    with pytest.raises(DataError, match=rf"claims\.jsonl, line 2: .*{says}"):
        claim_games("file", write(TEA, row), split="all")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for name in ("nowhere.jsonl", "."):
        with pytest.raises(
            DataError, match=r"there is no such file; give a claim game file \(\.js"
        ):
            claim_games("file", str(tmp_path / name))
    with pytest.raises(
        UseError, match=r"your copy of file is: `path`, a claim game file .* more\)$"
    ):
        claim_games("file")


LINE = st.text("ab .,é\"'", min_size=1, max_size=12).map(lambda s: f"x{' '.join(s.split())}")


@given(
    st.lists(
        st.tuples(
            LINE,
            st.sampled_from([("pro",), ("con",), ("pro", "con")]),
            st.lists(LINE, max_size=3),
            st.sampled_from([None, "train", "dev", "test"]),
            st.sampled_from(["cmv", "ddo"]),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, drawn) -> None:
    games = tuple(
        ClaimGame(f"g/{n}", claim, sides, source, tuple(context), (), source, split, "a post", "me")
        for n, (claim, sides, context, split, source) in enumerate(drawn)
    )
    file = tmp_path_factory.mktemp("claims") / "c.jsonl"
    file.write_text(claim_lines(ClaimGames(games, {"licence": "CC0-1.0"})), encoding="utf-8")
    assert "a post" not in file.read_text(encoding="utf-8")
    kept = [
        (game.id, game.claim, game.sides, game.group, game.context, game.source, game.split)  # type: ignore[union-attr]
        for game in read({"c.jsonl": file})
    ]
    assert kept == [(g.id, g.claim, g.sides, g.group, g.context, g.source, g.split) for g in games]
    assert {game.licence for game in read({"c": file})} <= {"CC0-1.0"}  # type: ignore[union-attr]
