"""The command line as a person meets it: help, one-sentence errors, exit codes, no tracebacks."""

import json
import sys
from pathlib import Path

import pytest

from suasion import __version__, cli

MINIMAL = {
    "study": "small",
    "arms": {"base": {}},
    "evaluations": {"knowledge": {"items": 2}},
}
COMMANDS = ("demo", "run", "plan", "report", "results", "rejudge", "shift", "list", "doctor")


class Shell:
    """Runs the command line in this process and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["suasion", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = self._capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page(shell: Shell, command: str) -> None:
    code, out, err = shell(command, "--help")
    assert (code, err) == (0, "")
    assert "Usage:" in out
    assert len(out.splitlines()) > 4


def test_the_root_help_names_every_command(shell: Shell) -> None:
    _, out, _ = shell("--help")
    assert all(f"\n  {command}" in out for command in COMMANDS)


def test_version(shell: Shell) -> None:
    assert shell("--version")[:2] == (0, f"suasion {__version__}\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("rnu",), "run"),
        (("run",), "STUDY"),
        (("run", "demo", "--bsae", "x"), "--bsae"),
        (("run", "nowhere.yaml"), "nowhere.yaml"),
        (("report", "nowhere"), "nowhere"),
        (("results", "nowhere"), "results.json"),
        (("rejudge", "nowhere", "--judge", "rules"), "nowhere"),
        (("shift", "nowhere", "--trait", "evil"), "nowhere"),
        (("shift", "nowhere", "--trait", "evil", "--vector", "mean"), "last-prompt"),
        (("shift", "nowhere"), "--trait"),
        (("list", "nonsense"), "evaluations"),
        (("run", "demo", "--set", "seeds"), "KEY=VALUE"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(
    shell: Shell, words: tuple[str, ...], expected: str
) -> None:
    code, out, err = shell(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("suasion: ")
    assert expected in err
    assert err.count("\n") == 1


def test_an_unknown_key_names_file_line_and_nearest_key(shell: Shell, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("study: s\nbsae: mote\narms: {base: {}}\nevaluations: [knowledge]\n")
    code, _, err = shell("plan", str(study))
    assert code == 2
    assert "study.yaml, line 2" in err
    assert "'base'" in err


def test_a_missing_base_is_one_sentence_and_exit_1(shell: Shell, tmp_path: Path) -> None:
    code, _, err = shell("plan", "demo", "--base", str(tmp_path / "nothing"))
    assert code == 1
    assert err.startswith("suasion: ")
    assert "nothing" in err
    assert "Traceback" not in err


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["suasion", "--debug", "report", "nowhere"])
    with pytest.raises(cli.UseError):
        cli.main()


def test_results_prints_pooled_estimates_and_contrasts(shell: Shell, tmp_path: Path) -> None:
    estimate = {
        "arm": "base", "evaluation": "e", "group": "g", "metric": "m",
        "value": 0.25, "low": 0.1, "high": 0.4, "n": 20, "missing": 3, "method": "wilson",
    }  # fmt: skip
    contrast = {
        "arm": "a", "reference": "base", "evaluation": "e", "group": "g", "metric": "m",
        "difference": 0.125, "low": None, "high": 0.2, "p": 0.01, "p_adjusted": 0.02,
        "verdict": "effect", "margin": 0.05, "method": "t",
    }  # fmt: skip
    estimates = [{**estimate, "seed": None}, {**estimate, "seed": 1, "value": 0.99}]
    found = {"study": "s", "suasion": "0", "estimates": estimates, "contrasts": [contrast]}
    (tmp_path / "results.json").write_text(json.dumps({**found, "checks": []}))
    code, out, _ = shell("results", str(tmp_path))
    assert code == 0
    assert "0.250" in out
    assert "0.990" not in out, "single seeds are not pooled"
    assert "+12.5 pp" in out
    assert "- to +20.0 pp" in out
    assert shell("results", str(tmp_path), "--arm", "nobody")[1].count("0.250") == 0


def test_list_shows_what_a_study_can_name(shell: Shell) -> None:
    code, out, _ = shell("list")
    assert code == 0
    for name in ("unprompted_ape", "world/benign-persuasion", "mote-llama", "evil", "demo"):
        assert name in out


def test_list_has_every_kind_of_arm(shell: Shell) -> None:
    from suasion.study.vocabulary import KINDS

    _, out, _ = shell("list", "arms")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["{}", *KINDS]


def test_doctor_finds_this_machine_fit(shell: Shell) -> None:
    code, out, _ = shell("doctor")
    assert code == 0
    assert "bad" not in out
    assert "python" in out


def test_ctrl_c_says_how_to_go_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("suasion.commands.study._run", stopped)
    code, out, err = shell("run", "demo", "--base", "mote-1")
    assert (code, out) == (130, "")
    assert "suasion run demo --base mote-1" in err


def test_another_study_never_overwrites_a_report(shell: Shell, tmp_path: Path) -> None:
    note = {"study": {**MINIMAL, "base": "mote-2"}, "command": "c", "store": "store"}
    (tmp_path / "run.json").write_text(json.dumps(note))
    code, _, err = shell("run", "demo", "--out", str(tmp_path))
    assert code == 2
    assert "mote-2" in err
    assert "--out" in err


def test_a_study_on_mote_runs_reports_and_rejudges(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(json.dumps(MINIMAL))
    out = tmp_path / "run"
    assert shell("run", str(study), "--out", str(out))[0] == 0
    first = (out / "results.json").read_bytes()
    monkeypatch.chdir(out)  # a run can be reported from any folder
    assert shell("report", str(out))[0] == 0
    assert (out / "results.json").read_bytes() == first
    assert shell("rejudge", str(out), "--judge", "rules", "--out", str(tmp_path / "again"))[0] == 0
    assert (tmp_path / "again" / "results.json").read_bytes() == first
    assert "suasion rejudge" in json.loads((tmp_path / "again" / "run.json").read_text())["command"]
