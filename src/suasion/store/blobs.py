"""Blobs: folders of files (an adapter, vectors), named by the hash of what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from suasion.errors import StoreError
from suasion.store.keys import digest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names of files in a blob: no separators, nothing hidden, so that none leaves its folder."""


def file_digests(folder: Path) -> dict[str, str]:
    """sha256 of every file in `folder`, by name.

    Raises:
        StoreError: something in it is not a plain file with a plain name.
    """
    digests = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or not NAME.fullmatch(path.name):
            raise StoreError(f"{path} cannot be stored: only plain files with plain names can")
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def blob_name(digests: Mapping[str, str]) -> str:
    """What a folder with these files is called."""
    return digest(dict(digests))


def keep(folder: Path, root: Path) -> dict[str, str]:
    """Move `folder` into `root` under the name of its contents; returns its files' digests.

    The files are flushed before the folder is renamed into place, so a folder that is there is
    whole.

    Raises:
        StoreError: it cannot be stored.
    """
    digests = file_digests(folder)
    target = root / blob_name(digests)
    if intact(target, digests):
        return digests
    quarantine(target)
    for name in digests:
        _flush(folder / name)
    root.mkdir(exist_ok=True)
    shutil.move(folder, target)
    return digests


def intact(folder: Path, digests: Mapping[str, str]) -> bool:
    """Whether `folder` holds exactly these files."""
    try:
        return file_digests(folder) == dict(digests)
    except (OSError, StoreError):
        return False


def quarantine(folder: Path) -> None:
    """Put a damaged folder aside, under a name nobody asks for, so that it can be looked at."""
    if not folder.exists():
        return
    aside = folder.parent.parent / "quarantine"
    aside.mkdir(exist_ok=True)
    count = sum(1 for path in aside.iterdir() if path.name.startswith(folder.name))
    folder.rename(aside / f"{folder.name}.{count}")


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
