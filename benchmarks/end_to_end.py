"""Wall time of `analyze` beside the plain loop that tutorials show, with the same weights and the same clips labelled.

The plain loop: ultralytics' `track` frame by frame, each player's last 16 pictures through the network on their own
every 8 frames, boxes drawn on the frame, OpenCV's writer. To label the same clips it takes the players' boxes from the
analysis that it is compared with; its own tracker runs and is timed all the same.

    python benchmarks/end_to_end.py VIDEO [--end SECONDS] [--runs 3] [--jobs N] [--output FILE]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from provenance import SHIPPED, write_result

import tracker  # keeps ultralytics offline
from classify.networks.preprocess import to_tensor
from classify.weights.checkpoint import load_checkpoint
from ground.frames import Frame
from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.outputs.write import write_outputs
from pipeline.parts.run import Workers
from pipeline.parts.store import PARTS, PartStore
from pipeline.progress import Advance
from pipeline.shipped import WEIGHTS
from pipeline.stages.windows import ClipCutter, plan_windows

_ = tracker


class Stopwatch:
    """A Progress that only takes times."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        """See pipeline.progress.Progress."""
        _ = total, unit, done
        begin = time.perf_counter()
        yield lambda _count: None
        self.seconds[name] = time.perf_counter() - begin


def run_ours(video: str, config: PipelineConfig, folder: Path, jobs: int) -> tuple[Analysis, float, dict[str, float]]:
    """One whole analysis with its outputs, as the command does it: result, seconds, seconds per stage."""
    watch = Stopwatch()
    begin = time.perf_counter()
    with Workers(PartStore(folder / PARTS), Models(), jobs) as workers:
        analysis = analyze_video(video, config, workers=workers, progress=watch)
        write_outputs(analysis, folder, watch, workers=workers)
        workers.store.remove()
    total = time.perf_counter() - begin
    watch.seconds["rest (loading, tracking, files)"] = total - sum(watch.seconds.values())
    return analysis, total, watch.seconds


def run_plain(analysis: Analysis, config: PipelineConfig, output: Path) -> tuple[float, int]:
    """The plain loop over the same frames: seconds, and clips labelled."""
    from ultralytics import YOLO

    begin = time.perf_counter()
    model = YOLO(config.detector.weights)
    network, info = load_checkpoint(Path(config.classifier.weights))
    cutter = ClipCutter(plan_windows(analysis.tracks, analysis.frames.index, analysis.frames.time, config.windows))
    reader = cv2.VideoCapture(analysis.video.source)
    size = (analysis.video.width, analysis.video.height)
    writer = cv2.VideoWriter(str(output), cv2.VideoWriter.fourcc(*"mp4v"), reader.get(cv2.CAP_PROP_FPS), size)
    labels: dict[int, str] = {}
    num_clips = 0
    for index, seconds in zip(analysis.frames.index, analysis.frames.time, strict=True):
        ok, bgr = reader.read()
        if not ok:
            break
        model.track(bgr, persist=True, imgsz=config.detector.imgsz, tracker="bytetrack.yaml", verbose=False)
        frame = Frame(int(index), float(seconds), np.ascontiguousarray(bgr[..., ::-1]))
        for clip in cutter.update(frame):
            with torch.inference_mode():
                logits = network(to_tensor(clip.frames[None], info.profile).contiguous())
            labels[clip.track_id] = info.labels[int(logits.argmax())]
            num_clips += 1
        boxes = analysis.tracks.at(int(index))
        for track_id, (left, top, right, bottom) in zip(boxes.track_id, boxes.xyxy.round().astype(int), strict=True):
            cv2.rectangle(bgr, (int(left), int(top)), (int(right), int(bottom)), (0, 255, 0), 2)
            text = f"{track_id} {labels.get(int(track_id), '')}"
            cv2.putText(bgr, text, (int(left), int(top) - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 2)
        writer.write(bgr)
    writer.release()
    return time.perf_counter() - begin, num_clips


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video")
    parser.add_argument("--end", type=float)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    config = PipelineConfig(end=options.end, device="cpu")
    assert str(WEIGHTS) in config.detector.weights
    ours: list[float] = []
    plain: list[float] = []
    stages: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as work:
        run_ours(options.video, PipelineConfig(end=1.0, device="cpu"), Path(work) / "warm", 1)  # exports the detector
        for _run in range(options.runs):  # in turns, so that a busy moment of the machine meets both
            analysis, seconds, parts = run_ours(options.video, config, Path(work) / "ours", options.jobs)
            ours.append(seconds)
            for name, part in parts.items():
                stages.setdefault(name, []).append(part)
            seconds, num_clips = run_plain(analysis, config, Path(work) / "plain.mp4")
            plain.append(seconds)
            print(f"courtscribe {ours[-1]:.1f} s, plain loop {plain[-1]:.1f} s", flush=True)
    mine, theirs = statistics.median(ours), statistics.median(plain)
    lines = [
        f"No GPU; medians of {options.runs} runs in turns.",
        f"Clips labelled: courtscribe {len(analysis.scores.windows)}, plain loop {num_clips}.",
        "",
        "| | seconds | frames per second |",
        "|---|---|---|",
        f"| courtscribe | {mine:.1f} | {len(analysis.frames) / mine:.1f} |",
        f"| plain loop | {theirs:.1f} | {len(analysis.frames) / theirs:.1f} |",
        "",
        f"**courtscribe is {theirs / mine:.2f} times as fast.** Where its time goes:",
        "",
        "| stage | seconds | share |",
        "|---|---|---|",
        *(f"| {n} | {statistics.median(s):.1f} | {statistics.median(s) / mine:.0%} |" for n, s in stages.items()),
    ]
    what = f"{Path(options.video).name}, {len(analysis.frames)} frames, {len(analysis.tracks.ids)} players"
    write_result(options.output, f"End to end: {what}", lines, SHIPPED)


if __name__ == "__main__":
    main()
