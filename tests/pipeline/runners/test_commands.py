"""The smaller commands: doctor, demo, train, and tracking of MOT files."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from classify.data.clips import load_clips
from classify.types import ACTIONS
from pipeline.runners.cli import main
from pipeline.runners.judging.doctor import examine
from pipeline.shipped import WEIGHTS
from tracker.files.mot import read_tracks, read_truth


def test_doctor_finds_everything_that_the_main_job_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for what in ("torch", "CUDA", "CSRT", "write H.264", "players.pt", "actions.safetensors"):
        assert what in shown


def test_doctor_says_how_to_mend_an_opencv_without_csrt(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.delattr(cv2, "TrackerCSRT_create")
    (finding,) = [f for f in examine() if f.what == "CSRT"]
    assert finding.state == "missing"
    assert "requirements.lock" in finding.detail


def test_the_manifest_tells_the_truth_about_the_weights() -> None:
    manifest = tomllib.loads((WEIGHTS / "manifest.toml").read_text())
    kinds = (".pt", ".safetensors", ".xml", ".bin", ".npy", ".examples")
    assert set(manifest) == {p.relative_to(WEIGHTS).as_posix() for p in WEIGHTS.rglob("*") if p.suffix in kinds}
    assert {"players.pt", "actions.safetensors"} < set(manifest)
    for name, facts in manifest.items():
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() == facts["sha256"]
        assert all(facts[key] for key in ("origin", "licence", "command", "score"))
        assert (WEIGHTS / name).stat().st_size < 12_000_000


@pytest.mark.slow
def test_demo_makes_a_game_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path), "--seconds", "0.6", "--quiet"]) == 0
    assert (tmp_path / "game.mp4").is_file()
    assert (tmp_path / "game.courtscribe" / "annotated.mp4").is_file()
    assert len(read_truth(tmp_path / "truth" / "gt.txt").ids) == 10
    assert capsys.readouterr().out == ""
    assert main(["evaluate", "play", str(tmp_path / "game.courtscribe"), "--truth", str(tmp_path / "truth")]) == 0
    shown = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert {"identities", "teams", "actions", "holder", "ball", "court"} <= set(shown)
    assert main(["demo", "-o", str(tmp_path / "b"), "--seconds", "0.5", "--make-only"]) == 0
    assert str(tmp_path / "b" / "truth") in capsys.readouterr().out
    assert main(["demo", "--seconds", "0"]) == 2


@pytest.mark.slow
def test_synthetic_clips_are_a_data_set_to_train_on(tmp_path: Path) -> None:
    assert main(["train", "clips", str(tmp_path), "--count", "10", "--quiet"]) == 0
    clips = load_clips([tmp_path], ACTIONS)
    assert sorted(clip.label for clip in clips) == sorted(ACTIONS)


def test_a_mot_file_is_tracked_as_published(shared: Path, tmp_path: Path) -> None:
    detections = shared / "mot/sort-mot15/TUD-Campus/det.txt"
    detections = detections if detections.is_file() else next((shared / "mot/sort-mot15/TUD-Campus").rglob("det.txt"))
    out = tmp_path / "tracks.txt"
    arguments = ["track", "--detections", str(detections), "-o", str(out), "--tracker", "sort", "--quiet"]
    assert main([*arguments, "--max-age", "1", "--min-hits", "3", "--min-iou", "0.3"]) == 0
    first = read_tracks(out)
    assert main(arguments) == 0
    assert np.array_equal(read_tracks(out).xyxy, first.xyxy), "the paper's numbers are the default for files"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "players", "nowhere", "-o", "x.pt", "--start-from", "missing.pt"], "missing.pt: no such file"),
        (["train", "actions", "nowhere", "-o", "x.safetensors"], "nowhere: no such folder"),
        (["track"], "the folder of an analysis"),
        (["track", "nowhere"], "not a whole analysis"),
    ],
)
def test_bad_input_is_said(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["analyze", ""], ["analyze", "game.mp4", "-o", ""], ["edit", "x", "--rename", ""]]
)
def test_a_variable_that_is_not_set_is_no_folder(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == "courtscribe: an argument is empty; is a variable of the shell not set?\n"
