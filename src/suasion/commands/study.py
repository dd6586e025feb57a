"""`suasion demo`, `run`, `plan`, `report`, `results`, `rejudge`: a study from file to report."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suasion.errors import UseError

if TYPE_CHECKING:
    from suasion.study.results import Results
    from suasion.study.spec import StudySpec

Study = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships.")
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder a run wrote, e.g. runs/demo.")
]
Base = Annotated[
    str | None,
    typer.Option(help="mote, mote-1, mote-2, mote-llama, a folder, a hub id, or PROVIDER/MODEL."),
]
Claims = Annotated[
    Path | None, typer.Option(help="A claim file: JSONL of category, short_title, text, subject.")
]
Judge = Annotated[
    str | None, typer.Option(help="rules (micro-world only) or PROVIDER/MODEL, e.g. openai/gpt-4o.")
]
User = Annotated[
    str | None, typer.Option(help="PROVIDER/MODEL that plays the user instead of the script.")
]
Seeds = Annotated[
    str | None, typer.Option(metavar="N,N,...", help="Training seeds instead of the study's.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override any key, e.g. arms.steered.steer.coef=4"
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the report and its files (default runs/STUDY).")
]
StorePath = Annotated[
    Path | None, typer.Option("--store", help="Folder of the store (default OUT/store).")
]


def demo(base: Base = None, out: Out = None, store: StorePath = None, settings: Set = None) -> None:
    """The demonstration study on the embedded model.

    Base, benign-persuasion SFT and its matched control (4 seeds each), evil SFT, and steering over
    layers and coefficients, on UnPromptedAPE, honesty under pressure and knowledge. Offline, a few
    minutes on two cores; a second run takes everything from the store.
    """
    _run(Path("demo"), _overrides(base=base, settings=settings), out, store)


def run(
    study: Study,
    base: Base = None,
    claims: Claims = None,
    judge: Judge = None,
    user: User = None,
    seeds: Seeds = None,
    settings: Set = None,
    out: Out = None,
    store: StorePath = None,
) -> None:
    """Run a study, or what is missing of it.

    Makes only what the store does not hold yet, then writes the report.

    Stop it at any time (Ctrl-C, kill, power): the same command goes on where it stopped. For
    example: `suasion run demo --base mote-1`, or, on a real model,
    `suasion run demo --base Qwen/Qwen2.5-7B-Instruct --claims FILE.jsonl --judge openai/gpt-4o`.
    """
    overrides = _overrides(base, claims, judge, user, seeds, settings)
    _run(study, overrides, out, store)


def plan(
    study: Study,
    base: Base = None,
    claims: Claims = None,
    judge: Judge = None,
    user: User = None,
    seeds: Seeds = None,
    settings: Set = None,
    out: Out = None,
    store: StorePath = None,
) -> None:
    """What a study would run, cost and be able to detect; runs nothing."""
    from suasion.study.opening import open_speakers
    from suasion.study.plan import make_plan
    from suasion.study.plan_text import describe

    spec = _load(study, _overrides(base, claims, judge, user, seeds, settings))
    folder = _folder(spec, out)
    with open_speakers() as speakers:
        print(describe(make_plan(spec, store or folder / "store", speakers)))


def report(folder: RunFolder) -> None:
    """Write a run's report again from its store; asks no model."""
    spec, command, store = _recorded(folder)
    results = _work(spec, store, command, only_stored=True)
    _finish(results, folder)


def results(
    folder: RunFolder,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    evaluation: Annotated[str | None, typer.Option(help="Only this evaluation.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only this metric.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print results.json itself.")] = False,
) -> None:
    """Print a run's estimates and contrasts."""
    file = folder / "results.json"
    if not file.is_file():
        raise UseError(f"{folder} holds no results.json: run the study first (suasion run ...)")
    if as_json:
        print(file.read_text(encoding="utf-8"), end="")
        return
    _print_tables(json.loads(file.read_text(encoding="utf-8")), arm, evaluation, metric)


def rejudge(
    folder: RunFolder,
    judge: Annotated[str, typer.Option(help="rules, or PROVIDER/MODEL.")],
    out: Out = None,
) -> None:
    """Judge stored transcripts with another judge; generates nothing."""
    from suasion.study.speech import judged_as_before

    spec, _, store = _recorded(folder)
    changed = judged_as_before(spec, judge)
    target = out or folder.with_name(f"{folder.name}-{_slug(judge)}")
    command = shlex.join(["suasion", "rejudge", str(folder), "--judge", judge])
    results = _rejudged(changed, store, command)
    _record(changed, target, results.provenance.command, store)
    _finish(results, target)


