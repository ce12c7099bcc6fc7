"""The service answers as its description says, whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serve.cases import try_out_service
from pipeline.serve.access import Delays


@pytest.mark.slow
def test_made_up_requests_are_answered_as_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delays, "first", 0.0)  # and as it was afterwards
    rows = dict(row.strip("| ").split(" | ") for row in try_out_service(tmp_path, 1, seed=1))
    assert int(rows["cases, in all"].replace(",", "")) > 300
    assert rows["of them 500 or more"] == "0"
    assert rows["checks that failed (undocumented status, kind, schema and others)"] == "0"
