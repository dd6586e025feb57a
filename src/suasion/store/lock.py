"""One writer a store: an advisory lock that dies with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suasion.errors import StoreError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the right to write to the store in `folder`.

    The kernel gives the lock up when its holder dies, however it dies; the file left behind only
    says who had it last, and is taken over.

    Raises:
        StoreError: another process holds it; the message says which.
    """
    try:
        handle = (folder / "lock").open("a+")
    except OSError as error:
        raise StoreError(f"the store {folder} cannot be written: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"the store {folder} is in use by {_holder(folder)}; wait for it, stop it, "
                "or give this run a store of its own with --store"
            ) from error
        except OSError as error:
            raise StoreError(f"the store {folder} cannot be locked: {error.strerror}") from error
        _sign(folder)
        yield


def _sign(folder: Path) -> None:
    """Say who holds the lock, for the message another process will print."""
    note = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
    try:
        (folder / "lock").write_text(note)
    except OSError as error:
        raise StoreError(f"the store {folder} cannot be written: {error.strerror}") from error


def _holder(folder: Path) -> str:
    try:
        note = json.loads((folder / "lock").read_text())
        return f"process {note['pid']} on {note['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
