"""Reading large JSON files piece by piece, and knowing files by their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from suasion.errors import DataError

_MARK = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""


def digest_of(files: Mapping[str, Path]) -> tuple[str, dict[str, str]]:
    """The sha256 of a data set, and of each of its files, in hex.

    With one file it is that file's; with several that of what `sha256sum` prints about them in the
    order of their names.

    Raises:
        DataError: a file cannot be read.
    """
    each = {}
    for name in sorted(files):
        with _readable(files[name]), files[name].open("rb") as stream:
            each[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    if len(each) == 1:
        return next(iter(each.values())), each
    printed = "".join(f"{digest}  {name}\n" for name, digest in each.items())
    return hashlib.sha256(printed.encode()).hexdigest(), each


def json_members(file: Path) -> Iterator[tuple[str, object]]:
    """The members of the one object in a JSON file, one after the other.

    Raises:
        DataError: the file cannot be read, is not JSON, or holds something else than an object.
    """
    import ijson  # type: ignore[import-untyped]  # shipped without types

    with _readable(file), file.open("rb") as stream:
        start = len(_MARK) if stream.read(len(_MARK)) == _MARK else 0
        stream.seek(start)
        head = stream.read(64).lstrip()
        if not head.startswith(b"{"):
            raise DataError(f"{file}: expected a JSON object, and it begins with {head[:8]!r}")
        stream.seek(start)
        try:
            yield from ijson.kvitems(stream, "", use_float=True)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: not JSON ({' '.join(str(error).split())})") from error


def json_lines(file: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The objects of a JSON Lines file, each with where it stands.

    Raises:
        DataError: the file cannot be read, or a line is no JSON object.
    """
    with _readable(file), file.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            where = f"{file}, line {number}"
            try:
                said = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where}: not JSON ({error})") from error
            yield where, an_object(said, where)


def an_object(value: object, where: str) -> Mapping[str, object]:
    """A value that must be an object.

    Raises:
        DataError: it is none.
    """
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a JSON object, not {type(value).__name__}")
    return value


def a_list(fields: Mapping[str, object], name: str, where: str) -> list[object]:
    """The list under a field.

    Raises:
        DataError: there is none.
    """
    value = fields.get(name)
    if not isinstance(value, list):
        raise DataError(f"{where}: '{name}' must be a list, not {type(value).__name__}")
    return value


def has_fields(fields: Mapping[str, object], names: tuple[str, ...], where: str) -> None:
    """See that all fields are there, or of some that have had two names one of them.

    Args:
        fields: what is there.
        names: what must be; `reply_to|reply-to` is there under either name.
        where: of what, for the error.

    Raises:
        DataError: one is not.
    """
    missing = [name for name in names if not set(name.split("|")) & set(fields)]
    if missing:
        said = ", ".join(" or ".join(f"'{one}'" for one in name.split("|")) for name in missing)
        raise DataError(
            f"{where}: no field {said}; the schema has changed, or this is another file: here "
            f"there is {', '.join(map(str, fields)) or 'none'}"
        )


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start})") from error
