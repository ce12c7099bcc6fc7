"""The court: how well it is known in videos, and what it costs; its network, on venues that it has not learnt from; and
how that is trained.

python -m benchmarks.court measure VIDEOS TRUTH [-o FILE]
python -m benchmarks.court judge WEIGHTS DATA --venues A,B
python -m benchmarks.court train DATA -o WEIGHTS [--hold-out A,B] [--steps N]
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks.provenance import DETECTOR, write_result
from ground.frames import Image
from ground.video.source import open_video
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig
from pipeline.evaluate.court import LANDMARKS, landmark_errors
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.shipped import COURT_WEIGHTS, WEIGHTS
from pipeline.stages.court import CourtLook, find_court
from pipeline.stages.detect import detect_players
from tracker.court.known import KnownCourt
from tracker.court.network import CourtNetwork, save_network
from tracker.court.segmenter import AREAS, CourtSegmenter
from tracker.court.train import CourtPicture, balanced, court_pictures, fit, read_picture
from tracker.detect.features import export_backbone
from tracker.types import FloatArray


def overlaps(segmenter: CourtSegmenter, pictures: Iterable[CourtPicture]) -> dict[str, float]:
    """Intersection over union of each area, pixels of all pictures together."""
    both, either = np.zeros(len(AREAS)), np.zeros(len(AREAS))
    for entry in pictures:
        image, truth = read_picture(entry)
        seen = segmenter.areas(image)
        size = image.shape[1::-1]
        for i in range(len(AREAS)):
            found = cv2.resize(seen[i], size, interpolation=cv2.INTER_LINEAR) > 0.5
            both[i] += (found & (truth[:, :, i] > 0)).sum()
            either[i] += (found | (truth[:, :, i] > 0)).sum()
    return {name: float(part / whole) for name, part, whole in zip(AREAS, both, either, strict=True)}


def judge(options: argparse.Namespace) -> None:
    """Print a table."""
    segmenter = CourtSegmenter(options.weights)
    print(f"| venue | pictures | {' | '.join(AREAS)} |\n|---|---|{'---|' * len(AREAS)}")
    for venue in options.venues.split(","):
        chosen = [p for p in court_pictures(options.data) if p.venue == venue]
        row = overlaps(segmenter, chosen).values()
        print(f"| {venue} | {len(chosen)} | {' | '.join(f'{value:.3f}' for value in row)} |")


class _Timed(CourtSegmenter):
    """Adds up the seconds that looking takes."""

    seconds = 0.0

    def areas(self, image: Image, aspect: float = 1.0) -> FloatArray:
        """See ``CourtSegmenter``."""
        begin = time.thread_time()
        found = super().areas(image, aspect)
        self.seconds += time.thread_time() - begin
        return found


class _Measured(NamedTuple):
    court: KnownCourt
    num_frames: int
    look_ms: float
    """Of a processor, per frame of the video."""
    fit_ms: float


def measure(options: argparse.Namespace) -> None:
    """Write a table of all videos of a folder, and what the court costs in those with a truth."""
    lines = [
        "Off: median and 90th percentile of the distance, in metres, between landmarks where a person found them and "
        "where the court says. Looking and fitting: processor milliseconds per frame of the video.",
        "",
        "| video | court | frames known | landmarks | off | off, 90 % | looking | fitting |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with_truth = list[Path]()
    for path in sorted(path for path in options.videos.iterdir() if path.suffix in (".mp4", ".mov")):
        found, truth = _measured(path), options.truth / path.stem.removeprefix("netba_")
        points = truth / LANDMARKS
        off = landmark_errors(found.court, points) if points.is_file() else np.empty(0)
        off = off[np.isfinite(off)]
        with_truth += [path] if len(off) else []
        shown = f"{len(off)} | {np.median(off):.2f} | {np.quantile(off, 0.9):.2f}" if len(off) else "- | - | -"
        share = len(found.court) / found.num_frames
        lines.append(
            f"| {path.name} | {found.court.kind or 'not known'} | {share:.0%} | {shown} "
            f"| {found.look_ms:.1f} | {found.fit_ms:.1f} |"
        )
        print(lines[-1], flush=True)
    lines += ["", *cost(with_truth, options.runs)]
    write_result(options.output, "The court in videos", lines, [*DETECTOR, WEIGHTS / COURT_WEIGHTS])


def _measured(path: Path) -> _Measured:
    config, segmenter = PipelineConfig(device="cpu"), _Timed(WEIGHTS / COURT_WEIGHTS)
    with open_video(path) as video:
        aspect, size = video.info.sample_aspect_ratio, (video.info.width, video.info.height)
        look = CourtLook(segmenter, float(aspect))
        found = detect_players(video, Models().detector(config), Silent(), look=look)
    begin = time.thread_time()
    court = find_court(found.views, found.frames, size, aspect, config.court)
    count = len(found.frames)
    seconds = segmenter.seconds, time.thread_time() - begin
    return _Measured(court, count, *(1000 * value / count for value in seconds))


def cost(videos: Sequence[Path], runs: int) -> list[str]:
    """Processor seconds of an analysis, with and without the court, medians of runs; each is first in turn.

    No annotated video is made.
    """
    lines = ["| analysis | without, s | with, s | ratio |", "|---|---|---|---|"]
    models, config = Models(), PipelineConfig(device="cpu")
    without = dataclasses.replace(config, court=dataclasses.replace(config.court, find=False))
    models.load(config)
    for path in videos:
        seconds: dict[bool, list[float]] = {False: [], True: []}
        analyze_video(path, config, models=models)  # the first one is slower, and is not counted
        for run in range(runs):
            for chosen in (without, config) if run % 2 else (config, without):
                begin = time.process_time()
                analyze_video(path, chosen, models=models)
                seconds[chosen.court.find].append(time.process_time() - begin)
        before, after = (float(np.median(seconds[find])) for find in (False, True))
        lines.append(f"| {path.name} | {before:.1f} | {after:.1f} | {after / before:.2f} |")
    return lines


def train(options: argparse.Namespace) -> None:
    """Train, from the backbone of the shipped detector, and write the weights."""
    torch.set_num_threads(1)
    held_out = set(options.hold_out.split(","))
    chosen = balanced([p for p in court_pictures(options.data) if p.venue not in held_out])
    read = {entry.picture: read_picture(entry) for entry in set(chosen)}
    torch.manual_seed(1)
    network = CourtNetwork()
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(WEIGHTS / "players.pt", layers)
        network.load_state_dict(load_file(layers), strict=False)
    for step, loss in enumerate(fit(network, [read[entry.picture] for entry in chosen], options.steps)):
        if step % 100 == 0:
            print(f"{step} {loss:.3f}", flush=True)
    save_network(network, options.output)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("videos", type=Path)
    measuring.add_argument("truth", type=Path)
    measuring.add_argument("--runs", type=int, default=3)
    measuring.add_argument("-o", "--output", type=Path)
    measuring.set_defaults(run=measure)
    judging = commands.add_parser("judge")
    judging.add_argument("weights", type=Path)
    judging.add_argument("data", type=Path)
    judging.add_argument("--venues", required=True)
    judging.set_defaults(run=judge)
    training = commands.add_parser("train")
    training.add_argument("data", type=Path)
    training.add_argument("-o", "--output", type=Path, required=True)
    training.add_argument("--hold-out", default="")
    training.add_argument("--steps", type=int, default=2600)
    training.set_defaults(run=train)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
