"""Videos damaged on purpose: a sample of the corpus comes out as it is to; and what is missing is told exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.damage.clips import FPS, NUM_PICTURES, Clips, pieces_of, read_number, write_pieces
from benchmarks.damage.corpus import judge, plan
from benchmarks.damage.healthy import EACH_ALONE
from ground.video.source import open_video
from ground.video.stream.timing import Gaps

_SEED = 20


@pytest.mark.slow
def test_a_sample_of_damaged_videos_comes_out_as_it_is_to(tmp_path: Path) -> None:
    files = plan(_SEED, 60, patient=False)
    found = list(judge(files, _SEED, tmp_path, None))
    assert len({judgement.kind for judgement in found}) == 60
    assert [judgement for judgement in found if judgement.fault is not None] == []


def test_a_corpus_has_all_that_was_asked_for() -> None:
    files = plan(1)
    assert len(files) >= 300 and len({name for name, _ in files}) >= 60


@given(
    rate=st.sampled_from([10, 25, 30, 60]), gone=st.sets(st.integers(1, 98), max_size=15), milliseconds=st.booleans()
)
def test_frames_gone_from_a_steady_video_are_counted(rate: int, gone: set[int], milliseconds: bool) -> None:
    gaps = Gaps(Fraction(1, 1000 if milliseconds else 90000))
    for i in range(100):
        if i not in gone:
            gaps.add(round(i / rate, 3) if milliseconds else i / rate)
    expected = [f"frames missing between others, by their times: {len(gone)}"] if gone else []
    assert [note.split(", the first")[0] for note in gaps.notes()] == expected


def test_frames_whose_loss_is_known_are_not_counted_again() -> None:
    gaps = Gaps(Fraction(1, 1000))
    for i in range(20):
        gaps.add(i / 25)
    gaps.add(22 / 25, num_known=2)
    for i in range(23, 40):
        gaps.add(i / 25)
    assert gaps.notes() == []


def test_nothing_is_missing_where_the_rate_varies() -> None:
    gaps, time = Gaps(Fraction(1, 1000)), 0.0
    for step in (33, 66, 40, 33, 120, 80, 33, 50) * 5:
        gaps.add(time / 1000)
        time += step
    assert gaps.notes() == []


def test_a_jump_is_told_and_not_counted() -> None:
    gaps = Gaps(Fraction(1, 1000))
    for i in range(40):
        gaps.add(i / 25 + (7200 if i >= 10 else 0))
    assert gaps.notes() == ["the times jump by 7200.040 s after 0.360 s"]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Clips(tmp_path_factory.mktemp("healthy"), None, Random(1)).get(EACH_ALONE)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 1, 7200])
def test_a_matroska_file_lasts_as_long_wherever_its_clock_begins(tmp_path: Path, healthy: Path, seconds: int) -> None:
    source, path = healthy, tmp_path / "late.mkv"
    ticks = 1000 * seconds
    write_pieces(path, source, [replace(p, pts=p.pts + ticks, dts=p.dts + ticks) for p in pieces_of(source)])
    with open_video(path) as video:
        assert video.info.duration == pytest.approx(NUM_PICTURES / FPS, abs=0.041)
        assert [read_number(frame.image) for frame in video] == list(range(NUM_PICTURES))
        assert video.notes == []
