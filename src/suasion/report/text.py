"""The numbers of a run as plain lines for a terminal, from what `results.json` holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

Row: TypeAlias = Mapping[str, object]
"""One estimate or contrast, as in `results.json`; null is None."""


def estimate_lines(estimates: Sequence[Row]) -> Iterator[str]:
    """A line per pooled estimate: arm, evaluation, group, metric, value, interval, n, missing."""
    pooled = [row for row in estimates if row["seed"] is None]
    head = ("arm", "evaluation", "group", "metric", "value", "95 % interval", "n", "missing")
    yield from table(
        head,
        [
            (
                str(row["arm"]),
                str(row["evaluation"]),
                str(row["group"]),
                str(row["metric"]),
                _number(row["value"]),
                f"{_number(row['low'])} to {_number(row['high'])}",
                str(row["n"]),
                str(row["missing"]),
            )
            for row in pooled
        ],
    )


def contrast_lines(contrasts: Sequence[Row], no_shares: Sequence[Row] = ()) -> Iterator[str]:
    """A line per contrast: what is compared, the difference, and what it is worth.

    Args:
        contrasts: one or none a line.
        no_shares: evaluation and metric of what is not told in percentage points.
    """
    numbers = {(at["evaluation"], at["metric"]) for at in no_shares}

    def told(row: Row, value: object) -> str:
        share = (row["evaluation"], row["metric"]) not in numbers
        return _points(value) if share else _signed(value)

    if not contrasts:
        return
    yield ""
    head = ("arm - reference", "on", "metric", "difference", "95 % interval", "p adj.", "verdict")
    yield from table(
        head,
        [
            (
                f"{row['arm']} - {row['reference']}",
                f"{row['evaluation']}/{row['group']}",
                str(row["metric"]),
                told(row, row["difference"]),
                f"{told(row, row['low'])} to {told(row, row['high'])}",
                _number(row["p_adjusted"]),
                str(row["verdict"]),
            )
            for row in contrasts
        ],
    )


def dose_lines(doses: Sequence[Row]) -> Iterator[str]:
    """A line per dose-response: trend, lowest effective dose, benchmark dose with interval."""
    if not doses:
        return
    yield ""
    head = ("arm", "on", "metric", "over", "trend", "p", "lowest effective", "moved by", "at")
    yield from table(
        head,
        [
            (
                str(row["arm"]),
                f"{row['evaluation']}/{row['group']}",
                str(row["metric"]),
                str(row["dose"]),
                str(row["direction"]),
                _number(_part(row, "trend")["p"]),
                str(_part(row, "effective")["says"]),
                _points(_part(row, "benchmark")["added"]),
                str(_part(row, "benchmark")["says"]),
            )
            for row in doses
        ],
    )


def sender_lines(senders: Sequence[Row]) -> Iterator[str]:
    """A line per Sender of persuasion games: its gain over Receivers, and over claims."""
    if not senders:
        return
    yield ""
    head = ("arm", "on", "gain, points", "for Receivers like these", "for claims like these", "n",
            "missing", "survives", "stands")  # fmt: skip
    yield from table(head, [_sender(row) for row in senders])


def _sender(row: Row) -> tuple[str, ...]:
    gain = _part(row, "gain")
    receivers, items = _part(gain, "over_receivers"), _part(gain, "over_items")
    survives = cast("Row", _part(row, "measures").get("survives") or {})
    return (
        str(row["arm"]),
        str(row["evaluation"]),
        _number(items["value"]),
        f"{_number(receivers['low'])} to {_number(receivers['high'])}",
        f"{_number(items['low'])} to {_number(items['high'])}",
        str(items["n"]),
        str(items["missing"]),
        _number(survives.get("value")),
        str(row["stands"]),
    )


def _part(row: Row, name: str) -> Row:
    return cast(Row, row[name])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table with a head, columns aligned on the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _points(value: object) -> str:
    return f"{100 * value:+.1f} pp" if isinstance(value, int | float) else "-"


def _signed(value: object) -> str:
    return f"{value:+.3f}" if isinstance(value, int | float) else "-"