def _overrides(
    base: str | None = None,
    claims: Path | None = None,
    judge: str | None = None,
    user: str | None = None,
    seeds: str | None = None,
    settings: list[str] | None = None,
) -> list[str]:
    """Flags as settings; later ones win, so `--set` is last."""
    flags = {"base": base, "claims": claims, "judge": judge, "user": user}
    given = [f"{key}={json.dumps(str(value))}" for key, value in flags.items() if value is not None]
    return [*given, *([f"seeds=[{seeds}]"] if seeds is not None else []), *(settings or [])]


def _load(study: Path, settings: list[str]) -> StudySpec:
    from suasion.study.load import load_study, parse_overrides
    from suasion.study.shipped import find_study

    return load_study(find_study(study), parse_overrides(settings))


def _run(study: Path, settings: list[str], out: Path | None, store: Path | None) -> None:
    from suasion.study.shipped import keep_apart

    spec = _load(study, settings)
    folder = _folder(spec, out)
    store = store or folder / "store"
    command = shlex.join(["suasion", *sys.argv[1:]])
    keep_apart(spec, folder)
    results = _work(spec, store, command)
    _record(spec, folder, command, store)
    _finish(results, folder)


def _folder(spec: StudySpec, out: Path | None) -> Path:
    """Where a run writes: another base gets a folder of its own, so that nothing is overwritten."""
    if out is not None:
        return out
    own = "" if spec.base == "mote" else f"-{_slug(Path(spec.base).name)}"
    return Path("runs") / f"{spec.study}{own}"


def _work(spec: StudySpec, store: Path, command: str, *, only_stored: bool = False) -> Results:
    from suasion.study.opening import open_speakers
    from suasion.study.progress import show
    from suasion.study.run import read, run

    with open_speakers() as speakers, show() as progress:
        work = read if only_stored else run
        return work(spec, store, speakers, progress=progress, command=command)


def _rejudged(spec: StudySpec, store: Path, command: str) -> Results:
    from suasion.study.opening import open_speakers
    from suasion.study.progress import show
    from suasion.study.run import rejudge as rejudge_stored

    with open_speakers() as speakers, show() as progress:
        return rejudge_stored(spec, store, speakers, progress=progress, command=command)


def _record(spec: StudySpec, folder: Path, command: str, store: Path) -> None:
    from suasion.study.auto_controls import with_controls
    from suasion.study.shipped import record_run

    record_run(with_controls(spec), folder, command, store)


def _recorded(folder: Path) -> tuple[StudySpec, str, Path]:
    from suasion.study.shipped import recorded_run

    return recorded_run(folder)


def _finish(results: Results, folder: Path) -> None:
    from suasion.report.answer import brief, caveat
    from suasion.report.beliefs import belief_paragraphs
    from suasion.report.dose_response import dose_paragraphs
    from suasion.report.look_up import Index
    from suasion.report.page import write
    from suasion.report.persuasion import persuasion_paragraphs

    page = write(results, folder)
    failed = sum(sample.transcript.failed is not None for sample in results.samples)
    if failed:
        reason = next(s.transcript.failed for s in results.samples if s.transcript.failed)
        print(
            f"{failed} of {len(results.samples)} episodes failed and are missing "
            f"(first: {reason}); the same command tries them again",
            file=sys.stderr,
        )
    index = Index(results)
    more = (*dose_paragraphs(results), *belief_paragraphs(index), *persuasion_paragraphs(index))
    for paragraph in (*brief(results), *map(str, more), caveat(results)):
        if paragraph:
            print(f"\n{textwrap.fill(paragraph, 96, initial_indent='  ', subsequent_indent='  ')}")
    print(f"\nreport: {page}")


def _print_tables(
    found: dict[str, list[dict[str, object]]],
    arm: str | None,
    evaluation: str | None,
    metric: str | None,
) -> None:
    from suasion.report.text import contrast_lines, dose_lines, estimate_lines, sender_lines

    wanted = {"arm": arm, "evaluation": evaluation, "metric": metric}
    keep = {key: value for key, value in wanted.items() if value is not None}

    def kept(row: dict[str, object]) -> bool:
        return all(row[key] == value for key, value in keep.items())

    for line in estimate_lines([row for row in found["estimates"] if kept(row)]):
        print(line)
    tested = [row for row in found["contrasts"] if kept(row)]
    for line in contrast_lines(tested, found.get("no_shares", [])):
        print(line)
    for line in dose_lines([row for row in found.get("doses", []) if kept(row)]):
        print(line)
    if metric in (None, "gain"):
        keep.pop("metric", None)
        for line in sender_lines([row for row in found.get("senders", []) if kept(row)]):
            print(line)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name.lower())
