"""``courtscribe export`` of what players do, and ``evaluate actions`` of what came back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline.analysis.folder import save_analysis
from pipeline.annotations.formats import read_annotations
from pipeline.runners.cli import main
from tests.pipeline.annotations.drawn import LABELS, game

KINDS = ("sportscode", "boris", "elan", "srt", "csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_analysis(game(), tmp_path / "game.courtscribe")
    return tmp_path / "game.courtscribe"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_is_a_truth_of_its_analysis(
    folder: Path, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.dat"
    assert main(["export", str(folder), "--format", kind, "-o", str(out)]) == 0
    assert f"2 players, 3 annotations: {out}" in capsys.readouterr().out
    for truth in filter(Path.exists, (out, tmp_path / "out.events.csv")):
        save = ["--json", str(tmp_path / "a.json")]
        assert main(["evaluate", "actions", str(folder), "--truth", str(truth), *save]) == 0
        content = json.loads((tmp_path / "a.json").read_text())
        assert (content["num_boxes"], content["num_compared"], content["accuracy"]) == (40, 40, 1.0)
        assert content["segment_f1"]["0.5"] == 1.0
        assert "Ann" in capsys.readouterr().out
    assert (tmp_path / "out.events.csv").exists() == (kind == "boris")


def test_boris_as_a_table_alone(folder: Path, tmp_path: Path) -> None:
    assert main(["export", str(folder), "--format", "boris", "-o", str(tmp_path / "a.csv"), "--quiet"]) == 0
    assert len(read_annotations(tmp_path / "a.csv").annotations) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "game.courtscribe"]


def test_some_actions_by_action_with_lead_and_lag(folder: Path, tmp_path: Path) -> None:
    out, flags = tmp_path / "a.xml", ["--only", "Ball in hand, run", "--code", "action", "--lead", "0.1", "--lag", "2"]
    assert main(["export", str(folder), "--format", "sportscode", "-o", str(out), *flags]) == 0
    assert len(read_annotations(out, LABELS).annotations) == 3
    assert main(["export", str(folder), "--format", "csv", "-o", str(out), "--only", "run"]) == 0
    assert [a.action for a in read_annotations(out).annotations] == ["run", "run"]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--format", "sportscode", "--only", "fly"], "fly: no action of this analysis; there is run"),
        (["--format", "elan", "--lead", "2"], "lead is for sportscode, not for elan (--lead)"),
        (["--format", "mot", "--only", "run"], "only is for sportscode, boris, elan, srt, csv, not for mot (--only)"),
        (["--format", "sportscode", "--lag", "-1"], "lag is 0 to 600 s, not -1 (--lag)"),
        (["--format", "sportscode", "--lag", "nan"], "lag is 0 to 600 s, not nan (--lag)"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], says: str
) -> None:
    assert main(["export", str(folder), "-o", str(tmp_path / "a"), *flags]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and not (tmp_path / "a").exists()


def test_the_time_budget_adds_up(folder: Path, tmp_path: Path) -> None:
    assert main(["export", str(folder), "--format", "timebudget", "-o", str(tmp_path / "b.csv"), "--quiet"]) == 0
    with (tmp_path / "b.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["player", "team", "action", "number", "total_s", "mean_s", "sd_s", "share"],
        ["Ann", "A", "run", "1", "0.600", "0.600", "", "0.6000"],
        ["Ann", "A", "ball in hand", "1", "0.400", "0.400", "", "0.4000"],
        ["7", "", "run", "1", "0.600", "0.600", "", "1.0000"],
    ]
