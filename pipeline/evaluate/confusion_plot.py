"""Pictures of how right labels are: confusions, recall per class, and confidence beside accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from classify.evaluate.judgement import Judgement
from ground.disk.files import write_atomically
from ground.fonts import print_png

_DPI = 110
_CELL = 0.55
"""Inches of a cell of the confusions. More: a larger picture."""
_MOST_CELLS = 40
"""Labels whose counts and names are written out; more are a picture without text."""
_BLUE, _GREY = "#2a6f97", "#9a9a9a"


def draw_judgement(judgement: Judgement, path: Path, title: str) -> None:
    """Write a PNG with three parts: confusions, recall with its 95 % interval, and calibration."""
    from matplotlib.figure import Figure

    side = 1.5 + _CELL * min(len(judgement.report.labels), _MOST_CELLS)
    figure = Figure((2.1 * side + 5.5, side + 1.6), _DPI, layout="constrained")
    confusions, recall, calibration = figure.subplots(1, 3, width_ratios=[side, 0.7 * side, 4.0])
    _draw_confusions(confusions, judgement)
    _draw_recall(recall, judgement)
    _draw_calibration(calibration, judgement)
    report = judgement.report
    figures = f"accuracy {report.accuracy:.3f}, balanced {report.balanced_accuracy:.3f}, macro-F1 {report.macro_f1:.3f}"
    figure.suptitle(f"{title}: {figures}", x=0.01, ha="left")
    with write_atomically(path) as part:
        print_png(figure, str(part))


def _draw_confusions(axes: Any, judgement: Judgement) -> None:
    """A row per true label, as dark as its share; the counts are written in."""
    labels, counts = judgement.report.labels, np.array(judgement.report.confusion)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("said")
    axes.set_ylabel("true")
    axes.set_title("clips", loc="left")
    if len(labels) > _MOST_CELLS:
        return
    axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    for row, column in zip(*np.nonzero(counts), strict=True):
        ink = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize=8)


def _draw_recall(axes: Any, judgement: Judgement) -> None:
    """A bar per label, with a line from the low to the high end of its interval."""
    report, ranges = judgement.report, judgement.intervals.recall
    rows = [i for i, own in enumerate(report.per_class.values()) if own.support]
    recall = [report.per_class[report.labels[i]].recall for i in rows]
    axes.barh(rows, recall, color=_BLUE)
    axes.hlines(rows, [ranges[i][0] for i in rows], [ranges[i][1] for i in rows], color="black", linewidth=1.2)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(report.labels) - 0.5, -0.5)
    axes.set_title("recall per label, 95 % interval", loc="left")
    if len(report.labels) <= _MOST_CELLS:
        texts = [f"{label} ({report.per_class[label].support})" for label in report.labels]
        axes.set_yticks(range(len(report.labels)), texts)


def _draw_calibration(axes: Any, judgement: Judgement) -> None:
    """Accuracy over confidence; on the grey line the classifier is as sure as it is right."""
    bins = judgement.bins
    most = max(b.count for b in bins)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1)
    axes.plot([b.confidence for b in bins], [b.accuracy for b in bins], color=_BLUE, linewidth=1)
    sizes = [20 + 180 * b.count / most for b in bins]
    axes.scatter([b.confidence for b in bins], [b.accuracy for b in bins], s=sizes, color=_BLUE)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("confidence (size: how many clips)")
    axes.set_ylabel("accuracy")
    axes.set_title(f"calibration error {judgement.ece:.3f}, temperature {judgement.temperature:.2f}", loc="left")
