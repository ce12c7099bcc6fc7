"""What each part that looks at pictures brings to identities, on real footage with hand-checked truth.

    python benchmarks/pictures.py VIDEO TRUTH.txt ANALYSIS... [--reid osnet.onnx] [--output FILE.md]

Each ANALYSIS is a folder of ``courtscribe analyze VIDEO``, made with another ``--runtime`` or ``--imgsz``: one clip of
ten seconds says little, and identities depend on small things, so every row is measured on several inputs: the
detections of each folder, those from confidence 0.2, 0.25 and 0.3 on.
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
from pipeline.analysis.values import Analysis
from pipeline.analyze import track_players
from pipeline.config import PipelineConfig, with_settings
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.detect import Detected
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_truth

CONFIDENCES = (0.2, 0.25, 0.3)
EVERYBODY = {"selection": {"min_confidence": 0.0, "players": 0}}


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("truth", type=Path)
    parser.add_argument("analysis", type=Path, nargs="+")
    parser.add_argument("--reid", default="")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    truth = read_truth(options.truth)
    looked = [_surer(Analysis.load(folder), least) for folder in options.analysis for least in CONFIDENCES]
    lines = [
        f"`benchmarks/pictures.py`, means over {len(looked)} inputs: detections of {len(options.analysis)} detector "
        "settings, from three confidences on. IDF1 in brackets: the worst and the best of them.\n",
        "| | IDF1 | precision | recall | switches |",
        "|---|---|---|---|---|",
    ]
    for name, settings, with_views in _rows(options.reid):
        scores = [evaluate_tracks(truth, _follow(a, options.video, settings, with_views)) for a in looked]
        figures = np.array([(s.idf1, s.precision, s.recall, s.id_switches) for s in scores])
        mean, low, high = figures.mean(axis=0), figures[:, 0].min(), figures[:, 0].max()
        spread = f"{mean[0]:.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"| {name} | {spread} | {mean[1]:.3f} | {mean[2]:.3f} | {mean[3]:.1f} |")
        print(lines[-1], flush=True)
    write_result(options.output, f"What pictures bring: {Path(options.video).name}", lines, DETECTOR)


def _rows(reid: str) -> list[tuple[str, dict[str, Any], bool]]:
    rows: list[tuple[str, dict[str, Any], bool]] = [
        ("**all on, as it comes**", {}, True),
        ("camera from the boxes, not the pictures", {}, False),
        ("no looks", {"looks": {"describe": "none"}}, True),
        ("neither: boxes only", {"looks": {"describe": "none"}}, False),
        ("looks: colours and the detector's layers", {"looks": {"describe": "backbone"}}, True),
        ("online only", {"linking": {"offline": False}}, True),
        ("sort", {"tracker": {"name": "sort"}}, True),
        ("CSRT bridges gaps", {"smoothing": {"bridge": True}}, True),
        ("everybody is a player but referees, who is off court or sits", EVERYBODY, True),
        ("everybody who is found is a player", _everybody(), True),
    ]
    if reid:
        rows.insert(5, ("looks: colours and OSNet", {"looks": {"reid": reid}}, True))
    return rows


def _everybody() -> dict[str, Any]:
    rules = dict.fromkeys(("drop_referees", "drop_outside", "drop_still"), False)
    return {"selection": {**EVERYBODY["selection"], **rules}}


def _surer(analysis: Analysis, least: float) -> Analysis:
    table = analysis.detections
    assert table is not None and table.floor is not None
    rows = table.boxes.confidence >= least
    kept = dataclasses.replace(
        table, frame_index=table.frame_index[rows], boxes=table.boxes[rows], floor=table.floor[rows]
    )
    return dataclasses.replace(analysis, detections=kept)


def _follow(analysis: Analysis, video: str, settings: dict[str, Any], with_views: bool) -> Any:
    if not with_views:
        blind = dataclasses.replace(analysis.frames, shift=None, zoom=None, is_cut=None)
        analysis = dataclasses.replace(analysis, frames=blind)
    with open_video(video) as source:
        config, table = with_settings(PipelineConfig(), settings), analysis.detections
        assert table is not None
        detected = Detected(analysis.frames, table, analysis.seeds)
        size = analysis.video.width, analysis.video.height
        return track_players(detected, analysis.drawn, size, config, Models(), source, Silent()).tracks


if __name__ == "__main__":
    main()
