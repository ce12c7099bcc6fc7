"""What each rule and each source of evidence brings to identities, on real footage with hand-checked truth.

    python benchmarks/ablation.py --clip VIDEO TRUTH.txt ANALYSIS [--clip ...] [--reid osnet.onnx] [--output FILE.md]

Each ANALYSIS is a folder of ``courtscribe analyze VIDEO``. Ten seconds say little, and identities depend on small
things, so every row is measured on several inputs of each clip: its detections from confidence 0.2, 0.25 and 0.3 on.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from sys import path as import_path
from typing import Any

import numpy as np

import_path.insert(0, str(Path(__file__).resolve().parent.parent))

from provenance import DETECTOR, write_result

from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis
from pipeline.analysis.values import Analysis, Players
from pipeline.analyze import track_players
from pipeline.config import PipelineConfig, with_settings
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.detect import Detected
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_truth
from tracker.types import Tracks

MODELS = Models()
CONFIDENCES = (0.2, 0.25, 0.3)
EVERYBODY = {"selection": {"min_confidence": 0.0, "players": 0, "drop_outside": False, "drop_still": False}}


def main() -> None:
    """Measure, print, and write a table for each clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", nargs=3, action="append", required=True, metavar=("VIDEO", "TRUTH", "ANALYSIS"))
    parser.add_argument("--reid", default="")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines: list[str] = []
    for video, truth, folder in options.clip:
        lines += [f"\n## {Path(video).name}\n", *_table(video, read_truth(Path(truth)), Path(folder), options.reid)]
    title = "What each rule and each source of evidence brings to identities"
    about = (
        "`benchmarks/ablation.py`, means over detections from confidence 0.2, 0.25 and 0.3 on; in brackets each one."
    )
    write_result(options.output, title, [about, *lines], DETECTOR)


def _table(video: str, truth: Tracks, folder: Path, reid: str) -> list[str]:
    detected = [_surer(load_analysis(folder), least) for least in CONFIDENCES]
    truth = truth[np.isin(truth.frame_index, detected[0].frames.index)]
    lines = ["| | IDF1 | precision | recall | switches |", "|---|---|---|---|---|"]
    for name, settings, with_views in _rows(reid):
        scores = [evaluate_tracks(truth, _track(a, video, settings, with_views).tracks) for a in detected]
        figures = np.array([(s.idf1, s.precision, s.recall, s.id_switches) for s in scores])
        mean, each = figures.mean(axis=0), ", ".join(f"{idf1:.3f}" for idf1 in figures[:, 0])
        lines.append(f"| {name} | {mean[0]:.3f} ({each}) | {mean[1]:.3f} | {mean[2]:.3f} | {mean[3]:.1f} |")
        print(lines[-1], flush=True)
    return lines


def _rows(reid: str) -> list[tuple[str, dict[str, Any], bool]]:
    rows: list[tuple[str, dict[str, Any], bool]] = [
        ("**all on, as it comes**", {}, True),
        ("camera from the boxes, not the pictures", {}, False),
        ("no looks", {"looks": {"describe": "none"}}, True),
        ("neither: boxes only", {"looks": {"describe": "none"}}, False),
        ("online only", {"linking": {"offline": False}}, True),
        ("sort", {"tracker": {"name": "sort"}}, True),
        ("who is off court stays", {"selection": {"drop_outside": False}}, True),
        ("who sits at the edge stays", {"selection": {"drop_still": False}}, True),
        ("the unsure stay", {"selection": {"min_confidence": 0.0}}, True),
        ("more than ten stay", {"selection": {"players": 0}}, True),
        ("everybody stays", EVERYBODY, True),
        ("everybody but who is off court", {"selection": {**EVERYBODY["selection"], "drop_outside": True}}, True),
    ]
    if reid:
        rows.insert(4, ("looks: colours and OSNet", {"looks": {"reid": reid}}, True))
    return rows


def _surer(analysis: Analysis, least: float) -> Analysis:
    table = analysis.detections
    assert table is not None and table.floor is not None
    rows = table.boxes.confidence >= least
    kept = dataclasses.replace(
        table, frame_index=table.frame_index[rows], boxes=table.boxes[rows], floor=table.floor[rows]
    )
    return dataclasses.replace(analysis, detections=kept)


def _track(analysis: Analysis, video: str, settings: dict[str, Any], with_views: bool) -> Players:
    if not with_views:
        blind = dataclasses.replace(analysis.frames, shift=None, zoom=None, is_cut=None)
        analysis = dataclasses.replace(analysis, frames=blind)
    with open_video(video) as source:
        config, table = with_settings(PipelineConfig(), settings), analysis.detections
        assert table is not None
        detected = Detected(analysis.frames, table)
        size = analysis.video.width, analysis.video.height
        return track_players(detected, analysis.drawn, size, config, MODELS, source, Silent())


if __name__ == "__main__":
    main()
