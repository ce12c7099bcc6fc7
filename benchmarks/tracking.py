"""Trackers beside each other in one process: frames per second, how right they are, and how cost grows with boxes.

    python benchmarks/tracking.py [--shared ../shared] [--output benchmarks/results/tracking.md] [--runs 3]

The public trackers are roboflow's. They are no part of the project and stay out of its environment:

    .venv/bin/python -m pip install --no-deps --target SITE trackers==2.6.1 supervision pydeprecate defusedxml rich
    PYTHONPATH=SITE .venv/bin/python benchmarks/tracking.py

Without them their rows are left out, and said so. Every tracker gets its own kind of input, made beforehand; reading
files and reading results is not counted.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from provenance import write_result

from benchmarks.plain_sort import PlainSort
from tracker.evaluate.scores import combine, evaluate_tracks
from tracker.files.mot import read_detections, read_truth
from tracker.players.smoothing import smooth_tracks
from tracker.track.linking import link
from tracker.track.sort import Sort
from tracker.track.sport import SportTracker
from tracker.track.tracklets import Tracker
from tracker.types import Detections, Tracks

try:
    import supervision
    import trackers as roboflow
except ImportError as error:
    print(f"roboflow's trackers are not measured: {error}", file=sys.stderr)
    roboflow = None

Video = list[Detections]
"""The detections of every frame."""
SORT, SPORT, PLAIN, ROBOFLOW = "**sort**", "**sport, online**", "plain FilterPy SORT", "roboflow SORT"
RATE = 25.0
"""Frames per second that SportsMOT has; the other videos are taken as if they had it, too."""


def as_followed(tracker: Tracker) -> Tracks:
    """The tracks frame by frame."""
    return tracker.finish().tracks()


def linked(tracker: Tracker) -> Tracks:
    """All of what ``analyze`` does with boxes: followed, linked, gaps up to a second filled."""
    found = tracker.finish()
    return smooth_tracks(link(found), np.arange(int(found.frame.max(initial=-1)) + 1) / RATE)


@dataclass(frozen=True)
class Entry:
    """A tracker and what it is given."""

    new: Callable[[], Any]
    videos: list[list[tuple[Any, ...]]]
    """The arguments of ``update``, for every video and frame."""
    read: Callable[[list[Any]], Tracks] | None = None
    """Tracks from what all updates of a video returned. None: the tracker has ``finish``."""
    finish: Callable[[Any], Tracks] = as_followed
    """Tracks from such a tracker, which is work and counts."""

    def run(self) -> tuple[float, list[Tracks]]:
        """Seconds of this process for all videos, and the tracks of each."""
        seconds, tracks = 0.0, list[Tracks]()
        for frames in self.videos:
            tracker = self.new()
            start = time.process_time()
            returned = [tracker.update(*arguments) for arguments in frames]
            found = None if self.read else self.finish(tracker)
            seconds += time.process_time() - start
            tracks.append(self.read(returned) if self.read else found)
        return seconds, tracks


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("COURTSCRIBE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/tracking.md")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    pedestrians = [_video(path) for path in sorted(options.shared.glob("mot/sort-mot15/*/det.txt"))]
    players = {path.stem: _video(path) for path in sorted(options.shared.glob("mot/sportsmot/det/*.txt"))}
    if not pedestrians or not players:
        parser.error(f"{options.shared}: no mot/sort-mot15/*/det.txt or no mot/sportsmot/det/*.txt")
    truth = [read_truth(options.shared / f"mot/sportsmot/gt/{name}/gt/gt.txt") for name in players]
    report = [
        f"Python {platform.python_version()}, NumPy "
        f"{np.__version__}. `benchmarks/tracking.py`, one process, medians of {options.runs} runs in turns. Seconds of "
        f"this process, not of the clock, so that other work on the machine (load {os.getloadavg()[0]:.0f}) counts "
        "little; ratios are what counts.\n",
        *_speed(pedestrians, 1, options.runs),
        *_speed(pedestrians, 30, options.runs),
        *_quality(list(players.values()), truth, options.runs),
        *_growth(options.runs),
    ]
    write_result(options.output, "Trackers, speed and quality", report)


def _video(path: Path) -> Video:
    found = read_detections(path)
    return [found.get(frame, Detections.empty()) for frame in range(max(found) + 1)]


def _speed(videos: list[Video], max_age: int, runs: int) -> list[str]:
    entries = _four(videos, max_age)
    num_frames = sum(map(len, videos))
    seconds, _ = _measure(entries, runs)
    lines = [
        f"## Speed: sort-mot15, {num_frames:,} frames of {_mean_boxes(videos):.1f} boxes, max age {max_age}\n",
        f"| tracker | frames/s | times {ROBOFLOW} | times {PLAIN} |",
        "|---|---|---|---|",
    ]
    for name, taken in seconds.items():
        ratios = " | ".join(f"{seconds[other] / taken:.2f}" if other in seconds else "" for other in (ROBOFLOW, PLAIN))
        lines.append(f"| {name} | {num_frames / taken:,.0f} | {ratios} |")
    return [*lines, ""]


def _quality(videos: list[Video], truth: list[Tracks], runs: int) -> list[str]:
    entries = {
        "**sport, offline, gaps to 1 s filled**": _ours(SportTracker, videos, linked),
        SPORT: _ours(SportTracker, videos),
        "**sort**, max age 30, min IoU 0.1": _ours(lambda: Sort(30, 3, 0.1), videos),
        "**sort**, max age 30, as the paper": _ours(lambda: Sort(30), videos),
        f"{PLAIN}, max age 30": _plain(lambda: PlainSort(30), videos),
    }
    if roboflow:
        sport = {"lost_track_buffer": 60, "minimum_consecutive_frames": 2, "minimum_iou_threshold": 0.05}
        entries |= {
            f"{ROBOFLOW}, lost buffer 60, 2 hits, IoU 0.05": _public(lambda: roboflow.SORTTracker(**sport), videos),
            ROBOFLOW: _public(roboflow.SORTTracker, videos),
            "roboflow ByteTrack": _public(roboflow.ByteTrackTracker, videos),
            "roboflow C-BIoU": _public(roboflow.CBIoUTracker, videos),
            "roboflow OC-SORT": _public(roboflow.OCSORTTracker, videos),
        }
    seconds, tracks = _measure(entries, runs)
    num_frames = sum(map(len, videos))
    lines = [
        f"## Quality and speed: SportsMOT basketball, {len(videos)} sequences, {num_frames:,} frames, boxes only\n",
        "| tracker | HOTA | IDF1 | switches | frames/s |",
        "|---|---|---|---|---|",
    ]
    for name, found in tracks.items():
        s = combine([evaluate_tracks(t, f) for t, f in zip(truth, found, strict=True)])
        scores = f"{100 * s.hota:.1f} | {100 * s.idf1:.1f} | {s.id_switches}"
        lines.append(f"| {name} | {scores} | {num_frames / seconds[name]:,.0f} |")
    return [*lines, ""]


def _growth(runs: int) -> list[str]:
    """Milliseconds per frame with more and more people who walk about in a picture that grows with them."""
    lines, header = list[str](), ""
    for count, num_frames in ((10, 200), (100, 60), (1000, 12)):
        entries = _four([_crowd(count, num_frames)], 1)
        seconds, _ = _measure(entries, runs if count < 1000 else 1)
        header = f"| boxes | {' | '.join(entries)} |\n|---|{'---|' * len(entries)}"
        lines.append(f"| {count:,} | {' | '.join(f'{1000 * s / num_frames:,.3f}' for s in seconds.values())} |")
    return ["## Cost of a frame, milliseconds\n", header, *lines]


def _four(videos: list[Video], max_age: int) -> dict[str, Entry]:
    """The trackers whose speed is compared; max_age is the number of frames that each of the SORTs has."""
    entries = {
        SORT: _ours(lambda: Sort(max_age), videos),
        SPORT: _ours(SportTracker, videos),
        PLAIN: _plain(lambda: PlainSort(max_age), videos),
    }
    if roboflow:
        entries[ROBOFLOW] = _public(lambda: roboflow.SORTTracker(lost_track_buffer=max_age), videos)
    return entries


def _ours(new: Callable[[], Any], videos: list[Video], finish: Callable[[Any], Tracks] = as_followed) -> Entry:
    return Entry(new, [[(found, i / RATE) for i, found in enumerate(frames)] for frames in videos], finish=finish)


def _plain(new: Callable[[], Any], videos: list[Video]) -> Entry:
    def read(returned: list[Any]) -> Tracks:
        rows = np.concatenate(returned)
        return Tracks.of(np.repeat(range(len(returned)), [len(r) for r in returned]), rows[:, 4], rows[:, :4])

    columns = [[(np.column_stack([d.xyxy, d.confidence]).astype(np.float64),) for d in frames] for frames in videos]
    return Entry(new, columns, read)


def _public(new: Callable[[], Any], videos: list[Video]) -> Entry:
    def read(returned: list[Any]) -> Tracks:
        frames = np.repeat(range(len(returned)), [len(r) for r in returned])
        identity = np.concatenate([r.tracker_id for r in returned])
        boxes = np.concatenate([r.xyxy for r in returned])
        sure = identity >= 0
        return Tracks.of(frames[sure], identity[sure] + 1, boxes[sure])

    def theirs(d: Detections) -> Any:
        return supervision.Detections(xyxy=d.xyxy, confidence=d.confidence, class_id=d.class_id)

    return Entry(new, [[(theirs(d),) for d in frames] for frames in videos], read)


def _measure(entries: Mapping[str, Entry], runs: int) -> tuple[dict[str, float], dict[str, list[Tracks]]]:
    """Seconds of each, the median of ``runs`` rounds in which they take turns, and tracks, from a first round."""
    tracks = {name: entry.run()[1] for name, entry in entries.items()}
    rounds = [{name: entry.run()[0] for name, entry in entries.items()} for _ in range(runs)]
    return {name: statistics.median(r[name] for r in rounds) for name in entries}, tracks


def _mean_boxes(videos: list[Video]) -> float:
    return sum(len(d) for frames in videos for d in frames) / sum(map(len, videos))


def _crowd(count: int, num_frames: int) -> Video:
    rng = np.random.default_rng(0)
    centre = rng.uniform(0, 60 * np.sqrt(count), (count, 2))
    velocity = rng.normal(0, 2, (count, 2))
    frames: Video = []
    for _ in range(num_frames):
        centre += velocity
        seen = centre[rng.random(count) < 0.95] + rng.normal(0, 1, (1, 2))
        frames.append(Detections.of(np.tile(seen, 2) + np.array([-20, -50, 20, 50])))
    return frames


if __name__ == "__main__":
    main()
