"""The service answers as its description says, whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serve.cases import is_same_address, try_out_service
from pipeline.serve.access import Delays


@pytest.mark.slow
def test_made_up_requests_are_answered_as_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delays, "first", 0.0)  # and as it was afterwards
    rows = dict(row.strip("| ").split(" | ") for row in try_out_service(tmp_path, 1, seed=1))
    assert int(rows["cases, in all"].replace(",", "")) > 300
    assert rows["of them 500 or more"] == "0"
    assert rows["checks that failed (undocumented status, kind, schema and others)"] == "0"


def test_a_list_of_one_number_is_no_fault_and_all_else_not_refused_is() -> None:
    check = "negative_data_rejection"
    assert is_same_address(check, {"most": [5]}) and is_same_address(check, {"most": ["5"]})
    for query in ({"most": 5}, {"most": [5, 6]}, {"most": [None]}, {"most": ["x"]}, {"most": []}, {}):
        assert not is_same_address(check, query)
    assert not is_same_address("status_code_conformance", {"most": [5]})
