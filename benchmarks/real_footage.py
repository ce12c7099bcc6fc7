"""Figures of the whole main job on real footage with hand-checked truth.

    python benchmarks/real_footage.py VIDEO TRUTH_FOLDER [--output FILE.md] [FLAGS of analyze]

TRUTH_FOLDER holds `gt.txt` (MOTChallenge boxes) and `actions.csv` (player,action,start_frame,end_frame; 1-based, end
exclusive; actions that are none of the ten labels are not compared).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from provenance import write_result

from classify.types import ACTIONS
from ground.compute.devices import resolve_device
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig
from pipeline.evaluate.actions import compare_actions
from pipeline.progress import choose_progress
from pipeline.runners.flags import ANALYZE_FLAGS, add_flags, apply_flags
from tracker.detect.detector import chosen_weights
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_truth
from tracker.types import Tracks


def read_actions(path: Path, truth: Tracks) -> list[str | None]:
    """The action of each row of ``truth``; None where it is unclear."""
    spans: dict[int, list[tuple[int, int, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            span = (int(row["start_frame"]) - 1, int(row["end_frame"]) - 1, row["action"])
            spans.setdefault(int(row["player"]), []).append(span)
    rows = zip(truth.track_id.tolist(), truth.frame_index.tolist(), strict=True)
    return [
        next((name for a, b, name in spans.get(track_id, []) if a <= frame < b and name in ACTIONS), None)
        for track_id, frame in rows
    ]


def main() -> None:
    """Analyse, compare, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("truth", type=Path)
    parser.add_argument("--output", type=Path)
    add_flags(parser, ANALYZE_FLAGS)
    options = parser.parse_args()
    config = apply_flags(PipelineConfig(), options, ANALYZE_FLAGS)
    analysis = analyze_video(options.video, config, progress=choose_progress(quiet=False))
    truth = read_truth(options.truth / "gt.txt")
    score = evaluate_tracks(truth, analysis.tracks)
    actions = read_actions(options.truth / "actions.csv", truth)
    agreement = compare_actions(truth, actions, analysis.tracks, analysis.timeline)
    segments = " / ".join(f"{f1:.3f}" for f1 in agreement.segment_f1.values())
    lines = [
        "| figure | value |",
        "|---|---|",
        f"| IDF1 | {score.idf1:.3f} |",
        f"| precision | {score.precision:.3f} |",
        f"| recall | {score.recall:.3f} |",
        f"| identity switches | {score.id_switches} |",
        f"| MOTA | {score.mota:.3f} |",
        f"| players followed (truth: {len(truth.ids)}) | {len(analysis.tracks.ids)} |",
        f"| action accuracy, over {agreement.num_compared} of {agreement.num_boxes} boxes | {agreement.accuracy:.3f} |",
        f"| action macro-F1 over the actions that occur | {agreement.macro_f1:.3f} |",
        f"| segment F1 at IoU {' / '.join(map(str, agreement.segment_f1))} | {segments} |",
    ]
    weights = [chosen_weights(config.detector, resolve_device(config.device)), Path(config.classifier.weights)]
    write_result(options.output, f"{Path(options.video).name} against hand-checked truth", lines, weights)


if __name__ == "__main__":
    main()
