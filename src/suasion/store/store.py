"""The store itself: rows in SQLite, blobs in folders beside it.

    runs/demo/store/
      rows.sqlite     one row a cell: key, kind, value, and the value's own hash
      blobs/          adapters and vectors, in folders named by their contents
      scratch/        work under way; emptied when a writer opens the store
      quarantine/     what was found damaged
      lock            who writes

WAL with `synchronous=NORMAL`: a killed process loses nothing it committed; a power cut may lose the
last moments, never the store.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from suasion.errors import StoreError
from suasion.records import Json
from suasion.store import blobs
from suasion.store.keys import SCHEMA, encoded
from suasion.store.lock import writing

Kind: TypeAlias = Literal["transcript", "judgement", "artifact"]

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, value BLOB NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS damaged (key TEXT, kind TEXT, value BLOB, digest TEXT);
"""
_AT_ONCE = 500
"""Keys a query; SQLite takes at least 999 parameters."""


@dataclass(frozen=True)
class Blob:
    """A stored folder."""

    path: Path
    """Where it lies; its files were compared with their hashes a moment ago."""
    note: Json
    """What was said about it when it was stored."""


@dataclass(frozen=True)
class Store:
    """Rows by key and blobs by key; made by `open_store` or `read_store`."""

    folder: Path
    """Where everything lies."""
    rows: sqlite3.Connection
    """The open database."""
    writable: bool
    """Whether this process holds the lock."""

    def get(self, key: str) -> Json:
        """The value under `key`, or None.

        Raises:
            StoreError: the store cannot be read.
        """
        return self.many([key]).get(key)

    def many(self, keys: Iterable[str]) -> dict[str, Json]:
        """The values of all `keys` the store holds; a damaged one counts as absent.

        Raises:
            StoreError: the store cannot be read.
        """
        wanted = list(keys)
        found: dict[str, Json] = {}
        with _clear(self.folder):
            for start in range(0, len(wanted), _AT_ONCE):
                chunk = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT key, CAST(value AS BLOB), digest FROM rows WHERE key IN ({marks})"
                for key, value, digest in self.rows.execute(query, chunk).fetchall():
                    if _sum(key, value) == digest:
                        found[key] = json.loads(value)
                    else:
                        self._set_aside(key)
        return found

    def have(self, keys: Iterable[str]) -> set[str]:
        """Which of `keys` the store holds, undamaged.

        Raises:
            StoreError: the store cannot be read.
        """
        return set(self.many(keys))

    def put(self, kind: Kind, values: Mapping[str, Json]) -> None:
        """Add rows in one transaction; a key that is there already keeps its value.

        Raises:
            StoreError: the disk is full or the store not writable; then none was added.
        """
        self._must_write()
        rows = []
        for key, value in values.items():
            data = encoded(value)
            rows.append((key, kind, data, _sum(key, data)))
        with _clear(self.folder), self.rows:
            self.rows.execute("BEGIN IMMEDIATE")
            self.rows.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", rows)

    def count(self, kind: Kind) -> int:
        """How many rows of a kind there are.

        Raises:
            StoreError: the store cannot be read.
        """
        with _clear(self.folder):
            query = "SELECT COUNT(*) FROM rows WHERE kind = ?"
            return int(self.rows.execute(query, (kind,)).fetchone()[0])

    def put_blob(self, key: str, folder: Path, note: Json = None) -> Blob:
        """Move the files of `folder` into the store under `key`.

        Raises:
            StoreError: it holds something else than plain files, or cannot be stored.
        """
        self._must_write()
        with _clear(self.folder):
            files: dict[str, Json] = dict(blobs.keep(folder, self.folder / "blobs"))
            self._set_aside(key)  # its blob is damaged, or it would not be made again
        self.put("artifact", {key: {"files": files, "note": note}})
        blob = self.blob(key)
        if blob is None:
            raise StoreError(f"{self.folder} does not keep what is written to it: check the disk")
        return blob

    def blob(self, key: str) -> Blob | None:
        """The blob under `key`, its files checked; None if there is none or it is damaged.

        Raises:
            StoreError: the store cannot be read.
        """
        row = self.get(key)
        if not isinstance(row, dict) or not isinstance(row.get("files"), dict):
            return None
        files = {str(name): str(value) for name, value in row["files"].items()}  # type: ignore[union-attr]  # checked above
        path = self.folder / "blobs" / blobs.blob_name(files)
        if blobs.intact(path, files):
            return Blob(path, row.get("note"))
        if self.writable:
            with _clear(self.folder):
                blobs.quarantine(path)
        return None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh folder on the store's own disk, gone afterwards unless it was stored.

        Raises:
            StoreError: it cannot be made.
        """
        self._must_write()
        with _clear(self.folder):
            (self.folder / "scratch").mkdir(exist_ok=True)
            path = Path(tempfile.mkdtemp(dir=self.folder / "scratch"))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def _must_write(self) -> None:
        if not self.writable:
            raise StoreError(f"the store {self.folder} was opened for reading only")

    def _set_aside(self, key: str) -> None:
        """Move a damaged row out of the way, so that it is computed again."""
        if self.writable:
            with self.rows:
                self.rows.execute("INSERT INTO damaged SELECT * FROM rows WHERE key = ?", (key,))
                self.rows.execute("DELETE FROM rows WHERE key = ?", (key,))


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open the store in `folder` for writing, made if need be.

    Raises:
        StoreError: it is locked, cannot be written, or is no store of this version.
    """
    folder = folder.absolute()
    with _clear(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        with _clear(folder):
            rows = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
        with closing(rows):
            with _clear(folder):
                rows.execute("PRAGMA journal_mode=WAL")
                rows.execute("PRAGMA synchronous=NORMAL")
                _check_version(rows, folder)
                rows.executescript(f"{_TABLES} PRAGMA user_version = {SCHEMA};")
            yield Store(folder, rows, writable=True)


@contextmanager
def read_store(folder: Path) -> Iterator[Store]:
    """Open the store in `folder` for reading; needs no lock, also while a run writes.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    folder = folder.absolute()
    if not (folder / "rows.sqlite").is_file():
        raise StoreError(f"there is no store in {folder}")
    with _clear(folder):
        address = f"{(folder / 'rows.sqlite').as_uri()}?mode=ro"
        rows = sqlite3.connect(address, uri=True, isolation_level=None)
    with closing(rows):
        with _clear(folder):
            _check_version(rows, folder)
        yield Store(folder, rows, writable=False)


def _check_version(rows: sqlite3.Connection, folder: Path) -> None:
    version = rows.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, SCHEMA):
        raise StoreError(
            f"the store {folder} was written by another version of suasion (schema {version}, "
            f"this one has {SCHEMA}); use another folder with --store"
        )


def _sum(key: str, value: bytes) -> str:
    """What a row must hash to; the key is in it, so that no row can pass for another."""
    return hashlib.sha256(key.encode() + b"\0" + bytes(value)).hexdigest()


@contextmanager
def _clear(folder: Path) -> Iterator[None]:
    """Turn what the disk or the database says into one clear sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the store {folder} {_says(error)}") from error
    except OSError as error:
        raise StoreError(f"the store {folder} cannot be used: {error.strerror}") from error


def _says(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "full" in text or "I/O" in text:
        return f"cannot be written ({text}): make room; what was stored is safe, then run again"
    if "malformed" in text or "not a database" in text:
        return f"is damaged ({text}): move it aside and run again"
    return f"cannot be used: {text}"
