"""How long an hour of game takes between the passes: following, linking, choosing, smoothing, joining.

A real clip is detected and looked at once, and what was found is repeated to the length asked for, a cut before each
repetition; labels are drawn at random, as many as there would be.

    python benchmarks/between_passes.py VIDEO [--minutes 1 60] [--output FILE.md]
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import resource
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from provenance import SHIPPED, write_result

from classify.types import ACTIONS, ActionScores
from ground.frames import Image
from ground.video.source import open_video
from pipeline.analysis.values import DetectionTable, Drawn, Frames, Scores
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.ball import follow_ball
from pipeline.stages.court import CourtViews, court_look, find_court
from pipeline.stages.detect import Detected, concatenated, detect_players
from pipeline.stages.label import join
from pipeline.stages.players import select_players, smooth_players, tell_teams
from pipeline.stages.track import Looks, follow
from pipeline.stages.windows import WindowPlan, plan_windows
from tracker.looks.collector import AppearanceCollector
from tracker.looks.describers import Describer
from tracker.track.linking import link
from tracker.track.registry import make_tracker
from tracker.track.tracklets import Tracklets
from tracker.types import FloatArray, IntArray


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--minutes", type=float, nargs="+", default=[60], help="the last is what the table is of")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    config = PipelineConfig(device="cpu")
    with tempfile.TemporaryDirectory() as work:
        lines = _measured(options, _seen(options.video, config, Path(work)), config)
    write_result(options.output, "Between the passes", lines, SHIPPED)


def _measured(options: argparse.Namespace, clip: _Clip, config: PipelineConfig) -> list[str]:
    peaks: list[str] = []
    for minutes in options.minutes:
        game = _repeated(clip.detected, minutes * 60)
        seconds, num_clips = _timed(game, clip, config)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        facts = f"{len(game.frames)} frames, {len(game.detections.boxes)} boxes, {num_clips} clips"
        peaks.append(f"{minutes:g} minutes made of {Path(options.video).name}: {facts}; peak memory {peak:.0f} MB.  ")
    hours = options.minutes[-1] / 60
    return [
        *peaks,
        "",
        f"| between the passes, {options.minutes[-1]:g} minutes | seconds per hour of game |",
        "|---|---|",
        *(f"| {name} | {took / hours:.1f} |" for name, took in seconds.items()),
        f"| **all** | {sum(seconds.values()) / hours:.1f} |",
    ]


class _Clip(NamedTuple):
    """A real clip, as the passes over its pictures leave it."""

    detected: Detected
    size: tuple[int, int]
    aspect: Fraction
    describers: list[Describer]
    pictures: Path
    """All of them, raw: in memory they would count as that of the passes."""

    def picture(self, frame: int) -> Image:
        """uint8 (H, W, 3), RGB, of one frame of a repetition."""
        width, height = self.size
        num_bytes, number = width * height * 3, frame % (int(self.detected.frames.index[-1]) + 1)
        content = np.fromfile(self.pictures, np.uint8, num_bytes, offset=number * num_bytes)
        return content.reshape(height, width, 3)


def _seen(source: str, config: PipelineConfig, folder: Path) -> _Clip:
    models = Models()
    with open_video(source) as video:
        size, aspect = (video.info.width, video.info.height), video.info.sample_aspect_ratio
        look = court_look(models.court(config), aspect)
        detected = detect_players(video, models.detector(config), Silent(), look=look)
        with (folder / "pictures").open("wb") as file:
            for frame in video:
                file.write(frame.image.tobytes())
    return _Clip(detected, size, aspect, models.describers(config), folder / "pictures")


class _Again(AppearanceCollector):
    """Looks at each picture once for the same boxes, whichever repetition they are of."""

    def __init__(self, tracklets: Tracklets, clip: _Clip) -> None:
        super().__init__(tracklets, *clip.size, clip.describers)
        self._clip, self._known = clip, dict[tuple[int, bytes], list[FloatArray]]()

    def look(self, frame: int) -> None:
        """At one that is needed."""
        rows = [self._views_at.at(frame), self._kits_at.at(frame), self._everybody.at(frame)]
        wanted = b"|".join(self._tracklets.xyxy[some].tobytes() for some in rows)
        key = frame % (int(self._clip.detected.frames.index[-1]) + 1), wanted
        if key not in self._known:
            self._known[key] = self.describe(frame, self._clip.picture(frame))
        self.add(frame, self._known[key])


def _glanced(tracklets: Tracklets, clip: _Clip) -> Looks:
    """What the pictures of the clip tell of the tracklets of its repetitions."""
    collector = _Again(tracklets, clip)
    for frame in collector.frames.tolist():
        collector.look(frame)
    return Looks.of(collector, tracklets)


def _timed(detected: Detected, clip: _Clip, config: PipelineConfig) -> tuple[dict[str, float], int]:
    """Seconds that each step takes, and how many clips there are."""
    frames, size, seconds = detected.frames, clip.size, dict[str, float]()
    with _clock(seconds, "court"):
        court = find_court(detected.views, frames, size, clip.aspect, config.court)
    detected = detected._replace(court=court)
    with _clock(seconds, "follow"):
        tracklets, seeds = follow(detected, Drawn(), size, make_tracker(config.tracker))
    looks = _glanced(tracklets, clip)
    with _clock(seconds, "link"):
        tracks = link(tracklets, config.linking, looks.costs, looks.likeness)
    with _clock(seconds, "choose, teams"):
        players = select_players(tracks, seeds, detected, Drawn(), size, config.selection)
        players = tell_teams(players, looks.kits, config.teams)
    with _clock(seconds, "smooth"):
        players = smooth_players(players, frames, config.smoothing)
    with _clock(seconds, "ball"):
        ball = follow_ball(detected, players, size, config.ball, Silent())
    with _clock(seconds, "plan clips"):
        plan = plan_windows(players.tracks, frames.index, frames.time, config.windows, frames.shot())
    scores = _drawn_scores(plan)
    with _clock(seconds, "join"):
        join(scores, ACTIONS, 0.2, players.tracks, frames, size, config.timeline, court, ball, players.teams)
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


def _length(frames: Frames) -> float:
    """Seconds from the first frame until one after the last."""
    return float(frames.time[-1] - frames.time[0] + np.median(np.diff(frames.time)))


def _repeated(clip: Detected, seconds: float) -> Detected:
    frames, views = clip.frames, clip.views
    length = _length(frames)
    times = max(1, round(seconds / length))
    count, number = int(frames.index[-1]) + 1, np.arange(times)
    cut = frames.is_cut.copy()
    cut[0] = True

    def again(index: IntArray) -> IntArray:
        return np.concatenate([index + n * count for n in number]).astype(np.int32)

    def table(found: DetectionTable) -> DetectionTable:
        floor = None if found.floor is None else np.tile(found.floor, times)
        boxes = concatenated([found.boxes] * times)
        return dataclasses.replace(found, frame_index=again(found.frame_index), boxes=boxes, floor=floor)

    repeated = Frames(
        again(frames.index),
        np.concatenate([frames.time + n * length for n in number]),
        np.tile(frames.shift, (times, 1)),
        np.tile(frames.zoom, times),
        np.tile(cut, times),
    )
    things = clip.things and table(clip.things)
    looks = CourtViews(again(views.frame_index), np.concatenate([views.areas] * times))
    return Detected(repeated, table(clip.detections), things, looks)


if __name__ == "__main__":
    main()
