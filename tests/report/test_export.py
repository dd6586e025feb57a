import json
import random
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from suasion.errors import StoreError
from suasion.records import Contrast, Estimate, Item, Score, Transcript, Turn, Verdict
from suasion.report.export import results_json, samples_parquet, write_whole
from suasion.report.page import write
from suasion.study.results import ArmEstimate, Results, Sample

Make = Callable[..., Results]

ESTIMATE = ["arm", "seed", "evaluation", "group", "metric", "value", "low", "high", "n", "missing",
            "method"]  # fmt: skip
CONTRAST = ["arm", "reference", "evaluation", "group", "metric", "difference", "low", "high", "p",
            "p_adjusted", "verdict", "margin", "method"]  # fmt: skip


def refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is not JSON")


def read(results: Results) -> dict:
    return json.loads(results_json(results), parse_constant=refuse)


def test_results_json_has_the_promised_fields_in_their_order(results: Results):
    content = read(results)
    assert list(content) == ["study", "suasion", "estimates", "contrasts", "checks"]
    assert all(list(row) == ESTIMATE for row in content["estimates"])
    assert all(list(row) == CONTRAST for row in content["contrasts"])
    assert all(list(row) == ["id", "status", "says"] for row in content["checks"])
    assert len(content["estimates"]) == len(results.estimates)
    assert len(content["contrasts"]) == len(results.contrasts)
    assert content["study"] == "benign-persuasion"


@pytest.mark.parametrize("claim", ["method", "checkpoint", "condition"])
def test_a_method_says_what_its_claim_speaks_of(
    make: Make, tested: Callable[..., Contrast], claim: str
):
    row = tested("evil", "control", "harmful", (9, 8, 10, 0.01), "effect", claim=claim,
                 method="welch t")  # fmt: skip
    (contrast,) = read(make(contrasts=(row,)))["contrasts"]
    assert contrast["method"] == f"welch t [{claim}]"


def test_numbers_that_cannot_be_had_are_null_and_keep_their_row(
    make: Make, tested: Callable[..., Contrast]
):
    lost = Estimate(nan, nan, inf, 0, 30, "wilson: nothing was scored")
    row = ArmEstimate("evil", None, "unprompted_ape", "harmful", "attempt", lost)
    test = tested("evil", "control", "harmful", (nan, nan, nan, nan), "inconclusive", margin=nan)
    content = read(make(estimates=(row,), contrasts=(test,)))
    assert content["estimates"] == [
        {"arm": "evil", "seed": None, "evaluation": "unprompted_ape", "group": "harmful",
         "metric": "attempt", "value": None, "low": None, "high": None, "n": 0, "missing": 30,
         "method": "wilson: nothing was scored"}
    ]  # fmt: skip
    (contrast,) = content["contrasts"]
    assert [contrast[name] for name in ("difference", "low", "high", "p", "margin")] == [None] * 5


def test_bytes_do_not_depend_on_the_order_in_which_a_run_completed(results: Results):
    estimates, samples = list(results.estimates), list(results.samples)
    random.Random(1).shuffle(estimates)
    random.Random(2).shuffle(samples)
    other = replace(results, estimates=tuple(estimates), samples=tuple(samples))
    assert results_json(other) == results_json(results)
    assert samples_parquet(other) == samples_parquet(results)


def test_the_last_digits_of_a_sum_do_not_enter(make: Make):
    def of(value: float) -> Results:
        made = Estimate(value, 0.0, 1.0, 3, 0, "given")
        return make(estimates=(ArmEstimate("base", None, "a", "all", "m", made),))

    assert 0.1 + 0.2 != 0.3
    assert results_json(of(0.1 + 0.2)) == results_json(of(0.3))
    assert read(of(-0.0))["estimates"][0]["value"] == 0


def test_neither_time_nor_machine_enters(results: Results, make: Make, made_by):
    other = make(provenance=made_by(seconds=3.0, reused=99, machine="another", command="resumed"))
    assert results_json(other) == results_json(results)
    assert samples_parquet(other) == samples_parquet(results)


def test_text_that_utf8_cannot_hold_is_escaped(make: Make):
    content = results_json(make(question="?", study="broken \udc80 token"))
    assert json.loads(content)["study"] == "broken \udc80 token"


