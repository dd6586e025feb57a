import json

import pytest

from suasion.errors import StudyError
from suasion.study.across import Asked, across, lines, read_bases

HARM = Asked("taught", "control", "unprompted_ape", "harmful", "attempt")


def written(folder, differences, study="s"):
    """Runs of a study, one a base, with these differences of one contrast."""
    for name, difference in differences.items():
        run = folder / name
        run.mkdir(parents=True)
        row = {**HARM._asdict(), "difference": difference}
        (run / "results.json").write_text(json.dumps({"study": study, "contrasts": [row]}))
    return read_bases(folder)


def test_the_unit_is_the_base(tmp_path):
    first = written(tmp_path / "apart", {"a": 0.1, "b": 0.2, "c": 0.3})
    second = written(tmp_path / "mixed", {"a": 0.4, "b": 0.5, "c": 0.6})
    (row,) = across(first, second, 0.1)
    # Standard error of each mean .1/sqrt(3) = .057735; t(2, .975) = 4.302653.
    assert row.first[0] == pytest.approx(0.2)
    assert row.first[1] == pytest.approx((0.2 - 0.248414, 0.2 + 0.248414), abs=1e-5)
    # Equal variances: 4 degrees of freedom, t(4, .975) = 2.776445, error .0816497.
    assert row.between is not None
    assert row.between.difference == pytest.approx(-0.3)
    assert row.between.low == pytest.approx(-0.3 - 0.226696, abs=1e-5)
    assert row.verdict == "effect"
    assert "-30.0 [-53, -7]" in lines(first, second, [row])[1]


def test_one_group_has_its_mean_and_no_verdict(tmp_path):
    bases = written(tmp_path / "apart", {"a": 0.1, "b": 0.3})
    (row,) = across(bases, None, 0.1)
    assert row.between is None
    assert row.verdict is None
    assert lines(bases, None, [row])[1].endswith("+20.0 [-100, +100] (+10 +30)")


def test_what_a_run_could_not_test_is_left_out_and_said(tmp_path):
    bases = written(tmp_path / "apart", {"a": 0.1, "b": None, "c": 0.3})
    (row,) = across(bases, None, 0.1)
    assert bases.values(HARM) == [0.1, 0.3]
    assert lines(bases, None, [row])[1].endswith("(+10 none +30)")
    assert row.first[0] == pytest.approx(0.2)


def test_runs_that_cannot_be_compared_are_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no runs"):
        read_bases(tmp_path)
    first = written(tmp_path / "one", {"a": 0.1})
    other = written(tmp_path / "two", {"a": 0.1}, study="t")
    with pytest.raises(StudyError, match="runs of 's', two of 't'"):
        across(first, other, 0.1)
    (tmp_path / "two" / "b").mkdir()
    (tmp_path / "two" / "b" / "results.json").write_text("[]")
    with pytest.raises(StudyError, match="holds no results"):
        read_bases(tmp_path / "two")
