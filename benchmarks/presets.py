"""What each preset costs and brings: time for the whole job, identities and labels on broadcasts with truth.

    python benchmarks/presets.py SHARED [--runs 1] [--output FILE.md]

SHARED: the folder of real material (`videos/`, `truth/`). The presets take turns, so that a busy moment of the machine
meets all of them; times are those of the command, parts and annotated video included, without loading. The plain loop
is that of `end_to_end.py`; it labels the clips of `balanced`.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import statistics
import tempfile
import time
from pathlib import Path

from end_to_end import run_plain
from provenance import SHIPPED, write_result
from real_footage import read_actions

from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video
from pipeline.config import PRESETS, PipelineConfig, with_preset
from pipeline.evaluate.actions import compare_actions
from pipeline.models import Models
from pipeline.outputs.write import write_outputs
from pipeline.parts.run import Workers
from pipeline.parts.store import PARTS, PartStore
from tracker.detect.detector import chosen_weights
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_truth

_CLIPS = (("IND-NYK", None), ("NYK-BOS", 8.0))
_PLAIN = "plain loop"


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    lines = [
        f"No GPU; medians of {options.runs} runs in turns.",
        "",
        "| clip | preset | frames per second | times balanced | times the plain loop | IDF1 | precision | recall "
        "| switches | action accuracy | macro-F1 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    models = {name: Models() for name in PRESETS}
    for clip, end in _CLIPS:
        lines += _clip(options.shared, clip, end, models, options.runs)
    detector = chosen_weights(PipelineConfig().detector, "cpu")
    write_result(options.output, "Presets", lines, [detector, *SHIPPED])


def _clip(shared: Path, clip: str, end: float | None, models: dict[str, Models], runs: int) -> list[str]:
    video, truth = str(shared / "videos" / f"netba_{clip}.mp4"), read_truth(shared / "truth" / clip / "gt.txt")
    actions = read_actions(shared / "truth" / clip / "actions.csv", truth)
    configs = {name: with_preset(PipelineConfig(device="cpu", end=end), name) for name in PRESETS}
    for name, config in configs.items():
        _run(video, dataclasses.replace(config, end=1.0), models[name])  # loads
    seconds: dict[str, list[float]] = {name: [] for name in (*PRESETS, _PLAIN)}
    found: dict[str, Analysis] = {}
    for _ in range(runs):
        for name, config in configs.items():
            found[name], took = _run(video, config, models[name])
            seconds[name].append(took)
        seconds[_PLAIN].append(_run_plain(found["balanced"], configs["balanced"]))
    rows: list[str] = []
    for name, analysis in found.items():
        took, score = statistics.median(seconds[name]), evaluate_tracks(truth, analysis.tracks)
        agreement = compare_actions(truth, actions, analysis.tracks, analysis.timeline)
        rows.append(
            f"| {clip} | {name} | {len(analysis.frames) / took:.1f} "
            f"| {statistics.median(seconds['balanced']) / took:.2f} | {statistics.median(seconds[_PLAIN]) / took:.2f} "
            f"| {score.idf1:.3f} | {score.precision:.3f} | {score.recall:.3f} | {score.id_switches} "
            f"| {agreement.accuracy:.3f} | {agreement.macro_f1:.3f} |"
        )
    return rows


def _run(video: str, config: PipelineConfig, models: Models) -> tuple[Analysis, float]:
    with tempfile.TemporaryDirectory() as work:
        begin, folder = time.perf_counter(), Path(work) / "game.courtscribe"
        with Workers(PartStore(folder / PARTS), models) as workers:
            analysis = analyze_video(video, config, workers=workers)
            write_outputs(analysis, folder, workers=workers)
        return analysis, time.perf_counter() - begin


def _run_plain(analysis: Analysis, config: PipelineConfig) -> float:
    with tempfile.TemporaryDirectory() as work:
        return run_plain(analysis, config, Path(work) / "plain.mp4")[0]


if __name__ == "__main__":
    main()
