"""The report: one HTML file that works from disk, offline, without a script.

Everything that comes from a model, a claim file or a study file enters as a text node through
Jinja's escaping; the content security policy allows nothing but the style sheet by its hash, so
even markup that slipped through could not run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from suasion import __version__
from suasion.records import Contrast, Json
from suasion.report.answer import caveat, exploratory, paragraphs
from suasion.report.examples import examples, tally
from suasion.report.export import results_json, samples_parquet, write_whole
from suasion.report.figures import Chart, Heatmap, beside, differences, heading, heatmap, rates
from suasion.report.look_up import ALL, Index, Key, Measure
from suasion.report.words import DASH, brief, counted, duration, label, listed, quantity
from suasion.study.results import Arm, Provenance, Results

REPORT, NUMBERS, SAMPLES = "report.html", "results.json", "samples.parquet"
"""The files of a report."""


@dataclass(frozen=True)
class Grid:
    """A steering grid as it is drawn."""

    name: str
    """Its name in the study file."""
    what: str
    """Vector and positions."""
    maps: tuple[Heatmap, ...]
    """Its heatmaps."""


@dataclass(frozen=True)
class Losses:
    """Missing scores of one measure, by arm and group."""

    measure: Measure
    """Of what."""
    groups: tuple[str, ...]
    """Columns."""
    rows: tuple[tuple[str, tuple[str, ...], str], ...]
    """Arm, `3 of 90` in each group, and the rate if every missing score were 0 or were 1."""
    reasons: tuple[tuple[str, int], ...]
    """Why, most frequent first."""


def write(results: Results, folder: Path) -> Path:
    """Write `report.html`, `results.json` and `samples.parquet` into `folder`.

    Returns:
        The path of the page.

    Raises:
        StoreError: the folder cannot be written to.
    """
    write_whole(folder / SAMPLES, samples_parquet(results))
    write_whole(folder / NUMBERS, results_json(results))
    page = render(results, datetime.now(UTC).date())
    write_whole(folder / REPORT, page.encode("utf-8", errors="replace"))
    return folder / REPORT


def render(results: Results, made: date) -> str:
    """The page as text; `made` is the day printed on it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("suasion.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(label=label, heading=heading, brief=brief)
    return environment.get_template("report.html.j2").render(view(results, made))


def view(results: Results, made: date) -> Mapping[str, object]:
    """Everything the template shows."""
    index = Index(results)
    primary = index.primary
    plain, gridded = _split(index)
    return {
        **_style(),
        "version": __version__,
        "date": f"{made.day} {made:%B %Y}",
        "results": results,
        "caveat": caveat(results),
        "exploratory": exploratory(results),
        "answer": paragraphs(results),
        "kicker": _kicker(results),
        "primary": primary,
        "rates": rates(index, primary, index.groups(primary), index.plain_arms) if primary else None,
        "worst": _worst(index),
        "differences": differences(index, plain),
        "gridded": differences(index, gridded),
        "grids": _grids(index),
        "beside": beside(index, [m for m in index.measures if m != primary], index.plain_arms),
        "examples": examples(index),
        "tally": tally(index),
        "losses": _losses(index),
        "detail": _detail(results.provenance),
        "training": _training(results.provenance.training),
    }


@cache
def _style() -> Mapping[str, str]:
    """The style sheet, and its hash for the content security policy."""
    from markupsafe import Markup

    text = files("suasion.report").joinpath("templates", "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"style": Markup(text), "style_hash": f"sha256-{digest}"}  # noqa: S704 - our own file


def _kicker(results: Results) -> list[str]:
    made = results.provenance
    seeds = sorted({len(arm.seeds) for arm in results.arms if arm.kind in ("sft", "adapter")})
    trained = [counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]} seeds"
               ] if seeds else []
    return [f"base {made.base}", *(f"{each} a trained arm" for each in trained),
            f"judge {made.judge}"]


def _split(index: Index) -> tuple[list[Contrast], list[Contrast]]:
    """Contrasts of single arms, and of points of a grid."""
    plain = set(index.plain_arms)
    rows = index.results.contrasts
    return [row for row in rows if row.arm in plain], [row for row in rows if row.arm not in plain]


def _worst(index: Index) -> str:
    """How far the missing scores of the primary measure could move a rate, at most."""
    if index.primary is None:
        return ""
    rows = [
        row
        for row in index.results.estimates
        if Measure(row.evaluation, row.metric) == index.primary and row.seed is None
    ]
    lost = sum(row.estimate.missing for row in rows if row.group != ALL)
    total = sum(row.estimate.missing + row.estimate.n for row in rows if row.group != ALL)
    if not lost:
        return "No verdict is missing."
    shifts = [
        max(row.estimate.value - row.worst[0], row.worst[1] - row.estimate.value) for row in rows
    ]
    known = [shift for shift in shifts if shift == shift]
    most = f"; at worst that moves a rate by {index.units[index.primary].difference(max(known))}"
    return f"Missing verdicts: {lost} of {total}{most.replace('+', '') if known else ''}."


