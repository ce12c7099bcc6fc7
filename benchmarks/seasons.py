"""`batch` over local processes and over a local Ray, with one worker and with two, in turns; the files are compared.

    python benchmarks/seasons.py [--videos 4] [--seconds 10] [--runs 3] [--output FILE.md]

The videos are made by the project. What is timed begins when the pool is there (a local Ray takes a few seconds, said
apart) and holds all else: processes that start, networks that are loaded, parts, files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import AbstractContextManager
from fractions import Fraction
from itertools import product
from pathlib import Path

from provenance import SHIPPED, write_result

from pipeline.batch.report import REPORT_NAME, Report
from pipeline.batch.run import Batch, run_batch
from pipeline.batch.videos import list_videos
from pipeline.config import PipelineConfig
from pipeline.outputs.names import OUTPUTS
from pipeline.parts.cluster import LOCAL, ray_pool
from pipeline.parts.pool import Pool
from pipeline.parts.processes import ProcessWorker, shares
from pipeline.progress import Silent
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

_RATE = 30
_WORKERS = (1, 2)
_KINDS = ("processes", "Ray")


def make_videos(folder: Path, count: int, seconds: float) -> None:
    """Games of the project's own."""
    for seed in range(count):
        game = SyntheticGame(seed, seconds)
        pictures = ((frame.time, frame.image) for frame in game.frames())
        write_video(folder / f"game{seed}.mp4", pictures, frame_rate=Fraction(_RATE))


def _pool(kind: str, jobs: int, folder: Path) -> AbstractContextManager[Pool]:
    if kind == "Ray":
        return ray_pool(LOCAL, jobs, folder, on_gpu=False)
    return Pool([ProcessWorker(cores) for cores in shares(jobs)])


def run(kind: str, jobs: int, videos: Path, folder: Path) -> tuple[float, float, str]:
    """One batch -> seconds until the pool is there, seconds from then on, a digest of all files that it made."""
    begin = time.perf_counter()
    found = list_videos(videos)
    report = Report(folder / REPORT_NAME, [video.source for video in found])
    with _pool(kind, jobs, folder) as pool:
        ready = time.perf_counter()
        failed = run_batch(Batch(folder, PipelineConfig(device="cpu")), found, report, pool, Silent())
        over = time.perf_counter()
    if failed:
        raise SystemExit(f"{failed} videos failed: {folder / REPORT_NAME}")
    digest = hashlib.sha256()
    for path in sorted(folder / video.name / name for video in found for name in OUTPUTS):
        digest.update(path.read_bytes())
    return ready - begin, over - ready, digest.hexdigest()


def measure(videos: Path, folder: Path, runs: int) -> tuple[dict[tuple[str, int], float], float]:
    """Median seconds by kind and workers, and those that a local Ray takes to start. Ends where files differ."""
    took: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    starts: list[float] = []
    digests: set[str] = set()
    for turn, jobs, kind in product(range(runs), _WORKERS, _KINDS):
        results = folder / f"{kind}-{jobs}-{turn}"
        results.mkdir()
        start, seconds, digest = run(kind, jobs, videos, results)
        took[kind, jobs].append(seconds)
        digests.add(digest)
        starts += [start] if kind == "Ray" else []
    if len(digests) != 1:
        raise SystemExit("the files are not equal")
    return {key: statistics.median(values) for key, values in took.items()}, statistics.median(starts)


def table(median: dict[tuple[str, int], float], start: float) -> list[str]:
    """Lines of Markdown."""
    local, ray = ({jobs: median[kind, jobs] for jobs in _WORKERS} for kind in _KINDS)
    return [
        "| workers | processes, s | Ray, s | Ray to processes |",
        "|---|---|---|---|",
        *(f"| {jobs} | {local[jobs]:.1f} | {ray[jobs]:.1f} | {ray[jobs] / local[jobs]:.3f} |" for jobs in _WORKERS),
        "",
        f"Two workers are {local[1] / local[2]:.2f} times as fast as one, over Ray {ray[1] / ray[2]:.2f}. "
        f"A local Ray starts in {start:.1f} s, not counted above. All files are equal, to the byte.",
    ]


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as work:
        videos = Path(work) / "videos"
        make_videos(videos, options.videos, options.seconds)
        lines = table(*measure(videos, Path(work), options.runs))
    about = (
        f"{options.videos} games of {options.seconds:g} s, 1280x720, no GPU; medians of {options.runs} runs in turns; "
        f"load of the machine before: {load:.1f}."
    )
    write_result(options.output, "A season: local processes and a local Ray", [about, "", *lines], SHIPPED)


if __name__ == "__main__":
    main()
