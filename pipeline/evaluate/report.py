"""How right labels are, as text: of clips by class, and of an analysis by player."""

from __future__ import annotations

import math
from collections.abc import Mapping

from classify.evaluate.judgement import Judgement
from classify.evaluate.metrics import Interval, Report
from pipeline.evaluate.actions import ActionAgreement

_WIDEST_CONFUSION = 15
"""Labels: a wider table of confusions does not fit on a terminal."""
_HEAD = 6
"""Letters of a label over a column."""


def judgement_table(name: str, judgement: Judgement) -> str:
    """Figures with 95 % intervals, a line per class, the confusions, and how sure the classifier may be."""
    report, ranges = judgement.report, judgement.intervals
    count = sum(map(sum, report.confusion))
    lines = [
        f"{name}: {count} clips; 95 % intervals by resampling {ranges.unit}s",
        f"{'accuracy':18}{report.accuracy:.3f} {_range(ranges.accuracy)}",
        f"{'balanced accuracy':18}{report.balanced_accuracy:.3f} {_range(ranges.balanced_accuracy)}",
        f"{'macro-F1':18}{report.macro_f1:.3f} {_range(ranges.macro_f1)}",
        f"{'kappa':18}{_share(report.kappa, known=not math.isnan(report.kappa))} {_range(ranges.kappa)}",
        f"{'calibration error':18}{judgement.ece:.3f}{_scaled(judgement)}",
        "",
        *_classes(judgement),
    ]
    if len(report.labels) <= _WIDEST_CONFUSION:
        lines += ["", *_confusions(report)]
    return "\n".join(lines) + "\n"


def agreement_table(agreement: ActionAgreement, names: Mapping[int, str]) -> str:
    """Figures of an analysis against a truth: all players together, then each, then each action."""
    overlaps = list(agreement.segment_f1)
    head = f"{'player':12}{'boxes':>8}{'compared':>10}{'accuracy':>10}{'macro-F1':>10}"
    lines = [head + "".join(f"{f'F1@{overlap:g}':>9}" for overlap in overlaps)]
    rows = [(names.get(player, str(player)), own) for player, own in agreement.per_player.items()]
    for name, own in [*rows, ("together", agreement)]:
        segments = "".join(f"{_share(own.segment_f1[overlap], known=own.num_boxes):>9}" for overlap in overlaps)
        figures = "".join(f"{_share(figure, known=own.num_compared):>10}" for figure in (own.accuracy, own.macro_f1))
        lines.append(f"{name[:11]:12}{own.num_boxes:8d}{own.num_compared:10d}{figures}{segments}")
    kappa = _share(agreement.kappa, known=not math.isnan(agreement.kappa))
    lines += ["", f"kappa {kappa} {_range(agreement.kappa_ci95)}".rstrip()]
    lines += ["", f"{'action':14}{'recall':>8}{'precision':>11}{'F1':>7}{'boxes':>8}"]
    for action, own in agreement.per_class.items():
        lines.append(f"{action[:13]:14}{own.recall:8.3f}{own.precision:11.3f}{own.f1:7.3f}{own.support:8d}")
    return "\n".join(lines) + "\n"


def _classes(judgement: Judgement) -> list[str]:
    report, ranges = judgement.report, judgement.intervals
    width = max(5, *(len(label) for label in report.labels)) + 2
    lines = [f"{'label':{width}}{'recall':22}{'precision':22}{'F1':8}clips"]
    for i, (label, own) in enumerate(report.per_class.items()):
        answers = sum(row[i] for row in report.confusion)
        recall = f"{_share(own.recall, known=own.support)} {_range(ranges.recall[i])}"
        precision = f"{_share(own.precision, known=answers)} {_range(ranges.precision[i])}"
        f1 = _share(own.f1, known=own.support + answers)
        lines.append(f"{label:{width}}{recall:22}{precision:22}{f1:5}{own.support:8d}")
    return lines


def _share(value: float, *, known: int) -> str:
    """A figure, or ``-`` where nothing is known that it could be taken of."""
    return f"{value:.3f}" if known else "-"


def _confusions(report: Report) -> list[str]:
    width = max(len("true, said:"), *(len(label) for label in report.labels)) + 2
    heads = "".join(f"{label[:_HEAD]:>{_HEAD + 1}}" for label in report.labels)
    rows = zip(report.labels, report.confusion, strict=True)
    return [
        f"{'true, said:':{width}}{heads}",
        *(f"{label:{width}}" + "".join(f"{n or '.':>{_HEAD + 1}}" for n in row) for label, row in rows),
    ]


def _scaled(judgement: Judgement) -> str:
    if judgement.ece_scaled is None:
        return ""
    return f"; {judgement.ece_scaled:.3f} at a temperature of {judgement.temperature:.2f}"


def _range(interval: Interval) -> str:
    low, high = interval
    return "" if math.isnan(low) else f"[{low:.3f}, {high:.3f}]"