def _grids(index: Index) -> list[Grid]:
    measure = index.primary
    if measure is None:
        return []
    coherence = next((each for each in index.measures if "coheren" in each.metric), None)
    grids = []
    for parent, arms in index.grids.items():
        maps = [
            heatmap(index, arms, measure, group, "hot") for group in _tested(index, arms, measure)
        ]
        if coherence is not None and coherence != measure:
            maps.append(heatmap(index, arms, coherence, index.groups(coherence)[-1], "cool"))
        grids.append(Grid(parent, _recipe(arms[0]), tuple(maps)))
    return grids


def _tested(index: Index, arms: Sequence[Arm], measure: Measure) -> list[str]:
    """The categories in which any grid is tested; without tests, all items together."""
    del arms  # every grid shows the same categories, so that they can be compared
    points = {arm.name for grid in index.grids.values() for arm in grid}
    tested = dict.fromkeys(
        row.group
        for row in index.results.contrasts
        if row.arm in points and Measure(row.evaluation, row.metric) == measure
    )
    return list(tested)[:2] or index.groups(measure)[-1:]


def _recipe(arm: Arm) -> str:
    trait, where = arm.detail.get("trait"), arm.detail.get("where")
    said = [f"{trait} vector" if trait else "", f"positions: {where}" if where else ""]
    return ", ".join(part for part in said if part)


def _losses(index: Index) -> list[Losses]:
    """Missing scores of every measure that has any."""
    found = []
    for measure in index.measures:
        rows = [
            row
            for row in index.results.estimates
            if row.seed is None and Measure(row.evaluation, row.metric) == measure
        ]
        if any(row.estimate.missing for row in rows):
            found.append(_loss(index, measure))
    return found


def _loss(index: Index, measure: Measure) -> Losses:
    groups = index.groups(measure)
    arms = [
        arm
        for arm in index.order
        if any(_missing(index, arm, group, measure) not in ("0", DASH) for group in groups)
    ]
    rows = tuple(
        (
            arm,
            tuple(_missing(index, arm, group, measure) for group in groups),
            _bounds(index, Key(arm, measure.evaluation, groups[-1], measure.metric)),
        )
        for arm in arms
    )
    reasons = Counter(
        score.missing.partition(":")[0]
        for sample in index.samples(measure.evaluation)
        for score in [sample.scores.get(measure.metric)]
        if score is not None and score.missing
    )
    common = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return Losses(measure, tuple(groups), rows, tuple(common))


def _missing(index: Index, arm: str, group: str, measure: Measure) -> str:
    row = index.pooled.get(Key(arm, measure.evaluation, group, measure.metric))
    if row is None:
        return DASH
    lost = row.estimate.missing
    return f"{lost} of {lost + row.estimate.n}" if lost else "0"


def _bounds(index: Index, key: Key) -> str:
    row = index.pooled.get(key)
    return index.units[Measure(key.evaluation, key.metric)].span(*row.worst) if row else DASH


def _detail(made: Provenance) -> list[tuple[str, str]]:
    versions = listed([f"{name} {version}" for name, version in sorted(made.versions.items())])
    return [
        ("base", f"{made.base}, sha256 {brief(made.base_digest)}"),
        ("judge", made.judge),
        ("study as run", f"sha256 {brief(made.spec_digest)}"),
        ("cells", f"{made.cells}, of which {made.reused} were in the store already"),
        ("time", f"{duration(made.seconds)} on {made.machine}"),
        ("versions", versions or DASH),
    ]


@dataclass(frozen=True)
class Training:
    """The manifests of all adapters: what they share, and what sets them apart."""

    shared: tuple[tuple[str, str], ...]
    """Setting and value, the same in every adapter."""
    columns: tuple[str, ...]
    """Settings that differ."""
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Adapter, and its values of `columns`."""


def _training(manifests: Mapping[str, Mapping[str, Json]]) -> Training:
    flat = {name: _flat(manifest) for name, manifest in sorted(manifests.items())}
    names = sorted({key for manifest in flat.values() for key in manifest})
    values = {key: {manifest.get(key, DASH) for manifest in flat.values()} for key in names}
    shared = tuple((key, *values[key]) for key in names if len(values[key]) == 1)
    columns = tuple(key for key in names if len(values[key]) > 1)
    rows = tuple(
        (name, tuple(manifest.get(key, DASH) for key in columns)) for name, manifest in flat.items()
    )
    return Training(tuple((key, value) for key, value in shared), columns, rows)


def _flat(value: Mapping[str, Json], prefix: str = "") -> dict[str, str]:
    """A manifest as dotted names and short texts."""
    flat: dict[str, str] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            flat.update(_flat(inner, f"{prefix}{key}."))
        else:
            flat[prefix + key] = _short(inner)
    return flat


def _short(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return brief(", ".join(_short(each) for each in value))
    return brief(str(value))
