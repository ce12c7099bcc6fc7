"""An encoded video is the same file however many cores the machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
