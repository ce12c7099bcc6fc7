"""The same footage seen otherwise: how much of each figure hangs on the very pixels and the very span it was seen in.

    python benchmarks/variants.py VIDEO TRUTH_FOLDER END [VIDEO TRUTH_FOLDER END ...] [--keep DIR] [--only NAME ...]
        [--output FILE.md]

Each video is mirrored, made smaller, compressed harder, darkened, given noise and another hue, and looked at in shorter
spans; its truth goes along. A rule that holds does so in all of them; one that was fitted to a clip does in few.
TRUTH_FOLDER as of ``benchmarks/play.py``; END: seconds at which the truth ends. ``--keep`` keeps the analyses, and goes
on from those that are there with what tracks, links and joins today.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from play import COLUMNS, figures_of, shown
from provenance import write_result

from classify.run.int8 import chosen_file
from ground.compute.devices import resolve_device
from ground.video.source import open_video
from pipeline.analysis.folder import is_analysis, load_analysis, save_analysis
from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video, track_again
from pipeline.config import PipelineConfig
from pipeline.models import Models
from tracker.detect.detector import chosen_weights

_ENCODED = ("-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p", "-an")


@dataclass(frozen=True)
class Variant:
    """How the video is made over, and which seconds of it are looked at."""

    filters: str = ""
    crf: int = 18
    mirrored: bool = False
    scale: float = 1.0
    start: float = 0.0
    end: float = np.inf


VARIANTS = {
    "as it is": Variant(),
    "mirrored": Variant("hflip", mirrored=True),
    "three quarters": Variant("scale=trunc(iw*0.375)*2:-2:flags=area", scale=0.75),
    "crf 36": Variant("null", crf=36),
    "dark": Variant("eq=brightness=-0.12:contrast=0.8:saturation=0.7"),
    "noise": Variant("noise=alls=14:allf=t"),
    "another hue": Variant("hue=h=40"),
    "from 1 s": Variant(start=1.0),
    "from 2.5 s": Variant(start=2.5),
    "to 5 s": Variant(end=5.0),
}


def main() -> None:
    """Make the variants, analyse, compare, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = [f"| clip | variant | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    rows, models = list[list[float]](), Models()
    with tempfile.TemporaryDirectory() as made:
        folder = options.keep or Path(made)
        for video, truth, end in zip(*(options.places[k::3] for k in range(3)), strict=True):
            for name in options.only or VARIANTS:
                place = folder / f"{Path(video).stem} {name}".replace(" ", "_")
                place.mkdir(parents=True, exist_ok=True)
                found = _analysis(Path(video), float(end), VARIANTS[name], place, models)
                row = figures_of(found, _truth(Path(video), Path(truth), VARIANTS[name], place))
                rows.append(row)
                lines.append(f"| {Path(video).name} | {name} | {shown(row)} |")
                print(lines[-1], flush=True)
    for name, summary in (("mean", np.mean), ("worst", _worst)):
        lines.append(f"| all | {name} | {shown(np.asarray(summary(np.array(rows), axis=0)).tolist())} |")
        print(lines[-1])
    config = PipelineConfig()
    device = resolve_device(config.device)
    weights = [chosen_weights(config.detector, device), chosen_file(Path(config.classifier.weights), device)]
    write_result(options.output, "The same footage seen otherwise", lines, weights)


def _worst(rows: np.ndarray, axis: int) -> np.ndarray:
    worst = rows.min(axis=axis)
    worst[COLUMNS.index("switches")] = rows[:, COLUMNS.index("switches")].max()
    return worst


def _analysis(video: Path, end: float, variant: Variant, place: Path, models: Models) -> Analysis:
    config = dataclasses.replace(PipelineConfig(), start=variant.start or None, end=min(end, variant.end))
    kept = place / "game.courtscribe"
    if is_analysis(kept):
        return track_again(load_analysis(kept), config, models=models)
    found = analyze_video(_made(video, variant, place), config, models=models)
    save_analysis(found, kept)
    return found


def _made(video: Path, variant: Variant, place: Path) -> Path:
    """The video made over; itself where only its span is another."""
    if not variant.filters:
        return video
    made = place / "video.mp4"
    command = ["ffmpeg", "-y", "-loglevel", "error", "-i", video, "-vf", variant.filters, *_ENCODED]
    subprocess.run([*command, "-crf", str(variant.crf), made], check=True)
    return made


def _truth(video: Path, truth: Path, variant: Variant, place: Path) -> Path:
    """The truth made over as the video; without the court's landmarks, whose names know no mirror."""
    with open_video(video) as source:
        width = source.info.width

    def box(row: list[str]) -> list[str]:
        left, top, wide, high = (float(value) for value in row[2:6])
        left = width - left - wide if variant.mirrored else left
        return [*row[:2], *(f"{value * variant.scale:.3f}" for value in (left, top, wide, high)), *row[6:]]

    def point(row: list[str]) -> list[str]:
        if row[0] == "frame":
            return row
        x = width - 1 - float(row[1]) if variant.mirrored else float(row[1])
        return [row[0], f"{x * variant.scale:.3f}", f"{float(row[2]) * variant.scale:.3f}", *row[3:]]

    made: dict[str, Callable[[list[str]], list[str]]] = {"gt.txt": box, "ball.csv": point}
    for name in ("gt.txt", "ball.csv", "players.csv", "holder.csv", "actions.csv"):
        with (place / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(map(made.get(name, list), _rows(truth / name)))
    return place


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


if __name__ == "__main__":
    main()
