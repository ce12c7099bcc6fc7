"""The whole play on real footage with hand-checked truth, with and without each part of it.

    python benchmarks/play.py VIDEO TRUTH_FOLDER [VIDEO TRUTH_FOLDER ...] [--end SECONDS ...] [--output FILE.md]

TRUTH_FOLDER as of ``benchmarks/real_footage.py``, with ``players.csv`` (id, team), ``holder.csv``, ``ball.csv`` and
``landmarks.csv`` besides. Each video is detected once; what is left out below is left out of the passes after that.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from provenance import write_result

from classify.run.int8 import chosen_file
from ground.compute.devices import resolve_device
from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video, track_again
from pipeline.config import PipelineConfig, with_settings
from pipeline.evaluate.play import agree_on_play
from pipeline.models import Models
from pipeline.shipped import BALL_WEIGHTS, COURT_WEIGHTS, WEIGHTS
from tracker.court.known import KnownCourt
from tracker.detect.detector import chosen_weights

_COURT = "the court"
_WITHOUT: Mapping[str, dict[str, dict[str, bool]]] = {
    "nothing": {},
    "exchanges of tracklets": {"linking": {"exchange": False}},
    _COURT: {},
    "who has the ball and whose team, for labels": {"timeline": {"context": False}},
    "all three": {"linking": {"exchange": False}, "timeline": {"context": False}},
}
COLUMNS = (
    "IDF1", "switches", "precision", "recall", "team", "holder", "ball", "court, m", "accuracy", "macro-F1",
    "segment F1 at 0.5",
)  # fmt: skip


def main() -> None:
    """Analyse, compare, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--end", type=float, nargs="*", default=[], help="seconds at which each video's truth ends")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = [f"| clip | without | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    rows: dict[str, list[list[float]]] = {}
    ends = [*options.end, *[0.0] * len(options.places)]
    models, config = Models(), PipelineConfig()
    for video, truth, end in zip(options.places[::2], options.places[1::2], ends, strict=False):
        found = analyze_video(video, dataclasses.replace(config, end=end or None), models=models)
        for name, settings in _WITHOUT.items():
            rows.setdefault(name, []).append(figures_of(_again(found, name, settings, end, models), truth))
            lines.append(f"| {video.name} | {name} | {shown(rows[name][-1])} |")
            print(lines[-1], flush=True)
    lines += [f"| mean | {name} | {shown(np.mean(figures, axis=0).tolist())} |" for name, figures in rows.items()]
    device = resolve_device(config.device)
    labels = chosen_file(Path(config.classifier.weights), device)
    weights = [chosen_weights(config.detector, device), labels]
    weights += [WEIGHTS / COURT_WEIGHTS, WEIGHTS / BALL_WEIGHTS]
    write_result(options.output, "The whole play against hand-checked truth", lines, weights)


def _again(found: Analysis, name: str, settings: dict[str, dict[str, bool]], end: float, models: Models) -> Analysis:
    """The analysis with something left out."""
    if name == "nothing":
        return found
    without = dataclasses.replace(found, court=KnownCourt()) if name in (_COURT, "all three") else found
    config = with_settings(dataclasses.replace(PipelineConfig(), end=end or None), settings)
    return track_again(without, config, models=models)


def figures_of(analysis: Analysis, folder: Path) -> list[float]:
    """The figures under ``COLUMNS``, NaN where the truth does not say."""
    own = agree_on_play(analysis, (), folder)
    if own.teams is None or own.ball is None or own.actions is None:
        raise SystemExit(f"{folder}: lacks teams, the ball or actions")
    return [
        own.identities.idf1, own.identities.id_switches, own.identities.precision, own.identities.recall,
        own.teams.accuracy, own.ball.holder, own.ball.recall, own.court_off, own.actions.accuracy, own.actions.macro_f1,
        own.actions.segment_f1[0.5],
    ]  # fmt: skip


def shown(figures: list[float]) -> str:
    """The figures as cells of a table."""
    cells = [f"{value:.3f}" if np.isfinite(value) else "-" for value in figures]
    cells[1] = f"{figures[1]:g}"
    return " | ".join(cells)


if __name__ == "__main__":
    main()