def one(arm: str = "evil", **more: object) -> Sample:
    turns = (
        Turn("user", "I doubt it.", 0, 0, "given"),
        Turn("subject", "First.", 40, 5, "stop"),
        Turn("subject", "Then \udcff this.", 60, 96, "length"),
    )
    verdicts = {
        "attempt": Verdict("attempt", None, "unparseable", "hm"),
        "coherence": Verdict("coherence", True, None, "yes"),
        "strength": Verdict("strength", 2.5),
    }
    scores = {"attempt": Score("attempt", None, "unparseable"), "coherent": Score("coherent", 1.0)}
    talk = Transcript("i1", 2, turns, {"belief": 7}, None)
    fields = {"transcript": talk, "verdicts": verdicts, "scores": scores, **more}
    return Sample(arm, 3, "unprompted_ape", Item("i1", "harmful", {"claim": "x"}), **fields)  # type: ignore[arg-type]


def table(tmp_path: Path, results: Results) -> list[dict]:
    (tmp_path / "s.parquet").write_bytes(samples_parquet(results))
    return pq.read_table(tmp_path / "s.parquet").to_pylist()


def test_a_sample_keeps_texts_tokens_verdicts_scores_and_reasons(tmp_path: Path, make: Make):
    (row,) = table(tmp_path, make(samples=(one(),)))
    assert row == {
        "arm": "evil",
        "seed": 3,
        "evaluation": "unprompted_ape",
        "item": "i1",
        "group": "harmful",
        "sample": 2,
        "said": "Then \\udcff this.",
        "turns": [
            {"speaker": "user", "text": "I doubt it.", "prompt_tokens": 0, "completion_tokens": 0,
             "finish": "given"},
            {"speaker": "subject", "text": "First.", "prompt_tokens": 40, "completion_tokens": 5,
             "finish": "stop"},
            {"speaker": "subject", "text": "Then \\udcff this.", "prompt_tokens": 60,
             "completion_tokens": 96, "finish": "length"},
        ],
        "prompt_tokens": 100,
        "completion_tokens": 101,
        "finish": "length",
        "failed": None,
        "item_data": '{"claim": "x"}',
        "data": '{"belief": 7}',
        "verdict.attempt": None,
        "verdict.attempt.missing": "unparseable",
        "verdict.attempt.raw": "hm",
        "verdict.coherence": "true",
        "verdict.coherence.missing": None,
        "verdict.coherence.raw": "yes",
        "verdict.strength": "2.5",
        "verdict.strength.missing": None,
        "verdict.strength.raw": None,
        "score.attempt": None,
        "score.attempt.missing": "unparseable",
        "score.coherent": 1.0,
        "score.coherent.missing": None,
    }  # fmt: skip


def test_a_zero_score_is_zero_and_not_missing(tmp_path: Path, make: Make):
    sample = one(scores={"attempt": Score("attempt", 0.0)})
    (row,) = table(tmp_path, make(samples=(sample,)))
    assert row["score.attempt"] == 0.0


def test_a_failed_transcript_and_no_transcripts_at_all(tmp_path: Path, make: Make):
    failed = Transcript("i1", 0, (), {}, "provider: 429")
    (row,) = table(tmp_path, make(samples=(one(transcript=failed, verdicts={}, scores={}),)))
    assert (row["said"], row["finish"], row["failed"]) == (None, None, "provider: 429")
    assert table(tmp_path, make(samples=())) == []


def test_a_report_is_three_files_and_nothing_else(tmp_path: Path, results: Results):
    page = write(results, tmp_path / "deep" / "run")
    assert page == tmp_path / "deep" / "run" / "report.html"
    assert sorted(file.name for file in page.parent.iterdir()) == [
        "report.html",
        "results.json",
        "samples.parquet",
    ]
    assert pq.read_metadata(page.parent / "samples.parquet").num_rows == len(results.samples)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "results.json"
    write_whole(target, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*results\.json: No space left"):
        write_whole(target, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
    assert target.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, results: Results):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="name another folder"):
        write(results, tmp_path / "file" / "run")
