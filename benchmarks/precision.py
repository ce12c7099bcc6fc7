"""The networks in eight bits beside float32: what they find and say, what they cost, and how well identities hold.

AP50 and AP75 of players on labelled pictures; and identities on broadcasts with truth, also over eight copies of the
detections that were shaken a little: a single run says little, as it hangs on who is seen first in a few frames. And
what labels are right along the same tracks.

    python benchmarks/precision.py SHARED [--output FILE.md]

SHARED: the folder of real material: `detection/basketball_players_17` (its pictures that are no `frame_*`), `videos/`,
`truth/`.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from provenance import SHIPPED, write_result
from real_footage import read_actions

from classify.run.int8 import int8_file
from ground.frames import Frame
from ground.video.source import open_video
from pipeline.analysis.values import Drawn
from pipeline.analyze import analyze_video, label_again, track_players
from pipeline.config import PipelineConfig, with_settings
from pipeline.evaluate.actions import compare_actions
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.stages.detect import Detected, detect_players
from tracker.boxes import iou
from tracker.detect.detector import DetectorConfig, YoloDetector, chosen_weights
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_truth
from tracker.types import Detections

_CLIPS = (("IND-NYK", None), ("NYK-BOS", 8.0))
_SIZE = (1138, 640)
"""Of the labelled pictures, which are stored square."""
_PLAYER = 4
"""Class of players in the labels."""
_COPIES, _SHAKEN = 8, 0.01
"""Copies of the detections; by how much edges move in parts of a box's height, and confidences."""


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["| precision | AP50 | AP75 | ms of processor time |", "|---|---|---|---|"]
    pictures = options.shared / "detection" / "basketball_players_17"
    lines += [_pictures(pictures, precision) for precision in ("float32", "int8")]
    lines += ["", "| precision | clip | | IDF1 | precision | recall | switches |", "|---|---|---|---|---|---|---|"]
    for precision in ("float32", "int8"):
        for clip, end in _CLIPS:
            lines += _identities(options.shared, clip, end, precision)
    lines += ["", "| precision | clip | accuracy | macro-F1 | ms of processor time per clip |", "|---|---|---|---|---|"]
    for clip, end in _CLIPS:
        lines += _labels_right(options.shared, clip, end)
    rounded = [chosen_weights(DetectorConfig(str(SHIPPED[0])), "cpu"), int8_file(SHIPPED[1])]
    write_result(options.output, "The networks in eight bits", lines, [*SHIPPED[:2], *rounded])


def _labels_right(shared: Path, clip: str, end: float | None) -> list[str]:
    """Both classifiers over the same tracks."""
    folder, models = shared / "truth" / clip, Models()
    config = dataclasses.replace(PipelineConfig(), end=end)
    found = analyze_video(shared / "videos" / f"netba_{clip}.mp4", config, models=models)
    truth, lines = read_truth(folder / "gt.txt"), list[str]()
    for precision in ("float32", "int8"):
        wanted = with_settings(config, {"classifier": {"precision": precision}})
        models.classifier(wanted)
        begin = time.process_time()
        again = label_again(found, wanted, models=models)
        spent = 1000 * (time.process_time() - begin) / len(again.scores.windows)
        right = compare_actions(truth, read_actions(folder / "actions.csv", truth), again.tracks, again.timeline)
        lines.append(f"| {precision} | {clip} | {right.accuracy:.3f} | {right.macro_f1:.3f} | {spent:.1f} |")
    return lines


def _pictures(folder: Path, precision: str) -> str:
    detector = YoloDetector(DetectorConfig(str(SHIPPED[0]), confidence=0.02, precision=precision))
    paths = [path for path in sorted(folder.rglob("*.jpg")) if not path.name.startswith("frame_")]
    found, truth, seconds = list[Detections](), list[npt.NDArray[np.float64]](), 0.0
    for path in paths:
        image = np.ascontiguousarray(np.asarray(cv2.resize(cv2.imread(str(path)), _SIZE), np.uint8)[..., ::-1])  # type: ignore[arg-type]
        begin = time.process_time()
        (boxes,) = detector.detect([Frame(0, 0.0, image)])
        seconds += time.process_time() - begin
        found.append(boxes[boxes.class_id == detector.names.index("player")])
        truth.append(_labels(path))
    precisions = " | ".join(f"{_average_precision(found, truth, least):.3f}" for least in (0.5, 0.75))
    return f"| {precision} | {precisions} | {1000 * seconds / len(paths):.0f} |"


