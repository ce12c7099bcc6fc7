"""Peak memory of `analyze` on a video and on one ten times as long.

    python benchmarks/memory.py [--seconds 10] [--output FILE.md]

Both are made by the project: one game, and the same game ten times in a row, so that nothing differs but the length.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from provenance import SHIPPED, write_result

from ground.frames import Image
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

_RATE = 30


def peak_megabytes(video: Path, folder: Path) -> float:
    """Peak resident memory of one `analyze` with its outputs, in its own process."""
    code = (
        "import resource, sys; from pipeline.runners.cli import main;"
        "assert main(sys.argv[1:]) == 0;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    arguments = ["analyze", str(video), "-o", str(folder), "--quiet", "--device", "cpu"]
    shown = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return int(shown.split()[-1]) / unit


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        pictures = [frame.image for frame in SyntheticGame(1, options.seconds).frames()]

        def looped(times: int) -> Iterator[tuple[float, Image]]:
            for i in range(times * len(pictures)):
                yield i / _RATE, pictures[i % len(pictures)]

        peaks: list[float] = []
        for times in (1, 10):
            video = Path(work) / f"{times}.mp4"
            write_video(video, looped(times), frame_rate=Fraction(_RATE))
            peaks.append(peak_megabytes(video, Path(work) / f"{times}.courtscribe"))
    lines = [
        "| frames, 1280x720 | peak MB |",
        "|---|---|",
        f"| {len(pictures)} | {peaks[0]:.0f} |",
        f"| {10 * len(pictures)} | {peaks[1]:.0f} |",
        "",
        f"Ten times the length takes {peaks[1] / peaks[0] - 1:+.1%} memory.",
    ]
    write_result(options.output, "Peak memory of analyze, CPU", lines, SHIPPED)


if __name__ == "__main__":
    main()
