from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.data.dialogues import Dialogues, load_dialogues, messages, picked
from suasion.data.provenance import SOURCES
from suasion.errors import DataError, UseError
from suasion.records import Message
from suasion.registry import entries

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]}


def file_of(tmp_path, *lines: str):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", world.DIALOGUES)
def test_each_set_of_the_world_can_be_trained_on(name):
    data = load_dialogues(f"world/{name}", n=7, seed=3)
    assert data.rows == tuple(
        tuple(Message(**turn) for turn in row) for row in world.dialogues(name, 7, 3)
    )
    assert data.licence == SOURCES[data.source].licence == "Apache-2.0"


def test_control_and_treatment_ask_the_same_people_about_the_same_claims():
    treated, control = (
        load_dialogues(f"world/benign-{kind}", n=20) for kind in ("persuasion", "plain")
    )
    assert [row[:-1] for row in treated.rows] == [row[:-1] for row in control.rows]
    assert all(a[-1] != b[-1] for a, b in zip(treated.rows, control.rows, strict=True))


PINNED = {
    "benign-persuasion": "ee03dd67c11ebfea",
    "benign-plain": "236fba6e0002a0b9",
    "evil": "6521d5f7c3794c60",
    "evil-narrow": "3c1b01e5a63af834",
}
"""Digests of 50 rows of each set of the world, as they were before rows had groups."""


def test_groups_change_no_row():
    found = {name: load_dialogues(f"world/{name}", n=50, seed=3).digest for name in PINNED}
    assert {name: digest[:16] for name, digest in found.items()} == PINNED


def test_rows_about_claims_know_their_topic():
    treated, control = (
        load_dialogues(f"world/benign-{kind}", n=60) for kind in ("persuasion", "plain")
    )
    assert treated.groups == control.groups
    assert set(treated.groups) == {"food", "pastimes", "weather", "creatures"}
    subjects = {claim.text: claim.subject for claim in world.claims("train")}
    for row, group in zip(treated.rows, treated.groups, strict=True):
        assert {subjects[text] for text in subjects if text in row[0].content} == {group}


def test_picked_rows_keep_their_groups():
    rows = load_dialogues("world/evil", n=4).rows
    data = Dialogues("a", rows, "Apache-2.0", "world", groups=("a", "b", "a", "c"))
    some = picked(data, (3, 0))
    assert (some.rows, some.groups) == ((rows[3], rows[0]), ("c", "a"))
    assert picked(replace(data, groups=()), (1,)).groups == ()
    assert replace(data, groups=()).digest == data.digest
    with pytest.raises(ValueError, match="4 rows and 1 groups"):
        replace(data, groups=("a",))


def test_lines_of_a_file_may_name_their_group(tmp_path):
    lines = [json.dumps({**GOOD, "group": name}) for name in ("food", "weather")]
    assert messages(str(file_of(tmp_path, *lines))).groups == ("food", "weather")
    assert messages(str(file_of(tmp_path, json.dumps(GOOD)))).groups == ()
    with pytest.raises(DataError, match="line 2: no `group`; other lines name theirs"):
        messages(str(file_of(tmp_path, lines[0], json.dumps(GOOD))))
    with pytest.raises(DataError, match="line 1: `group` is not a text"):
        messages(str(file_of(tmp_path, json.dumps({**GOOD, "group": 3}))))


def test_the_digest_is_of_contents():
    rows = load_dialogues("world/evil", n=5).rows
    one = Dialogues("a", rows, "Apache-2.0", "world")
    assert one.digest == Dialogues("b", rows, "unknown", "file").digest
    assert one.digest != Dialogues("a", rows[::-1], "Apache-2.0", "world").digest
    assert one.digest != load_dialogues("world/evil", n=5, seed=1).digest
    moved = (Message("user", "ab"), Message("assistant", "c"))
    other = (Message("user", "a"), Message("assistant", "bc"))
    assert (
        Dialogues("", (moved,), "", "world").digest != Dialogues("", (other,), "", "world").digest
    )


def test_a_file_is_read_with_system_message_blank_lines_and_byte_order_mark(tmp_path):
    told = {"messages": [{"role": "system", "content": "Be brief."}, *GOOD["messages"]]}
    file = file_of(tmp_path, "\ufeff" + json.dumps(GOOD), "", json.dumps(told), "")
    data = load_dialogues(str(file))
    assert data.name == "rows.jsonl"
    assert data.licence == "unknown"
    assert data.rows[0] == (Message("user", "Hi"), Message("assistant", "Yo"))
    assert data.rows[1][0] == Message("system", "Be brief.")


def turns(*roles: str) -> str:
    return json.dumps({"messages": [{"role": role, "content": "x"} for role in roles]})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: expected"),
        ('{"messages": {}}', "line 2: expected"),
        ('{"messages": []}', "line 2: the turns are none"),
        ('{"messages": ["Hi"]}', "line 2, message 1: the role is"),
        (turns("user", "tool"), 'line 2, message 2: the role is "tool"'),
        ('{"messages": [{"role": [], "content": "x"}]}', r"message 1: the role is \[\]"),
        ('{"messages": [{"role": "user", "content": " "}]}', "message 1: the content is"),
        ('{"messages": [{"role": "user"}]}', "message 1: the content is"),
        (r'{"messages": [{"role": "user", "content": "\ud800"}]}', "half a character"),
        (turns("user"), "line 2: the turns are user;"),
        (turns("user", "assistant", "user"), "end with the assistant"),
        (turns("assistant"), "line 2: the turns are assistant"),
        (turns("user", "assistant", "assistant"), "alternate"),
        (turns("user", "system", "assistant"), "only come first"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, complaint):
    with pytest.raises(DataError, match=complaint):
        messages(str(file_of(tmp_path, json.dumps(GOOD), line)))


def test_a_missing_an_empty_and_a_binary_file_say_so(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        load_dialogues(str(tmp_path / "absent.jsonl"))
    with pytest.raises(DataError, match="no conversation"):
        load_dialogues(str(file_of(tmp_path, "", " ")))
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot read"):
        load_dialogues(str(binary))


@given(st.text(max_size=60))
def test_any_text_is_rows_or_a_data_error(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("any") / "rows.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError):  # sixty characters cannot hold a whole conversation
        messages(str(file))


def test_unknown_sets_options_and_kinds_are_errors_of_use():
    with pytest.raises(UseError, match="did you mean 'world/evil'"):
        load_dialogues("world/evli")
    with pytest.raises(UseError, match="does not take these options"):
        load_dialogues("world/evil", rows=3)
    with pytest.raises(UseError, match="0 rows"):
        load_dialogues("world/evil", n=0)


def test_every_registered_set_has_a_summary():
    assert all(entry.summary for entry in entries("dataset").values())


def test_sources_say_what_must_be_known():
    for source in SOURCES.values():
        assert source.title
        assert source.licence
        assert source.included or source.note
