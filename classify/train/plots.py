"""Pictures of a training, as PNG: curves, confusions, recalls, and the clips that it got most wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classify.data.clips import LabelledClip, sixteen
from classify.evaluate.metrics import Report
from ground.fonts import print_png

if TYPE_CHECKING:
    from classify.train.fit import Epoch

_DPI = 110
_NUM_MISTAKES, _COLUMNS = 24, 4
"""Clips on the sheet of mistakes, and how many side by side. More: a longer picture."""
_SHOWN = (0, 5, 10, 15)
"""Frames of each."""
_BLUE, _ORANGE, _GREY = "#1f5fa8", "#c8641b", "#8a8a8a"


def curves(epochs: Sequence[Epoch]) -> bytes:
    """Loss by epoch and, where a part was kept for validation, macro-F1 and accuracy on it."""
    figure, (loss, scores) = _figure(9.0, 3.6, 2)
    numbers = [e.epoch for e in epochs]
    loss.plot(numbers, [e.loss for e in epochs], color=_BLUE, marker=".")
    loss.set(title="loss in training", xlabel="epoch")
    judged = [e for e in epochs if e.macro_f1 is not None]
    if judged:
        for name, color in (("macro_f1", _BLUE), ("accuracy", _ORANGE)):
            values = [getattr(e, name) for e in judged]
            scores.plot([e.epoch for e in judged], values, color=color, marker=".", label=name.replace("_f1", "-F1"))
        best = max(judged, key=lambda e: e.macro_f1 or 0)
        scores.axvline(best.epoch, color=_GREY, linestyle=":", label=f"kept: epoch {best.epoch}")
        scores.legend(loc="best")
        scores.set(ylim=(0, 1))
    else:
        scores.text(0.5, 0.5, "no part was kept for validation", ha="center", color=_GREY, transform=scores.transAxes)
    scores.set(title="scores on the validation part", xlabel="epoch")
    for axes in (loss, scores):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return _png(figure)


def confusion(report: Report, title: str) -> bytes:
    """A row per true label: counts, coloured by the part of the row."""
    size = len(report.labels)
    figure, (axes,) = _figure(2.6 + 0.62 * size, 1.9 + 0.55 * size, 1)
    counts = np.array(report.confusion)
    part = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(part, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts > 0):
        color = "white" if part[row, column] > 0.55 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(size), report.labels, rotation=45, ha="right")
    axes.set_yticks(range(size), report.labels)
    axes.set(title=title, xlabel="predicted", ylabel="true")
    return _png(figure)


def recalls(report: Report, title: str) -> bytes:
    """A bar per label, with the number of its clips."""
    rows = list(report.per_class.items())
    figure, (axes,) = _figure(7.0, 1.4 + 0.36 * len(rows), 1)
    for place, (_, row) in enumerate(rows):
        axes.barh(place, row.recall, color=_BLUE)
        axes.text(row.recall + 0.01, place, f"{row.recall:.2f} of {row.support}", va="center", fontsize=8)
    axes.axvline(report.balanced_accuracy, color=_GREY, linestyle=":")
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.18), title=f"{title}; recall, mean {report.balanced_accuracy:.3f}")
    return _png(figure)


def mistakes(
    clips: Sequence[LabelledClip], probabilities: npt.NDArray[np.floating[Any]], labels: Sequence[str]
) -> bytes | None:
    """The clips whose wrong answer was the surest, four frames of each; None where there is no mistake.

    probabilities: (N, C) of ``clips``, in the order of ``labels``.
    """
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    wrong = [i for i, clip in enumerate(clips) if labels[predicted[i]] != clip.label]
    worst = sorted(wrong, key=lambda i: -sure[i])[:_NUM_MISTAKES]
    if not worst:
        return None
    height = -(-len(worst) // _COLUMNS)
    figure, all_axes = _figure(3.6 * _COLUMNS, 1.75 * height, height * _COLUMNS, height)
    for axes in all_axes:
        axes.axis("off")
    for axes, i in zip(all_axes, worst, strict=False):
        axes.imshow(np.concatenate(list(sixteen(clips[i].frames)[list(_SHOWN)]), 1))
        caption = f"{clips[i].label} taken for {labels[predicted[i]]}, {sure[i]:.2f}"
        axes.set_title(f"{caption}\n{clips[i].name[-40:]}", fontsize=7)
    return _png(figure)


def _figure(width: float, height: float, number: int, rows: int = 1) -> tuple[Any, list[Any]]:
    """A figure of so many inches and its axes, without any window."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), _DPI, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(rows, number // rows)).ravel())


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    print_png(figure, buffer)
    return buffer.getvalue()
