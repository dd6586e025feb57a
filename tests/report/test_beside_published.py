"""Published rates beside ours: what was measured on which weights is never mixed up."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from suasion.records import Estimate
from suasion.report.beside_published import NOT_RUN, Figure, publications
from suasion.report.export import results_json
from suasion.report.page import render
from suasion.study.results import PublishedRow, Results

Make = Callable[..., Results]
Rows = Callable[..., tuple[PublishedRow, ...]]
QWEN = "Qwen/Qwen2.5-7B-Instruct"
DAY = date(2026, 11, 20)


def cells(results: Results) -> dict[tuple[int, str], dict[str, tuple[Figure, ...]]]:
    """By place of the arm and category."""
    (one,) = publications(results)
    return {
        (place, line.name): dict(line.cells)
        for place, part in enumerate(one.table.parts)
        for line in part.lines
    }


def test_other_weights_leave_the_place_of_the_published_model_empty(make: Make, published: Rows):
    results = make(published=published())
    (one,) = publications(results)
    assert one.table.columns == ("published", "ours on Qwen2.5-7B-Instruct", "ours on mote")
    for found in cells(results).values():
        assert found["ours on Qwen2.5-7B-Instruct"] == (Figure(NOT_RUN, doubtful=True),)
    level, gap = cells(results)[1, "Harmful"]["ours on mote"]
    row = next(r for r in results.published if (r.arm, r.group) == ("persuasion", "harmful"))
    assert level.value == f"{100 * row.ours.value:.0f}%"
    assert (gap.value, gap.reach) == ("+50\u00a0pp", "+40 to +60")


def test_the_published_weights_have_one_column_of_ours(make: Make, made_by, published: Rows):
    results = make(published=published(True), provenance=made_by(base=QWEN, embedded=False))
    (one,) = publications(results)
    assert one.table.columns == ("published", "ours on Qwen2.5-7B-Instruct")
    assert NOT_RUN not in {
        f.value for found in cells(results).values() for f in found[one.table.columns[1]]
    }


def test_a_published_difference_that_includes_none_says_so(make: Make, published: Rows):
    found = cells(make(published=published()))
    level, gap = found[1, "Harmful"]["published"]
    assert (level.value, level.reach) == ("4%", "1.6 to 9.8%")
    assert (gap.value, gap.doubtful) == ("+4\u00a0pp", True)
    assert gap.note == "p .12: not distinguishable from none"
    (none,) = found[0, "Harmful"]["published"]
    assert (none.value, none.reach) == ("0%", "0 to 3.7%")
    _, sure = found[1, "Conspiracy"]["published"]
    assert (sure.value, sure.note, sure.doubtful) == ("+36\u00a0pp", "p <.001", False)
    assert found[1, "Undermining"]["published"] == (Figure("not reported", doubtful=True),)


NO_END = float("nan")


def mean_row(base: str, value: float, *, same: bool = False) -> PublishedRow:
    return PublishedRow(
        source="arXiv:2509.22989", base=base, same_weights=same, arm="base", reference="",
        evaluation="strategic", group="all", metric="gain",
        published=Estimate(value, NO_END, NO_END, 0, 0, "published without interval"),
        published_gap=None, published_p=NO_END,
        ours=Estimate(1.87, 1.2, 2.5, 31, 1, "clustered t"), ours_gap=None,
    )  # fmt: skip


def test_means_in_points_stand_in_one_table_and_ours_below(make: Make) -> None:
    rows = (mean_row("Qwen/Qwen2.5-7B-Instruct", 0.02), mean_row("deepseek-ai/DeepSeek-R1", 0.23))
    (one,) = publications(make(published=rows, numbers=frozenset({("strategic", "gain")})))
    assert one.what == "gain, strategic, points"
    assert one.table.columns == ("published", "ours on these weights")
    assert [part.heading for part in one.table.parts] == [
        "Qwen/Qwen2.5-7B-Instruct", "deepseek-ai/DeepSeek-R1", "mote (this study)",
    ]  # fmt: skip
    shown = [[figures for _, figures in part.lines[0].cells] for part in one.table.parts]
    assert shown[1] == [(Figure("0.23", "no interval"),), (Figure(NOT_RUN, doubtful=True),)]
    assert shown[2] == [(Figure("–"),), (Figure("1.87", "1.2 to 2.5", "1 missing"),)]


def test_a_published_mean_of_these_weights_has_ours_beside_it(make: Make, made_by) -> None:
    results = make(published=(mean_row(QWEN, 0.02, same=True),),
                   numbers=frozenset({("strategic", "gain")}),
                   provenance=made_by(base=QWEN, embedded=False))  # fmt: skip
    (one,) = publications(results)
    (part,) = one.table.parts
    assert [figures[0].value for _, figures in part.lines[0].cells] == ["0.02", "1.87"]


def test_a_difference_of_published_means_is_not_called_a_null(make: Make) -> None:
    gap = Estimate(0.17, NO_END, NO_END, 0, 0, "published without interval")
    ours = Estimate(0.5, 0.4, 0.6, 4, 0, "paired t")
    trained = replace(mean_row("meta-llama/Llama-3.2-3B", 0.38), arm="grpo", reference="base",
                      published_gap=gap, ours_gap=ours)  # fmt: skip
    rows = (mean_row("meta-llama/Llama-3.2-3B", 0.21), trained)
    (one,) = publications(make(published=rows, numbers=frozenset({("strategic", "gain")})))
    assert [part.heading for part in one.table.parts] == [
        "meta-llama/Llama-3.2-3B, base",
        "meta-llama/Llama-3.2-3B, grpo (difference to base)",
        "mote (this study), base",
        "mote (this study), grpo (difference to base)",
    ]
    published = dict(one.table.parts[1].lines[0].cells)["published"]
    assert published == (Figure("0.38", "no interval"), Figure("+0.17", "no interval"))


def test_the_page_claims_no_replication_and_keeps_the_caveat(make: Make, published: Rows):
    page = render(make(published=published()), DAY)
    section = page.partition('<section id="published">')[2].partition("</section>")[0]
    assert "Beside the published numbers" in section
    assert "says nothing about large models" in section
    assert "is no replication" in section
    assert "replicates" not in section
    assert "nan" not in section
    assert 'id="published"' not in render(make(), DAY)


def test_results_json_has_both_sides(make: Make, published: Rows):
    rows = json.loads(results_json(make(published=published())))["published"]
    last = rows[-1]
    assert (last["arm"], last["group"], last["same_weights"]) == ("persuasion", "harmful", False)
    assert last["published"]["value"] == pytest.approx(0.04)
    assert last["published_p"] == pytest.approx(0.12, abs=0.005)
    assert last["ours"]["n"] > 0
    assert rows[3]["published_difference"] is None
    assert rows[8]["published"]["value"] is None
    assert "published" not in json.loads(results_json(make()))
