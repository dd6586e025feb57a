"""The scripted study, for all fault tests."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parent / "small_study.py"


def load_small_study() -> ModuleType:
    if "small_study" not in sys.modules:
        spec = importlib.util.spec_from_file_location("small_study", FILE)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["small_study"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["small_study"]


@pytest.fixture
def small() -> ModuleType:
    return load_small_study()
