"""A few kills amidst edits; ``benchmarks/studio.py`` does it 200 times."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

_BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.mark.slow
def test_no_edit_is_lost_that_was_answered(game: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(_BENCHMARKS))
    studio = importlib.import_module("studio")
    outcome = studio.edits_and_kills(game, 12, 4, random.Random(1))
    assert outcome.answered >= 12 and outcome.kills == 4 and not outcome.lost, outcome
