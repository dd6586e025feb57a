"""Views on r/ChangeMyView with the replies that changed them or did not (Tan et al. 2016).

The files are those of ConvoKit's `winning-args-corpus`, read without ConvoKit: `conversations.json`
has each post's title, text and writer and whether it was in the paper's training part;
`utterances.jsonl` has every comment. A view's own post argues for it; against it argue the direct
replies that the paper paired, those that won a delta first. No licence is stated: the texts belong
to their writers.

Nobody's name is kept. A writer becomes a pseudonym, the first 12 hex digits of HMAC-SHA256 of the
name with the sha256 of `conversations.json` as key: the same in every reading of one file, and no
secret from those who have it. So does the id of a post. Names of a thread's writers that a text
mentions, and any `/u/NAME`, become `[name]`.
"""

from __future__ import annotations

import hmac
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from suasion.data.claim_record import LeftOut, Read, Split, claim_game, nameless
from suasion.data.streams import an_object, digest_of, has_fields, json_lines, json_members
from suasion.data.tables import Fields, text
from suasion.errors import DataError

UTTERANCES, CONVERSATIONS = "utterances.jsonl", "conversations.json"

NOBODY = ("", "[deleted]", "[removed]", "[missing]")
"""What stands for a text or a name that is gone."""

_POST = ("op-userID", "op-text-body", "op-title", "train")
_COMMENT = (
    "id", "speaker|user", "conversation_id|root", "reply_to|reply-to", "text", "meta",
)  # fmt: skip
"""ConvoKit renamed some fields; a copy has either names."""

_FOOTNOTE = re.compile(r"\n+\s*_{3,}\s*\n.{0,20}hello, users of cmv.*", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(
    r"^\s*[\[(]?\s*cmv\b\s*[\])]?\s*[:;,.–—-]*\s*|\s*[\[(][^\])]*\bdeltas?\b[^\])]*[\])]"
    r"|[\s,;:.–—-]*[\[(]?\bcmv\b[\])]?\s*[.!]*\s*$",
    re.IGNORECASE,
)


@dataclass
class _Thread:
    """A post, and the replies to it as they come."""

    title: str
    body: str
    writer: str
    split: Split | None
    replies: list[tuple[bool, str, str]] = field(default_factory=list)
    """Whether it won a delta, its text, its writer."""


def files(path: Path) -> Mapping[str, Path]:
    """The files of a copy, by name.

    Raises:
        DataError: one is not there.
    """
    found = {name: path / name for name in (UTTERANCES, CONVERSATIONS)}
    if missing := [name for name, file in found.items() if not file.is_file()]:
        raise DataError(
            f"{path} lacks {', '.join(missing)}: give the folder of ConvoKit's winning-args-corpus"
        )
    return found


def read(files: Mapping[str, Path]) -> Read:
    """The views, in the order of the posts.

    Raises:
        DataError: a file is not as published; names file, row and field.
    """
    threads = dict(_threads(files[CONVERSATIONS]))
    yield from _comments(files[UTTERANCES], threads)
    if not any(thread.replies for thread in threads.values()):
        raise DataError(
            f"{files[UTTERANCES]}: no direct reply has 'success' 0 or 1; is it the "
            "winning-args-corpus?"
        )
    secret = digest_of({CONVERSATIONS: files[CONVERSATIONS]})[0]
    for name, thread in threads.items():
        yield from _view(name, thread, secret)


def _threads(file: Path) -> Mapping[str, _Thread]:
    found = {}
    for name, value in json_members(file):
        where = f"{file}, conversation '{name}'"
        fields = an_object(value, where)
        fields = an_object(fields.get("meta", fields), where)
        has_fields(fields, _POST, where)
        found[name] = _Thread(
            _written(fields, "op-title", where),
            _FOOTNOTE.sub("", _written(fields, "op-text-body", where)).strip(),
            _written(fields, "op-userID", where),
            _split(fields["train"], where),
        )
    return found


def _comments(file: Path, threads: Mapping[str, _Thread]) -> Read:
    """Note the paired replies with their threads; yields what there is no use for."""
    for where, fields in json_lines(file):
        has_fields(fields, _COMMENT, where)
        root = fields.get("conversation_id", fields.get("root"))
        said = _written(fields, "text", where)
        if said in NOBODY:
            yield LeftOut("comment without a text")
            continue
        if fields.get("reply_to", fields.get("reply-to")) != root:
            continue
        success = _success(fields, where)
        if success is None:
            continue
        thread = threads.get(str(root))
        if thread is None:
            yield LeftOut("reply to a post that is not there")
            continue
        writer = _written(fields, "speaker" if "speaker" in fields else "user", where)
        if writer != thread.writer or writer in NOBODY:
            thread.replies.append((success, said, writer))


def _view(name: str, thread: _Thread, secret: str) -> Read:
    writers = [thread.writer, *(writer for _, _, writer in thread.replies)]
    names = [writer for writer in writers if writer not in NOBODY]
    title = nameless(thread.title, names)
    body = "" if thread.body in NOBODY else nameless(thread.body, names)
    claim = _MARK.sub("", title).strip()
    if thread.title in NOBODY or not claim:
        yield LeftOut("post without a title")
        return
    if not body:
        yield LeftOut("text of a post that is gone")
    won, lost = ([t for s, t, _ in thread.replies if s == wanted] for wanted in (True, False))
    if not body and not thread.replies:
        yield LeftOut("post without a text and a reply")
        return
    yield claim_game(
        _pseudonym(name, secret),
        claim[0].upper() + claim[1:],
        "cmv",
        pro=[body] if body else [],
        con=[nameless(reply, names) for reply in (*won, *lost)],
        split=thread.split,
        text=f"{title}\n\n{body}".strip(),
        author=_pseudonym(thread.writer, secret) if thread.writer not in NOBODY else "",
        counts={"won": len(won), "lost": len(lost)},
    )


def _pseudonym(name: str, secret: str) -> str:
    return hmac.new(secret.encode(), name.encode(), "sha256").hexdigest()[:12]


def _written(fields: Fields, name: str, where: str) -> str:
    """A text or a name; empty where the data has none."""
    return "" if fields[name] is None else html.unescape(text(fields, name, where))


def _success(fields: Fields, where: str) -> bool | None:
    meta = an_object(fields["meta"], where)
    has_fields(meta, ("success",), f"{where}, 'meta'")
    value = meta["success"]
    if value is not None and value not in (0, 1):
        raise DataError(f"{where}: 'success' is {value!r}; there is: 1, 0, null")
    return None if value is None else bool(value)


def _split(value: object, where: str) -> Split | None:
    if value is None:
        return None
    if value not in (0, 1):
        raise DataError(f"{where}: 'train' is {value!r}; there is: 1, 0")
    return "train" if value else "test"
