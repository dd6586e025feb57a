"""Disks that fill up, files that rot."""

from pathlib import Path

import pytest

from suasion.errors import StoreError
from suasion.report.export import results_json
from suasion.store import Store, read_store
from suasion.study import parse_study, run


@pytest.fixture
def clean(small, tmp_path: Path) -> bytes:
    return results_json(run(parse_study(small.STUDY), tmp_path / "clean", small.ScriptedModels()))


@pytest.mark.parametrize("after", [0, 1, 3, 9, 12, 20, 30])
def test_a_disk_that_fills_up_stops_the_run_which_goes_on_when_there_is_room(
    small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: bytes, after: int
) -> None:
    put, count = Store.put, 0

    def full(store: Store, kind, values) -> None:
        nonlocal count
        count += 1
        if count > after:
            pages = store.rows.execute("PRAGMA page_count").fetchone()[0]
            store.rows.execute(f"PRAGMA max_page_count = {pages}")
            values = {key: [value, "x" * 100_000] for key, value in values.items()}
        put(store, kind, values)

    models = small.ScriptedModels()
    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(StoreError, match="make room; what was stored is safe"):
        run(parse_study(small.STUDY), tmp_path / "s", models)
    monkeypatch.undo()
    with read_store(tmp_path / "s") as store:
        kept = sum(store.count(kind) for kind in ("transcript", "judgement", "artifact"))
    again = run(parse_study(small.STUDY), tmp_path / "s", models)
    assert results_json(again) == clean
    assert kept >= min(after, 9)
    # Made twice: the step that could not be saved and what was under way, or one artifact.
    assert len(models.calls) <= 112 + 9 + 3 * models.width


def test_a_rotten_adapter_is_trained_again(small, tmp_path: Path, clean: bytes) -> None:
    models = small.ScriptedModels()
    run(parse_study(small.STUDY), tmp_path / "s", models)
    models.calls.clear()
    for file in (tmp_path / "s" / "blobs").glob("*/adapter_model.safetensors"):
        file.write_text("rotten")
        break
    again = run(parse_study(small.STUDY), tmp_path / "s", models)
    assert len(models.calls) == 1
    assert models.calls[0].startswith("train")
    assert results_json(again) == clean
    assert len(list((tmp_path / "s" / "quarantine").iterdir())) == 1


def test_rotten_vectors_are_made_again(small, tmp_path: Path, clean: bytes) -> None:
    models = small.ScriptedModels()
    run(parse_study(small.STUDY), tmp_path / "s", models)
    models.calls.clear()
    for file in (tmp_path / "s" / "blobs").glob("*/response-mean.npy"):
        file.write_bytes(file.read_bytes()[:-1])
    again = run(parse_study(small.STUDY), tmp_path / "s", models)
    assert models.calls == ["vectors evil"]
    assert results_json(again) == clean


@pytest.mark.parametrize("kind", ["transcript", "judgement", "artifact"])
def test_a_rotten_row_is_made_again(small, tmp_path: Path, clean: bytes, kind: str) -> None:
    import sqlite3

    models = small.ScriptedModels()
    run(parse_study(small.STUDY), tmp_path / "s", models)
    asked = len(models.calls)
    with sqlite3.connect(tmp_path / "s" / "rows.sqlite") as rows:
        key, value = rows.execute("SELECT key, value FROM rows WHERE kind = ?", (kind,)).fetchone()
        rows.execute("UPDATE rows SET value = ? WHERE key = ?", (b"X" + value[1:], key))
    rows.close()
    again = run(parse_study(small.STUDY), tmp_path / "s", models)
    assert results_json(again) == clean
    assert len(models.calls) - asked == (0 if kind == "judgement" else 1)


def test_a_store_that_cannot_be_made(small, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        run(parse_study(small.STUDY), tmp_path / "file" / "s", small.ScriptedModels())
