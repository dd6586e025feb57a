"""The whole command, as somebody would give it."""

import json
import subprocess
import sys

import pytest

NAMES = ("sweep", "ragged", "score", "lora", "conditions", "harness", "rl")


@pytest.mark.slow
def test_all_cases_quickly(tmp_path) -> None:
    page = tmp_path / "benchmarks.md"
    command = [sys.executable, "-m", "suasion.bench", "all", "--quick", "--json", "--write", page]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout.splitlines()[-1])
    assert {case["name"].split()[0].rstrip(":") for case in whole["cases"]} == set(NAMES)
    for case in whole["cases"]:
        assert 0 < case["low"] <= case["ratio"] <= case["high"]
        assert case["name"] in page.read_text()


def test_the_command_starts_without_the_heavy_libraries() -> None:
    code = "import sys, suasion.bench.command; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
