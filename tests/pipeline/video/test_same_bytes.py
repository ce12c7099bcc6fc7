"""Equal pictures give equal bytes, whatever lay in memory before."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_ENCODE = """
import hashlib
from fractions import Fraction
import numpy as np
from pipeline.video.packets import VideoFormat, encode
random = np.random.default_rng(0)
for width, height in ((320, 180), (480, 270), (854, 480), (640, 360)):
    blocks = random.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    picture = blocks.repeat(8, 0).repeat(8, 1)[:height, :width]
    pictures = ((i / 30, np.roll(picture, 3 * i, 1)) for i in range(10))
    encoded = encode(pictures, VideoFormat(width, height, Fraction(30), Fraction(1, 30)))
    print(width, height, hashlib.sha256(encoded.data.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc fills memory when asked to")
def test_what_memory_held_before_tells_nothing_in_a_video() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _ENCODE], capture_output=True, text=True, check=True, cwd=_ROOT,
            env={**os.environ, "MALLOC_PERTURB_": fill},
        ).stdout
        for fill in ("1", "170", "255")
    }  # fmt: skip
    assert len(digests) == 1 and len(digests.pop().splitlines()) == 4
