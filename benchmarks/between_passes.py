"""How long an hour of game takes between the passes: following, linking, choosing, smoothing, joining.

A real clip is detected once, and its detections are repeated to the length asked for, a cut before each repetition;
labels are drawn at random, as many as there would be. Looks are not compared: what they cost is part of the passes.

    python benchmarks/between_passes.py VIDEO [--minutes 60] [--output FILE.md]
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import resource
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from provenance import DETECTOR, write_result

from classify.types import ACTIONS, ActionScores
from ground.video.source import open_video
from pipeline.analysis.values import DetectionTable, Drawn, Frames, Scores
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.detect import Detected, concatenated, detect_players
from pipeline.stages.label import join
from pipeline.stages.players import select_players, smooth_players
from pipeline.stages.track import follow
from pipeline.stages.windows import WindowPlan, plan_windows
from tracker.track.linking import link
from tracker.track.registry import make_tracker


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    config = PipelineConfig(device="cpu")
    with open_video(options.video) as video:
        clip = detect_players(video, Models().detector(config), Silent())
        size = (video.info.width, video.info.height)
    detected = _repeated(clip, options.minutes * 60)
    seconds, num_clips = _timed(detected, size, config)
    hours = options.minutes / 60
    facts = f"{len(detected.frames)} frames, {len(detected.detections.boxes)} boxes, {num_clips} clips"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    lines = [
        f"{options.minutes:g} minutes made of {Path(options.video).name}: {facts}; peak memory {peak:.0f} MB.",
        "",
        "| between the passes | seconds per hour of game |",
        "|---|---|",
        *(f"| {name} | {took / hours:.1f} |" for name, took in seconds.items()),
        f"| **all** | {sum(seconds.values()) / hours:.1f} |",
    ]
    write_result(options.output, "Between the passes", lines, DETECTOR)


def _timed(detected: Detected, size: tuple[int, int], config: PipelineConfig) -> tuple[dict[str, float], int]:
    """Seconds that each step takes, and how many clips there are."""
    frames, seconds = detected.frames, dict[str, float]()
    with _clock(seconds, "follow"):
        tracklets, seeds = follow(detected, Drawn(), size, make_tracker(config.tracker))
    with _clock(seconds, "link"):
        tracks = link(tracklets, config.linking, None)
    with _clock(seconds, "choose"):
        players = select_players(tracks, seeds, detected, Drawn(), size, config.selection)
    with _clock(seconds, "smooth"):
        players = smooth_players(players, frames, config.smoothing)
    with _clock(seconds, "plan clips"):
        plan = plan_windows(players.tracks, frames.index, frames.time, config.windows, frames.shot())
    scores = _drawn_scores(plan)
    with _clock(seconds, "join"):
        join(scores, ACTIONS, 0.2, players.tracks, frames, size, config.timeline)
    return seconds, len(scores.windows)


@contextmanager
def _clock(seconds: dict[str, float], name: str) -> Generator[None]:
    begin = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - begin


def _drawn_scores(plan: WindowPlan) -> Scores:
    ends, rng = np.isfinite(plan.window_start), np.random.default_rng(0)
    rows = zip(plan.track_id[ends], plan.window_start[ends], plan.window_end[ends], strict=True)
    return Scores(
        tuple(
            ActionScores(int(i), float(a), float(b), rng.dirichlet(np.ones(len(ACTIONS))).astype(np.float32))
            for i, a, b in rows
        )
    )


def _repeated(clip: Detected, seconds: float) -> Detected:
    frames, table = clip.frames, clip.detections
    step = float(np.median(np.diff(frames.time)))
    length = float(frames.time[-1] - frames.time[0]) + step
    times = max(1, round(seconds / length))
    count, number = int(frames.index[-1]) + 1, np.arange(times)
    cut = frames.is_cut.copy()
    cut[0] = True
    repeated = Frames(
        np.concatenate([frames.index + n * count for n in number]).astype(np.int32),
        np.concatenate([frames.time + n * length for n in number]),
        np.tile(frames.shift, (times, 1)),
        np.tile(frames.zoom, times),
        np.tile(cut, times),
    )
    boxes = dataclasses.replace(
        table,
        frame_index=np.concatenate([table.frame_index + n * count for n in number]).astype(np.int32),
        boxes=concatenated([table.boxes] * times),
        floor=None if table.floor is None else np.tile(table.floor, times),
    )
    assert isinstance(boxes, DetectionTable)
    return Detected(repeated, boxes)


if __name__ == "__main__":
    main()
