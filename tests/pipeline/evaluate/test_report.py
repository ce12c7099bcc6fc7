"""Tables of figures: a figure of nothing is no 0.000."""

from __future__ import annotations

import numpy as np

from classify.evaluate.judgement import judge
from pipeline.evaluate.actions import LabelledFrames, agree
from pipeline.evaluate.report import agreement_table, judgement_table

LABELS = ("run", "walk", "shoot", "pass")


def test_labels_without_clips_have_no_recall_and_do_not_count() -> None:
    """run has clips; walk is answered only; shoot and pass are in neither truth nor answer."""
    probabilities = np.full((8, 4), 0.1, np.float32)
    probabilities[:6, 0] = probabilities[6:, 1] = 0.7
    groups = [f"g{i}" for i in range(8)]
    table = judgement_table("clips", judge(probabilities, np.zeros(8, np.int64), LABELS, groups))
    rows = {line.split()[0]: line.split() for line in reversed(table.splitlines()) if line.split()}
    assert rows["run"][1] == "0.750" and rows["run"][-1] == "8"
    assert rows["walk"][1:3] == ["-", "0.000"] and rows["walk"][-2:] == ["0.000", "0"]
    assert rows["shoot"][1:] == rows["pass"][1:] == ["-", "-", "-", "0"]
    assert rows["macro-F1"][1] == "0.857", "the mean of the labels that have clips"


def test_a_player_of_whom_nothing_is_known_has_no_accuracy() -> None:
    none, run = np.full(4, "", dtype=object), np.full(4, "run", dtype=object)
    table = agreement_table(agree({1: LabelledFrames(run, run), 2: LabelledFrames(run, none)}), {})
    rows = {line.split()[0]: line.split() for line in reversed(table.splitlines()) if line.split()}
    assert rows["1"][3] == "1.000"
    assert rows["2"][1:5] == ["4", "0", "-", "-"] and rows["2"][5] == "0.000", "its segments were missed"
