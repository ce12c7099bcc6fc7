"""Benchmarks that change parts of the program name parts that are there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.mark.slow
def test_what_the_ablation_of_the_tracker_changes_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    variants = importlib.import_module("sport")._variants()
    assert len(variants) > 10
    assert [(module.__name__, name) for v in variants for module, name in v.changed if not hasattr(module, name)] == []
