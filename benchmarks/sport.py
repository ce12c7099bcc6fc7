"""What each part of the sport tracker brings, on SportsMOT's basketball sequences: boxes only.

    python benchmarks/sport.py [--sequences ../shared/mot/sportsmot] [--output benchmarks/results/sport.md]

Ten sequences were looked at while the tracker was made, five were held out. Every row takes one part away.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from sys import path as import_path
from typing import Any
from unittest.mock import patch

import numpy as np

import_path.insert(0, str(Path(__file__).resolve().parent.parent))

from provenance import write_result

from tracker.evaluate.scores import TrackScores, combine, evaluate_tracks
from tracker.files.mot import read_detections, read_truth
from tracker.players.smoothing import smooth_tracks
from tracker.track import crumbs, linking, links, motion, sport, tracklets
from tracker.track.linking import LinkingConfig, link
from tracker.track.sort import Sort
from tracker.track.sport import SportTracker
from tracker.track.tracklets import Tracker, follow
from tracker.types import Detections, Tracks

HELD_OUT = (
    "v_-6Os86HzwCs_c007", "v_2j7kLB-vEEk_c005", "v_2j7kLB-vEEk_c010", "v_4LXTUim5anY_c010", "v_4LXTUim5anY_c013",
)  # fmt: skip
RATE = 25.0
ONLINE = LinkingConfig(offline=False)


@dataclass(frozen=True)
class Variant:
    """A tracker, perhaps with something changed in its modules."""

    name: str
    make: Callable[[], Tracker]
    changed: Mapping[tuple[Any, str], Any]
    smooth: bool = False
    linking: LinkingConfig = LinkingConfig()  # noqa: RUF009 - frozen

    def run(self, detections: Mapping[int, Detections]) -> Tracks:
        """The tracks of one sequence."""
        with ExitStack() as stack:
            for (module, name), value in self.changed.items():
                stack.enter_context(patch.object(module, name, value))
            tracks = link(follow(self.make(), detections, RATE), self.linking)
        if not self.smooth:
            return tracks
        return smooth_tracks(tracks, np.arange(max(detections) + 1) / RATE)


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("COURTSCRIBE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("--sequences", type=Path, default=shared / "mot/sportsmot")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/sport.md")
    options = parser.parse_args()
    detections = {p.stem: read_detections(p) for p in sorted(options.sequences.glob("det/*.txt"))}
    if not detections:
        parser.error(f"{options.sequences}: no det/*.txt")
    truth = {name: read_truth(options.sequences / f"gt/{name}/gt/gt.txt") for name in detections}
    report = [
        f"Python {platform.python_version()}, NumPy {np.__version__}. "
        f"`benchmarks/sport.py`. Ten sequences of SportsMOT were looked at while the tracker was made, five "
        "were held out. Every cell: HOTA / IDF1 / identity switches.\n",
        "| tracker | the ten | the five held out | all fifteen |",
        "|---|---|---|---|",
    ]
    for variant in _variants():
        scores = {name: evaluate_tracks(truth[name], variant.run(found)) for name, found in detections.items()}
        held = [scores[name] for name in scores if name in HELD_OUT]
        seen = [scores[name] for name in scores if name not in HELD_OUT]
        report.append(f"| {variant.name} | {_cell(seen)} | {_cell(held)} | {_cell([*seen, *held])} |")
    report += ["", *_per_sequence(detections, truth), "", _speed(detections)]
    write_result(options.output, "Tracking team sport, boxes only", report)


def _variants() -> list[Variant]:
    def changed(name: str, value: Any, module: Any) -> dict[tuple[Any, str], Any]:
        return {(module, name): value}

    still = changed("camera_shift", lambda expected, detected, guess: 0 * guess, sport)  # type: ignore[reportUnknownLambdaType]
    normal = changed("_TAIL", 1e6, motion)
    return [
        Variant("sort, max age 30 frames, min hits 3, min IoU 0.1", lambda: Sort(30, 3, 0.1), {}, linking=ONLINE),
        Variant("**sport, online**", SportTracker, {}, linking=ONLINE),
        Variant("online, camera taken to stand still", SportTracker, still, linking=ONLINE),
        Variant("online, without the second stage", SportTracker, changed("_WEAK", 2.0, sport), linking=ONLINE),
        Variant("online, normal distribution in place of Student's", SportTracker, normal, linking=ONLINE),
        Variant("**sport, offline, gaps to 1 s filled**", SportTracker, {}, smooth=True),
        Variant("offline, gaps left", SportTracker, {}),
        Variant("offline, camera taken to stand still", SportTracker, still, smooth=True),
        Variant("offline, normal distribution in place of Student's", SportTracker, normal, smooth=True),
        Variant("offline, without stature", SportTracker, changed("_STATURES", 0.0, links), smooth=True),
        Variant("offline, without cuts at doubt", SportTracker, changed("_DOUBT", -1e9, sport), smooth=True),
        Variant("offline, without cuts at misses", SportTracker, changed("_LONGEST_MISS", 1e9, tracklets), smooth=True),
        Variant("offline, sides of the picture unknown", SportTracker, changed("_SIDE", -1e9, links), smooth=True),
        Variant("offline, misses inside as good as outside", SportTracker, changed("_INSIDE", 0.0, links), smooth=True),
        Variant(
            "offline, the shortest tracklets linked with all", SportTracker, changed("_WHOLE", 0.0, crumbs), smooth=True
        ),
        Variant("offline, links decided once", SportTracker, changed("_ROUNDS", 1, linking), smooth=True),
        Variant("offline, at most 10 at once", SportTracker, {}, smooth=True, linking=LinkingConfig(players=10)),
    ]


def _cell(scores: list[TrackScores]) -> str:
    total = combine(scores)
    return f"{100 * total.hota:.1f} / {100 * total.idf1:.1f} / {total.id_switches}"


def _per_sequence(detections: dict[str, dict[int, Detections]], truth: dict[str, Tracks]) -> list[str]:
    lines = ["| sequence | frames | HOTA | DetA | AssA | IDF1 | MOTA | switches | tracks |", "|---|" + "---|" * 8]
    for name, found in detections.items():
        tracks = Variant("", SportTracker, {}, smooth=True).run(found)
        s = evaluate_tracks(truth[name], tracks)
        figures = " | ".join(f"{100 * v:.1f}" for v in (s.hota, s.det_a, s.ass_a, s.idf1, s.mota))
        held = " (held out)" if name in HELD_OUT else ""
        lines.append(f"| {name}{held} | {max(found) + 1} | {figures} | {s.id_switches} | {len(tracks.ids)} |")
    return lines


def _speed(detections: dict[str, dict[int, Detections]]) -> str:
    frames = sum(max(found) + 1 for found in detections.values())
    seconds = {"sort": 0.0, "sport online": 0.0, "sport offline, all of it": 0.0}
    makers: list[Callable[[], Tracker]] = [lambda: Sort(30, 3, 0.1), SportTracker, SportTracker]
    for name, make, config in zip(seconds, makers, (ONLINE, ONLINE, LinkingConfig()), strict=True):
        runs: list[float] = []
        for _ in range(3):
            start = time.process_time()
            for found in detections.values():
                link(follow(make(), found, RATE), config)
            runs.append(time.process_time() - start)
        seconds[name] = sorted(runs)[1]
    speeds = ", ".join(f"{name} {frames / taken:,.0f}" for name, taken in seconds.items())
    return f"Frames per second, median of three runs, seconds of the process: {speeds}."


if __name__ == "__main__":
    main()
