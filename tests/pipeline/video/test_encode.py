"""An encoded video is the same file however many cores the machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.video.encode import join_video
from pipeline.video.packets import VideoFormat, encode

_ENCODE = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from pipeline.video.encode import write_video
rng = np.random.default_rng(0)
hall = rng.integers(0, 255, (45, 120, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
write_video(Path(sys.argv[1]), ((i / 25, hall[:, 4 * i : 4 * i + 640]) for i in range(60)), frame_rate=Fraction(25))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux lets a program see fewer cores")
def test_the_file_is_the_same_on_one_core_and_on_all(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("this machine has one core")
    for name, some in (("one", cores[:1]), ("all", cores)):
        subprocess.run(
            [sys.executable, "-c", _ENCODE, str(tmp_path / name)], check=True, cwd=Path(__file__).parents[3],
            preexec_fn=lambda some=some: os.sched_setaffinity(0, some),
        )  # fmt: skip
    assert (tmp_path / "one").read_bytes() == (tmp_path / "all").read_bytes()


_SIZE = (96, 160)


def _pictures(times: list[float]) -> list[tuple[float, np.ndarray]]:
    """A hall that glides by."""
    hall = np.random.default_rng(0).integers(0, 255, (12, 60, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    return [(time, hall[:, (8 * i) % 300 :][:, : _SIZE[1]]) for i, time in enumerate(times)]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=60), st.lists(st.integers(1, 59), max_size=4), st.integers(1, 3)
)
def test_stretches_made_in_any_order_are_one_video(steps: list[int], cuts: list[int], odd: int) -> None:
    times = (np.cumsum([0, *steps]) / 50).tolist()  # of any rate
    pictures = _pictures(times)
    video = VideoFormat(_SIZE[1], _SIZE[0], Fraction(25), Fraction(1, 50 * odd))
    bounds = [0, *sorted({cut for cut in cuts if cut < len(pictures)}), len(pictures)]
    spans = list(pairwise(bounds))
    made = {span: encode(pictures[slice(*span)], video) for span in reversed(spans)}
    with TemporaryDirectory() as folder:
        one, two = Path(folder) / "one.mp4", Path(folder) / "two.mp4"
        join_video(one, (made[span] for span in spans), video)
        join_video(two, (encode(pictures[slice(*span)], video) for span in spans), video)
        assert one.read_bytes() == two.read_bytes()
        with av.open(str(one)) as container:
            shown = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert [time for time, _ in shown] == pytest.approx(times, abs=1e-6)
    for (_, seen), (_, drawn) in zip(shown, pictures, strict=True):
        assert np.abs(seen.astype(int) - drawn).mean() < 40  # the picture of this time, and no other


@pytest.mark.parametrize("preset", ["veryfast", "superfast"])
def test_each_stretch_can_be_decoded_alone(tmp_path: Path, preset: str) -> None:
    pictures = _pictures([i / 25 for i in range(50)])
    video = VideoFormat(_SIZE[1], _SIZE[0], Fraction(25), Fraction(1, 25), x264_preset=preset)
    join_video(tmp_path / "second.mp4", [encode(pictures[25:], video)], video)
    with av.open(str(tmp_path / "second.mp4")) as container:
        shown = [round((frame.time or 0) * 25) for frame in container.decode(video=0)]
    assert shown == list(range(25, 50))
