import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.errors import StoreError
from suasion.store import digest, open_store, read_store

KEY, OTHER = "a" * 64, "b" * 64


def make_blob(folder: Path, content: str = "weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "a.bin").write_text(content)
    (folder / "b.json").write_text("{}")
    return folder


def test_what_was_put_is_read_back_after_reopening(tmp_path: Path) -> None:
    value = {"text": "\ud800 \x00 é", "n": [1, 2.5, None, float("-inf")]}
    with open_store(tmp_path / "s") as store:
        store.put("transcript", {KEY: value})
    with read_store(tmp_path / "s") as store:
        assert store.get(KEY) == value
        assert store.get(OTHER) is None
        assert store.have([KEY, OTHER]) == {KEY}


def test_a_row_is_never_changed(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: "first"})
        store.put("transcript", {KEY: "second", OTHER: "new"})
        assert store.many([KEY, OTHER]) == {KEY: "first", OTHER: "new"}
        assert store.count("transcript") == 2


def test_more_keys_than_a_query_takes(tmp_path: Path) -> None:
    values = {digest(n): n for n in range(2500)}
    with open_store(tmp_path) as store:
        store.put("judgement", values)
        assert store.many(values) == values


def test_each_put_is_seen_by_a_reader_at_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: 1})
        with read_store(tmp_path) as reader:
            assert reader.get(KEY) == 1
            store.put("transcript", {OTHER: 2})
            assert reader.get(OTHER) == 2


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_flipped_byte_in_a_row_is_found_and_the_row_made_again(tmp_path, position, flip) -> None:
    with open_store(tmp_path / "s") as store:
        store.put("transcript", {KEY: {"text": "what was said", "n": 17}})
        data = bytearray(store.rows.execute("SELECT value FROM rows").fetchone()[0])
        data[position % len(data)] ^= flip
        store.rows.execute("UPDATE rows SET value = ?", (bytes(data),))
        assert store.get(KEY) is None
        assert store.rows.execute("SELECT COUNT(*) FROM damaged").fetchone()[0] >= 1
        store.put("transcript", {KEY: "again"})
        assert store.get(KEY) == "again"
        store.rows.execute("DELETE FROM rows")


def test_a_row_under_another_key_does_not_pass(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: 1})
        store.rows.execute("UPDATE rows SET key = ?", (OTHER,))
        assert store.get(OTHER) is None


def test_a_reader_counts_a_damaged_row_as_absent(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: "text"})
        store.rows.execute("UPDATE rows SET value = 'x'")
    with read_store(tmp_path) as reader:
        assert reader.get(KEY) is None


def test_a_blob_is_kept_with_its_note(tmp_path: Path) -> None:
    with open_store(tmp_path / "s") as store:
        with store.scratch() as scratch:
            stored = store.put_blob(KEY, make_blob(scratch / "made"), {"steps": 3})
        assert stored.note == {"steps": 3}
        assert store.blob(KEY) == stored
        assert (stored.path / "a.bin").read_text() == "weights"
        assert not list((tmp_path / "s" / "scratch").iterdir())


def test_equal_blobs_lie_in_one_folder(tmp_path: Path) -> None:
    with open_store(tmp_path / "s") as store:
        first = store.put_blob(KEY, make_blob(tmp_path / "one"))
        second = store.put_blob(OTHER, make_blob(tmp_path / "two"))
        assert first.path == second.path


@pytest.mark.parametrize("harm", ["flip", "truncate", "delete", "add"])
def test_a_damaged_blob_is_put_aside_and_can_be_made_again(tmp_path: Path, harm: str) -> None:
    with open_store(tmp_path / "s") as store:
        path = store.put_blob(KEY, make_blob(tmp_path / "made")).path
        file = path / "a.bin"
        if harm == "flip":
            file.write_text("wEights")
        elif harm == "truncate":
            file.write_text("weigh")
        elif harm == "delete":
            file.unlink()
        else:
            (path / "more.bin").write_text("")
        assert store.blob(KEY) is None
        assert len(list((tmp_path / "s" / "quarantine").iterdir())) == 1
        again = store.put_blob(KEY, make_blob(tmp_path / "again", "other"), "second")
        assert store.blob(KEY) == again
        assert again.note == "second"


@pytest.mark.parametrize("name", [".hidden", "a b", "-x", "é"])
def test_a_blob_holds_only_plain_names(tmp_path: Path, name: str) -> None:
    folder = make_blob(tmp_path / "made")
    (folder / name).write_text("")
    with open_store(tmp_path / "s") as store, pytest.raises(StoreError, match="plain names"):
        store.put_blob(KEY, folder)


def test_a_blob_holds_no_links(tmp_path: Path) -> None:
    folder = make_blob(tmp_path / "made")
    (folder / "link").symlink_to("/etc/hostname")
    with open_store(tmp_path / "s") as store, pytest.raises(StoreError, match="cannot be stored"):
        store.put_blob(KEY, folder)


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    import os

    with (
        open_store(tmp_path),
        pytest.raises(StoreError, match=f"in use by process {os.getpid()} on "),
        open_store(tmp_path),
    ):
        pass


def test_the_lock_is_free_after_the_writer_left(tmp_path: Path) -> None:
    for _ in range(2):
        with open_store(tmp_path) as store:
            store.put("transcript", {KEY: 1})


def test_reading_needs_no_lock_and_allows_no_writing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: 1})
        with read_store(tmp_path) as reader:
            assert reader.get(KEY) == 1
            with pytest.raises(StoreError, match="reading only"):
                reader.put("transcript", {OTHER: 2})


def test_no_store_to_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store in"), read_store(tmp_path / "none"):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"), open_store(tmp_path / "file" / "store"):
        pass


def test_a_full_disk_leaves_the_old_state(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("transcript", {KEY: "kept"})
        pages = store.rows.execute("PRAGMA page_count").fetchone()[0]
        store.rows.execute(f"PRAGMA max_page_count = {pages}")
        big = {digest(n): "x" * 1000 for n in range(100)}
        with pytest.raises(StoreError, match="make room"):
            store.put("transcript", big)
        assert store.count("transcript") == 1
        store.rows.execute("PRAGMA max_page_count = 1000000")
        store.put("transcript", big)
        assert store.get(KEY) == "kept"
        assert store.count("transcript") == 101


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "rows.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="move it aside"), open_store(tmp_path):
        pass


def test_a_store_of_another_version(tmp_path: Path) -> None:
    with open_store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "rows.sqlite") as rows:
        rows.execute("PRAGMA user_version = 99")
    rows.close()
    with pytest.raises(StoreError, match="another version"), open_store(tmp_path):
        pass


def test_a_writer_empties_what_a_dead_one_left(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "dead"
    left.mkdir(parents=True)
    with open_store(tmp_path):
        assert not left.exists()


def test_eight_threads_read_while_one_writes(tmp_path: Path) -> None:
    keys = [digest(n) for n in range(200)]
    failures: list[Exception] = []

    def reader() -> None:
        try:
            with read_store(tmp_path) as store:
                while len(store.have(keys)) < len(keys):
                    pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shall show it
            failures.append(error)

    with open_store(tmp_path) as store:
        threads = [threading.Thread(target=reader) for _ in range(8)]
        for thread in threads:
            thread.start()
        for n, key in enumerate(keys):
            store.put("transcript", {key: n})
        for thread in threads:
            thread.join(60)
    assert not failures
