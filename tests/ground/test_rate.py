"""The frame rate is what the frames' times say, whatever a header claims."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.video.source import open_video
from ground.video.stream.rate import measure_rate
from tests.ground.test_video import write_clip

CLAIMS = [None, Fraction(0), Fraction(1000), Fraction(90000), Fraction(1, 10)]


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS)
@settings(max_examples=30)
@given(st.fractions(Fraction(1, 60), 240, max_denominator=1001), st.integers(8, 240))
def test_wrong_claims_do_not_matter(claim: Fraction | None, rate: Fraction, num: int) -> None:
    stamps = [round(i / rate * 90000) for i in range(num)]
    measured = measure_rate(stamps, Fraction(1, 90000), [claim, None])
    assert measured == pytest.approx(float(rate), rel=0.021)


@given(st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]))
def test_an_exact_claim_wins_over_rounded_times(rate: Fraction) -> None:
    stamps = [int(i / rate * 1000) for i in range(16)]
    assert measure_rate(stamps, Fraction(1, 1000), [Fraction(1000), rate]) == rate


@settings(max_examples=40)
@given(st.lists(st.integers(21, 60), min_size=30, max_size=200), st.integers(1, 5))
def test_varying_times_with_pauses(steps: list[int], num_pauses: int) -> None:
    with_pauses = steps + [5000] * num_pauses
    np.random.default_rng(0).shuffle(with_pauses)
    stamps = np.cumsum([0, *with_pauses]).tolist()
    assert measure_rate(stamps, Fraction(1, 1000), []) == pytest.approx(1000 / np.mean(steps), rel=1e-2)


def test_nothing_to_measure() -> None:
    assert measure_rate([], Fraction(1, 1000), [Fraction(1000), Fraction(30)]) == 30
    assert measure_rate([7], Fraction(1, 1000), [None, Fraction(0)]) == 25


@pytest.mark.parametrize("rate", [Fraction(1000), Fraction(90000), Fraction(1, 2)])
def test_a_header_that_lies(tmp_path: Path, rate: Fraction) -> None:
    path = write_clip(tmp_path / "v.mkv", rate=rate, pts=range(0, 1200, 40), time_base=Fraction(1, 1000))
    with open_video(path) as video:
        assert video.info.frame_rate == 25


def test_a_time_lapse(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "v.mp4", pts=range(0, 40, 2), time_base=Fraction(1, 1), rate=Fraction(30))
    with open_video(path) as video:
        assert video.info.frame_rate == Fraction(1, 2)


@pytest.mark.slow
def test_a_browsers_recording(shared: Path) -> None:
    path = shared / "faults" / "cases" / "5" / "mr5.webm"
    with open_video(path) as video:
        times = [frame.time for frame in video]
        assert video.info.frame_rate == pytest.approx((len(times) - 1) / (times[-1] - times[0]), rel=0.05)
