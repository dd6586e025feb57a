"""`results.json` and `samples.parquet`: the report in a form that programs read.

Both are functions of the results alone: no time, path or order of completion enters them, so that a
run that was killed and resumed writes the same bytes as one that was not.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from suasion import __version__
from suasion.errors import StoreError
from suasion.records import Json
from suasion.report import mixtures
from suasion.report.beliefs import exported as belief_shift
from suasion.report.dose_words import exported as dose_response
from suasion.report.look_up import ALL, Index
from suasion.report.persuasion_export import exported as persuasion_games
from suasion.report.plain import contrast, figure, number
from suasion.report.screening import exported
from suasion.study.results import (
    ArmEstimate,
    JudgesAgree,
    JudgesDiffer,
    PublishedRow,
    Results,
    Sample,
)


def results_json(results: Results) -> bytes:
    """The public part of the results as strict JSON: numbers that cannot be had are null."""
    index = Index(results)
    estimates = sorted(results.estimates, key=lambda row: _order(row, index))
    content: dict[str, Json] = {
        "study": results.study,
        "suasion": __version__,
        "estimates": [_estimate(row) for row in estimates],
        "contrasts": [contrast(row) for row in results.contrasts],
        "checks": [
            {"id": check.id, "status": check.status, "says": check.says} for check in results.checks
        ],
    }
    if results.numbers:
        content["no_shares"] = [
            {"evaluation": name, "metric": metric} for name, metric in sorted(results.numbers)
        ]
    if results.judges_agree or results.judges_differ or results.checked_by_rules:
        content["judges"] = {
            "agreement": [_agree(row) for row in results.judges_agree],
            "differences": [_differ(row) for row in results.judges_differ],
            "against_rules": [_agree(row) for row in results.checked_by_rules],
        }
    if results.published:
        content["published"] = [_beside(row) for row in results.published]
    if results.doses:
        content["doses"] = [dose_response(each) for each in results.doses]
    if results.beside:
        content["beside"] = [
            {**contrast(row), "role": results.roles[row.evaluation]} for row in results.beside
        ]
    if results.belief_shifts:
        content["beliefs"] = [belief_shift(each) for each in results.belief_shifts]
    if results.loops:
        content["loops"] = [each.record() for each in results.loops]
    if results.curves:
        content["reinforcement"] = [each.record() for each in results.curves]
    if results.games.tables:
        content |= persuasion_games(results.games)
    if results.screens:
        content["screens"] = [exported(each) for each in results.screens]
    if results.mixtures:
        content["mixtures"] = mixtures.exported(results.mixtures)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    return (text + "\n").encode("utf-8", errors="backslashreplace")


def samples_parquet(results: Results) -> bytes:
    """One row per transcript: who, what was said, verdicts, scores, and why one is missing.

    Columns are `arm, seed, evaluation, item, group, sample, said, turns, prompt_tokens,
    completion_tokens, finish, failed, item_data, data`, then for each question of a judge
    `verdict.Q`, `verdict.Q.missing`, `verdict.Q.raw`, and for each metric `score.M`,
    `score.M.missing`. Verdicts are text; numbers are in the scores.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted(results.samples, key=Index(results).place)
    columns: dict[str, tuple[Any, list[Any]]] = {**_said(rows, pa), **_judged(rows, pa)}
    schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()])
    table = pa.table({name: values for name, (_, values) in columns.items()}, schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises:
        StoreError: the folder cannot be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:  # Ctrl-C too must not leave a draft behind; it goes on up
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(
            f"cannot write {path}: {reason}; free space there or name another folder"
        ) from error


def _order(row: ArmEstimate, index: Index) -> tuple[Any, ...]:
    headlines = list(index.results.headlines)
    known = headlines.index(row.evaluation) if row.evaluation in headlines else len(headlines)
    seed = -1 if row.seed is None else row.seed
    where = (known, row.evaluation, row.metric, row.group == ALL, row.group)
    return (index.order[row.arm], *where, seed)


def _estimate(row: ArmEstimate) -> Json:
    estimate = row.estimate
    return {
        "arm": row.arm,
        "seed": row.seed,
        "evaluation": row.evaluation,
        "group": row.group,
        "metric": row.metric,
        "value": number(estimate.value),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "n": estimate.n,
        "missing": estimate.missing,
        "method": estimate.method,
    }


def _agree(row: JudgesAgree) -> Json:
    return {
        "evaluation": row.evaluation,
        "group": row.group,
        "first": row.first,
        "second": row.second,
        "rate": figure(row.rate),
        "kappa": figure(row.kappa),
    }


def _differ(row: JudgesDiffer) -> Json:
    return {
        "arm": row.arm,
        "evaluation": row.evaluation,
        "group": row.group,
        "metric": row.metric,
        "reference": row.reference,
        "difference": figure(row.difference),
    }


def _beside(row: PublishedRow) -> Json:
    return {
        "source": row.source,
        "base": row.base,
        "same_weights": row.same_weights,
        "arm": row.arm,
        "reference": row.reference,
        "evaluation": row.evaluation,
        "group": row.group,
        "metric": row.metric,
        "published": figure(row.published),
        "published_difference": figure(row.published_gap),
        "published_p": number(row.published_p),
        "ours": figure(row.ours),
        "ours_difference": figure(row.ours_gap),
    }


def _said(rows: Sequence[Sample], pa: Any) -> dict[str, tuple[Any, list[Any]]]:
    turn = pa.struct(
        [
            ("speaker", pa.string()),
            ("text", pa.string()),
            ("prompt_tokens", pa.int64()),
            ("completion_tokens", pa.int64()),
            ("finish", pa.string()),
        ]
    )
    talks = [row.transcript for row in rows]
    text, whole = pa.string(), pa.int64()
    return {
        "arm": (text, [_text(row.arm) for row in rows]),
        "seed": (whole, [row.seed for row in rows]),
        "evaluation": (text, [_text(row.evaluation) for row in rows]),
        "item": (text, [_text(row.item.id) for row in rows]),
        "group": (text, [_text(row.item.group) for row in rows]),
        "sample": (whole, [talk.sample for talk in talks]),
        "said": (text, [_text(talk.last()) for talk in talks]),
        "turns": (pa.list_(turn), [[_turn(turn) for turn in talk.turns] for talk in talks]),
        "prompt_tokens": (whole, [sum(t.prompt_tokens for t in talk.turns) for talk in talks]),
        "completion_tokens": (
            whole,
            [sum(t.completion_tokens for t in talk.turns) for talk in talks],
        ),
        "finish": (text, [_finish(row) for row in rows]),
        "failed": (text, [_text(talk.failed) for talk in talks]),
        "item_data": (text, [_packed(row.item.data) for row in rows]),
        "data": (text, [_packed(talk.data) for talk in talks]),
    }


def _judged(rows: Sequence[Sample], pa: Any) -> dict[str, tuple[Any, list[Any]]]:
    columns: dict[str, tuple[Any, list[Any]]] = {}
    for question in _names(row.verdicts for row in rows):
        found = [row.verdicts.get(question) for row in rows]
        name = f"verdict.{_text(question)}"
        columns[name] = (pa.string(), [v and _value(v.value) for v in found])
        columns[f"{name}.missing"] = (pa.string(), [v and _text(v.missing) for v in found])
        columns[f"{name}.raw"] = (pa.string(), [v and _text(v.raw) for v in found])
    for metric in _names(row.scores for row in rows):
        scores = [row.scores.get(metric) for row in rows]
        name = f"score.{_text(metric)}"
        columns[name] = (pa.float64(), [s and s.value for s in scores])
        columns[f"{name}.missing"] = (pa.string(), [s and _text(s.missing) for s in scores])
    return columns


def _names(maps: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({name for named in maps for name in named})


def _turn(turn: Any) -> dict[str, Any]:
    return {
        "speaker": _text(turn.speaker),
        "text": _text(turn.text),
        "prompt_tokens": turn.prompt_tokens,
        "completion_tokens": turn.completion_tokens,
        "finish": turn.finish,
    }


def _finish(row: Sample) -> str | None:
    said = [turn.finish for turn in row.transcript.turns if turn.speaker == "subject"]
    return said[-1] if said else None


def _value(value: str | float | bool | None) -> str | None:
    return _text(value) if value is None or isinstance(value, str) else json.dumps(value)


def _packed(data: Mapping[str, Json]) -> str:
    return json.dumps(data, sort_keys=True, default=str)


def _text(text: str | None) -> str | None:
    """Text as UTF-8 can hold it: a lone surrogate from a broken tokenizer is escaped."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")