def _labels(picture: Path) -> npt.NDArray[np.float64]:
    text = Path(str(picture).replace("/images/", "/labels/")).with_suffix(".txt").read_text(encoding="utf-8")
    rows = np.array([line.split() for line in text.splitlines() if line.strip()], np.float64).reshape(-1, 5)
    x, y, width, height = rows[rows[:, 0] == _PLAYER, 1:].T * np.array([*_SIZE, *_SIZE])[:, None]
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def _average_precision(found: list[Detections], truth: list[npt.NDArray[np.float64]], least: float) -> float:
    """Area under precision over recall, at 101 points as COCO does; a box matches the truth it overlaps most."""
    rows: list[tuple[float, bool]] = []
    for boxes, players in zip(found, truth, strict=True):
        overlap = iou(boxes.xyxy.astype(np.float64), players)
        for row in np.argsort(-boxes.confidence):
            best = int(overlap[row].argmax()) if len(players) else -1
            is_right = best >= 0 and bool(overlap[row, best] >= least)
            if is_right:
                overlap[:, best] = 0
            rows.append((float(boxes.confidence[row]), is_right))
    right = np.cumsum([is_right for _, is_right in sorted(rows, reverse=True)])
    precision = np.maximum.accumulate((right / np.arange(1, len(rows) + 1))[::-1])[::-1]
    return float(np.interp(np.linspace(0, 1, 101), right / sum(map(len, truth)), precision, right=0).mean())


def _identities(shared: Path, clip: str, end: float | None, precision: str) -> list[str]:
    base = PipelineConfig(device="cpu", end=end)
    config = dataclasses.replace(base, detector=dataclasses.replace(base.detector, precision=precision))
    path, models = str(shared / "videos" / f"netba_{clip}.mp4"), Models()
    truth = read_truth(shared / "truth" / clip / "gt.txt")
    with open_video(path, end=end) as video:
        detected, size = detect_players(video, models.detector(config), Silent()), (video.info.width, video.info.height)
    rows: list[list[float]] = []
    for copy in range(_COPIES + 1):
        with open_video(path, end=end) as video:
            shown = _shaken(detected, copy) if copy else detected
            players = track_players(shown, Drawn(), size, config, models, video, Silent())
        score = evaluate_tracks(truth, players.tracks)
        rows.append([score.idf1, score.precision, score.recall, score.id_switches])
    plain, *shaken = np.array(rows)
    mean, spread = np.mean(shaken, axis=0), np.std(shaken, axis=0)
    return [
        f"| {precision} | {clip} | as it comes | {plain[0]:.3f} | {plain[1]:.3f} | {plain[2]:.3f} | {plain[3]:.0f} |",
        f"| {precision} | {clip} | mean of {_COPIES} shaken copies (spread) | {mean[0]:.3f} ({spread[0]:.3f}) "
        f"| {mean[1]:.3f} | {mean[2]:.3f} | {mean[3]:.1f} |",
    ]


def _shaken(detected: Detected, seed: int) -> Detected:
    rng, boxes = np.random.default_rng(seed), detected.detections.boxes
    height = (boxes.xyxy[:, 3] - boxes.xyxy[:, 1])[:, None]
    xyxy = boxes.xyxy + rng.normal(0, _SHAKEN, boxes.xyxy.shape) * height
    confidence = np.clip(boxes.confidence + rng.normal(0, _SHAKEN, len(boxes)), 0.2, 1)
    moved = Detections(xyxy.astype(np.float32), confidence.astype(np.float32), boxes.class_id)
    return Detected(detected.frames, dataclasses.replace(detected.detections, boxes=moved))


if __name__ == "__main__":
    main()
