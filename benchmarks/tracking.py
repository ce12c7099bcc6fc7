"""Frames per second of trackers on the SORT paper's own detections, in one process, and how cost grows with boxes.

    python benchmarks/tracking.py [--detections ../shared/mot/sort-mot15] [--output benchmarks/results/tracking.md]

Needs `pip install trackers==2.6.1 supervision` in an environment of its own for the comparison with roboflow's SORT;
without it that row is left out, and said so. Reading files is not counted; every tracker gets its own kind of input.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.plain_sort import PlainSort
from tracker.mot import read_detections
from tracker.sort import Sort
from tracker.types import Detections

Sequence = list[Detections]
OURS, PLAIN, ROBOFLOW = "courtscribe sort", "plain FilterPy SORT", "roboflow trackers SORT"


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("COURTSCRIBE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("--detections", type=Path, default=shared / "mot/sort-mot15")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/tracking.md")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    report = [
        "# Speed of tracking\n",
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy "
        f"{np.__version__}. `benchmarks/tracking.py`, one process, medians of {options.runs} runs in turns. Seconds of "
        f"this process, not of the clock, so that other work on the machine (load {os.getloadavg()[0]:.0f}) counts "
        "little; ratios are what counts.\n",
    ]
    sequences = [_frames(path) for path in sorted(options.detections.glob("*/det.txt"))]
    if not sequences:
        parser.error(f"{options.detections}: no */det.txt")
    for max_age in (1, 30):
        report += _comparison(sequences, max_age, options.runs)
    report += _growth(options.runs)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(report) + "\n")
    print("\n".join(report))


def _frames(path: Path) -> Sequence:
    found = read_detections(path)
    return [found.get(frame, Detections.empty()) for frame in range(max(found) + 1)]


def _comparison(sequences: list[Sequence], max_age: int, runs: int) -> list[str]:
    contestants: dict[str, Callable[[], float]] = {
        OURS: lambda: sum(_time_ours(frames, max_age) for frames in sequences),
    }
    plain = [[d.xyxy.astype(np.float64) for d in frames] for frames in sequences]
    contestants[PLAIN] = lambda: sum(_time_plain(frames, max_age) for frames in plain)
    try:
        contestants[ROBOFLOW] = _roboflow(sequences, max_age)
    except ImportError as error:
        print(f"{ROBOFLOW}: not measured, {error}", file=sys.stderr)
    num_frames = sum(len(frames) for frames in sequences)
    seconds = _medians(contestants, runs)
    lines = [
        f"## sort-mot15, {num_frames} frames, max_age {max_age}\n",
        "| tracker | frames/s | ours is |",
        "|---|---|---|",
    ]
    for name, taken in seconds.items():
        lines.append(f"| {name} | {num_frames / taken:,.0f} | {taken / seconds[OURS]:.2f} times as fast |")
    return [*lines, ""]


def _medians(contestants: dict[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """Seconds of each, the median of ``runs`` rounds in which they take turns, after one to warm up."""
    rounds = [{name: run() for name, run in contestants.items()} for _ in range(runs + 1)][1:]
    return {name: statistics.median(r[name] for r in rounds) for name in contestants}


def _time_ours(frames: Sequence, max_age: int = 1) -> float:
    start = time.process_time()
    tracker = Sort(max_age)
    for i, detections in enumerate(frames):
        tracker.update(detections, i / 30)
    tracker.finish()
    return time.process_time() - start


def _time_plain(frames: list[np.ndarray], max_age: int = 1) -> float:
    start = time.process_time()
    tracker = PlainSort(max_age)
    for boxes in frames:
        tracker.update(boxes)
    return time.process_time() - start


def _roboflow(sequences: list[Sequence], max_age: int) -> Callable[[], float]:
    import supervision
    import trackers

    inputs: list[list[Any]] = [
        [supervision.Detections(xyxy=d.xyxy, confidence=d.confidence, class_id=d.class_id) for d in frames]
        for frames in sequences
    ]

    def run() -> float:
        start = time.process_time()
        for frames in inputs:
            tracker = trackers.SORTTracker(lost_track_buffer=max_age)
            for detections in frames:
                tracker.update(detections)
        return time.process_time() - start

    return run


def _growth(runs: int) -> list[str]:
    """Milliseconds per frame with more and more people who walk about in a picture that grows with them."""
    lines = ["## Cost of a frame\n", f"| boxes | {OURS}, ms | {PLAIN}, ms |", "|---|---|---|"]
    for count, num_frames in ((10, 200), (100, 60), (1000, 12), (5000, 4)):
        frames = _crowd(count, num_frames)
        contestants: dict[str, Callable[[], float]] = {OURS: lambda f=frames: _time_ours(f)}
        if count <= 1000:
            boxes = [d.xyxy.astype(np.float64) for d in frames]
            contestants[PLAIN] = lambda b=boxes: _time_plain(b)
        seconds = _medians(contestants, runs if count <= 100 else 1)
        cells = [f"{1000 * seconds[n] / num_frames:,.2f}" if n in seconds else "" for n in (OURS, PLAIN)]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return [*lines, ""]


def _crowd(count: int, num_frames: int) -> Sequence:
    rng = np.random.default_rng(0)
    centre = rng.uniform(0, 60 * np.sqrt(count), (count, 2))
    velocity = rng.normal(0, 2, (count, 2))
    frames: Sequence = []
    for _ in range(num_frames):
        centre += velocity
        seen = centre[rng.random(count) < 0.95] + rng.normal(0, 1, (1, 2))
        frames.append(Detections.of(np.tile(seen, 2) + np.array([-20, -50, 20, 50])))
    return frames


if __name__ == "__main__":
    main()
