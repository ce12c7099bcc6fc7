"""Below which confidence a label with speed in it is not worth saying, on footage with hand-checked truth.

    python benchmarks/unsure.py ANALYSIS TRUTH [ANALYSIS TRUTH ...] [--output FILE.md]

ANALYSIS: a folder that `courtscribe analyze` wrote; TRUTH: a folder with `gt.txt` and `actions.csv`. The clips must be
in no training. Each is judged at its own threshold and at that of the others, found as `classify.evaluate.calibration`
finds those of checkpoints: answers are dropped from the least sure on while those dropped are right less than once in
four.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from provenance import SHIPPED, write_result

from classify.evaluate.calibration import worth_saying
from pipeline.analysis.folder import load_analysis
from pipeline.analysis.timeline import Timeline, TimelineConfig
from pipeline.evaluate.actions import match_boxes
from pipeline.evaluate.truth import read_truth_folder
from pipeline.stages.label import join
from pipeline.stages.speed import WORTH_SAYING

Answers = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]
"""Confidence of each compared box, and whether its label is right."""


def answers(folder: Path, truth_folder: Path) -> Answers:
    """All labels of an analysis, however unsure, beside the truth."""
    analysis = load_analysis(folder)
    truth, actions = read_truth_folder(truth_folder)
    labels, size = analysis.timeline.labels, (analysis.video.width, analysis.video.height)
    always = TimelineConfig(min_confidence=0)
    segments = join(analysis.scores, labels, 0, analysis.tracks, analysis.frames, size, always).segments
    # Each segment under a label of its own, so that what is matched says which segment it was.
    numbered = tuple(replace(segment, action=str(i)) for i, segment in enumerate(segments))
    rows = np.flatnonzero(np.isin(truth.frame_index, analysis.frames.index))
    known = [actions[i] if actions[i] in labels else None for i in rows]
    players = match_boxes(truth[rows], known, analysis.tracks, Timeline(tuple(s.action for s in numbered), numbered))
    wanted, given = (np.concatenate([getattr(p, side) for p in players.values()]) for side in ("wanted", "given"))
    compared = [(label, segments[int(i)]) for label, i in zip(wanted, given, strict=True) if label and i]
    confidence = np.array([segment.confidence for _, segment in compared])
    return confidence, np.array([segment.action == label for label, segment in compared])


def main() -> None:
    """Fit, compare, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", type=Path, nargs="+")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    pairs = list(zip(options.places[::2], options.places[1::2], strict=True))
    found = {truth.name: answers(folder, truth) for folder, truth in pairs}
    own = {name: worth_saying(*answer) for name, answer in found.items()}
    lines = [
        "| clip | threshold of | confidence | labels left out | of those right | right of the others |",
        "|---|---|---|---|---|---|",
    ]
    for name, (confidence, right) in found.items():
        for other, threshold in [("none", 0.0), ("all, as shipped", WORTH_SAYING), *own.items()]:
            out = confidence < threshold
            share = f"{right[out].mean():.3f}" if out.any() else "-"
            lines.append(
                f"| {name} | {other} | {threshold:.3f} | {out.mean():.3f} | {share} | {right[~out].mean():.3f} |"
            )
    write_result(options.output, "Labels that are not worth saying", lines, SHIPPED)


if __name__ == "__main__":
    main()
