"""Being waited for, and not being waited for any more."""

from __future__ import annotations

import pytest

from pipeline.progress import Cancellable, Cancelled, LogLines


def test_a_cancelled_run_ends_at_its_next_step_and_starts_no_stage() -> None:
    progress, done = Cancellable(LogLines()), 0
    with pytest.raises(Cancelled), progress.stage("detect", 10) as advance:
        for _ in range(10):
            advance(1)
            done += 1
            if done == 3:
                progress.cancel()
    assert done == 3
    with pytest.raises(Cancelled), progress.stage("label", 10):
        pytest.fail("a stage began after the run was cancelled")
