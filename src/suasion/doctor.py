"""`suasion doctor`: can this machine do the work, and if not, what to do about it.

Every probe answers with one line and never raises; a missing optional part is a warning, since a
remote base needs no torch.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from suasion.errors import ModelError

_NEEDED_FREE_GB = 2.0
_EXTRAS = {
    "local": ("torch", "transformers", "peft", "safetensors"),
    "train": ("trl", "datasets", "accelerate"),
}
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer."""

    status: Literal["ok", "warn", "bad"]
    """`bad` means that the main commands cannot work."""
    subject: str
    """What was looked at."""
    says: str
    """What was found, and what to do."""


def examine(folder: Path) -> Iterator[Finding]:
    """Look at the interpreter, libraries, threads, disk, mote and keys, in that order.

    Args:
        folder: where runs would be written.
    """
    yield _python()
    yield from _extras()
    yield _processor()
    yield _disk(folder)
    yield _mote()
    yield _keys()


def _python() -> Finding:
    return Finding("ok", "python", f"{platform.python_version()} at {sys.executable}")


def _extras() -> Iterator[Finding]:
    for extra, packages in _EXTRAS.items():
        found = {package: _version(package) for package in packages}
        missing = [package for package, installed in found.items() if installed is None]
        if missing:
            hint = f"missing {', '.join(missing)}: pip install 'suasion[{extra}]'"
            yield Finding("warn", extra, hint)
        else:
            yield Finding("ok", extra, ", ".join(f"{name} {v}" for name, v in found.items()))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> Finding:
    cores = os.cpu_count() or 1
    device = _gpu() or "no GPU"
    waiting = os.environ.get("OMP_WAIT_POLICY", "set to passive by Suasion when torch starts")
    return Finding("ok", "processor", f"{cores} cores, {device}; OpenMP waiting: {waiting}")


def _gpu() -> str | None:
    if _version("torch") is None:
        return None
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def _disk(folder: Path) -> Finding:
    existing = next((p for p in (folder, *folder.absolute().parents) if p.exists()), Path.cwd())
    free_gb = shutil.disk_usage(existing).free / 1e9
    if not os.access(existing, os.W_OK):
        return Finding("bad", "disk", f"{existing} is not writable; choose another with --out")
    if free_gb < _NEEDED_FREE_GB:
        return Finding("bad", "disk", f"{free_gb:.1f} GB free at {existing}; make room")
    return Finding("ok", "disk", f"{free_gb:.0f} GB free at {existing}, writable")


def _mote() -> Finding:
    from suasion.models import mote

    try:
        folders = [mote.path(name) for name in mote.NAMES]
    except ModelError as error:
        return Finding("bad", "mote", str(error))
    return Finding("ok", "mote", f"{', '.join(mote.NAMES)} at {folders[0].parent}")


def _keys() -> Finding:
    found = [key for key in _KEYS if os.environ.get(key)]
    says = ", ".join(found) if found else "none set; only remote models and judges need one"
    return Finding("ok" if found else "warn", "keys", says)
