"""Being waited for, and not being waited for any more."""

from __future__ import annotations

import pytest

from pipeline.progress import Cancellable, Cancelled, LogLines, TimeLeft, spoken


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


def test_the_time_left_is_that_of_the_whole_job_and_what_was_there_already_tells_nothing_of_speed() -> None:
    now = 0.0
    left = TimeLeft({"detect": 60, "glance": 10, "show": 30}, clock=lambda: now)
    assert left.seconds() is None
    with left.stage("detect", 100, done=50) as advance:
        assert left.seconds() is None, "nothing was made yet"
        now = 15.0
        advance(25)  # 15 of all 100 in 15 s
        assert left.seconds() == pytest.approx(15 + 40)
        now = 30.0
        advance(25)
    assert left.seconds() == pytest.approx(40)
    with left.stage("show", 200) as advance:  # nothing to glance at
        assert left.seconds() == pytest.approx(30)
        now = 60.0
        advance(200)
    assert left.seconds() == pytest.approx(0)


def test_another_stage_than_the_usual_changes_nothing() -> None:
    left = TimeLeft({"detect": 1})
    with left.stage("joints", 10) as advance:
        advance(5)
    assert left.seconds() is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1:00 min"), (187, "3:07 min"), (3753, "1:02:33 h")]
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_what_was_there_already_is_not_made_again_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "courtscribe"), LogLines().stage("detect", 100, done=60) as advance:
        advance(40)
    assert "detect: 40 frames in 0 s" in caplog.text
    assert "60 were there" in caplog.text
