"""A batch: the same bytes whoever makes the parts, a bad video fails alone, and what is done stays done."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import ground.video.parts
from pipeline import analyze
from pipeline.analysis.values import Analysis
from pipeline.batch import run
from pipeline.runners.cli import main
from tests.conftest import Once
from tests.pipeline.short_games import FLAGS, PART_SECONDS, analysed_games, short_games

pytestmark = pytest.mark.slow

_FLAGS = FLAGS[:-2]
"""But for how many processes."""
_FILES = ("annotated.mp4", "timeline.csv", "captions.vtt", "tracks.txt")


@pytest.fixture(scope="module")
def games(once: Once) -> Path:
    return short_games(once)


@pytest.fixture(scope="module")
def alone(once: Once) -> Path:
    """What one process makes of each video."""
    return analysed_games(once)


@pytest.fixture(autouse=True)
def parts_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground.video.parts, "PART_SECONDS", PART_SECONDS)


def _rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "report.csv").open(encoding="utf-8", newline="") as file:
        return {Path(row["video"]).stem: row for row in csv.DictReader(file)}


def _assert_same(folder: Path, alone: Path, *names: str) -> None:
    for name in names:
        for file in _FILES:
            assert (folder / name / file).read_bytes() == (alone / name / file).read_bytes(), f"{name}/{file}"
        assert not (folder / name / "parts").exists()


def test_a_bad_video_fails_alone(alone: Path) -> None:
    rows = _rows(alone)
    assert list(rows) == ["bad", "game2", "game10"]
    assert {name: row["state"] for name, row in rows.items()} == {"bad": "failed", "game2": "done", "game10": "done"}
    assert "cannot be read as a video" in rows["bad"]["reason"] and not rows["game2"]["reason"]
    assert all(float(rows[name]["seconds"]) > 0 and float(rows[name]["speed"]) > 0 for name in ("game2", "game10"))


def test_a_video_alone_gives_what_analyze_gives(alone: Path, games: Path, tmp_path: Path) -> None:
    assert main(["analyze", str(games / "game2.mp4"), "-o", str(tmp_path / "game2"), "--jobs", "1", *_FLAGS]) == 0
    _assert_same(tmp_path, alone, "game2")


def test_parts_over_two_processes_give_the_same_bytes_as_one(alone: Path, games: Path, tmp_path: Path) -> None:
    assert main(["batch", str(games), "-o", str(tmp_path), "--jobs", "2", *_FLAGS]) == 1
    _assert_same(tmp_path, alone, "game2", "game10")


def test_parts_over_a_local_ray_give_the_same_bytes_as_one_process(alone: Path, games: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra cluster)")
    one = tmp_path / "one.txt"  # one is enough: two are shared out as among processes
    one.write_text(str(games / "game2.mp4"))
    assert main(["batch", str(one), "-o", str(tmp_path), "--jobs", "2", "--ray", "local", *_FLAGS]) == 0
    _assert_same(tmp_path, alone, "game2")


def test_what_is_done_stays_done_and_what_is_missing_is_made_again(
    alone: Path, games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, analysed = shutil.copytree(alone, tmp_path / "copy"), list[str]()

    def analyze_video(source: str, *arguments: Any, **named: Any) -> Analysis:
        analysed.append(source)
        return analyze.analyze_video(source, *arguments, **named)

    monkeypatch.setattr(run, "analyze_video", analyze_video)
    shown = (alone / "game2" / "annotated.mp4").read_bytes()
    (alone / "game2" / "annotated.mp4").unlink()
    before = _rows(alone)
    written = (alone / "game10" / "analysis.json").stat().st_mtime_ns
    assert main(["batch", str(games), "-o", str(alone), "--jobs", "1", *_FLAGS]) == 1
    assert analysed == [str(games / "bad.mp4")], "a video that lacks what shows it is shown, and not analysed, again"
    assert (alone / "game2" / "annotated.mp4").read_bytes() == shown
    assert _rows(alone)["game10"] == before["game10"]
    assert (alone / "game10" / "analysis.json").stat().st_mtime_ns == written
    games_list = alone / "games.txt"
    games_list.write_text(str(games / "game2.mp4"), encoding="utf-8")
    changed = [*_FLAGS, "--end", "0.5", "--no-video"]
    assert main(["batch", str(games_list), "-o", str(alone), "--jobs", "1", *changed]) == 0
    assert analysed[1:] == [str(games / "game2.mp4")], "another setting is another analysis"
    assert not (alone / "game2" / "annotated.mp4").exists()
    assert _rows(alone)["game10"] == before["game10"], "rows of videos that are not in the list stay"
    page = alone / "game2" / "report.html"
    page.unlink()
    for flags, is_there in (["--no-report"], False), ([], True):
        assert main(["batch", str(games_list), "-o", str(alone), "--jobs", "1", *changed, *flags]) == 0
        assert page.exists() == is_there and len(analysed) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_is_one_line_and_what_is_done_stays(games: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.runners.cli", "batch", str(games), "-o", str(tmp_path), "--jobs", "2"]
    run = subprocess.Popen([*command, *_FLAGS], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 180
    while not list(tmp_path.glob("*/parts/detect-*.npz")):
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, printed = run.communicate(timeout=180)
    assert run.returncode == 130
    assert printed.splitlines()[-1] == "courtscribe: stopped" and "Traceback" not in printed
    assert {row["state"] for row in _rows(tmp_path).values()} <= {"failed", "waiting", "done"}
    assert list(tmp_path.glob("*/parts/detect-*.npz"))


def test_settings_that_suit_no_video_are_said_before_any(
    games: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for wrong in (["--actions", "gone.safetensors"], ["--detector", "gone.pt"], ["--every", "0"]):
        assert main(["batch", str(games), "-o", str(tmp_path / "o"), *_FLAGS, *wrong]) == 2
        assert len(capfd.readouterr().err.splitlines()) == 1
        assert not (tmp_path / "o" / "report.csv").exists()


def test_processes_are_counted_alike_by_both_commands(games: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for command in ("analyze", "batch"):
        with pytest.raises(SystemExit, match="2"):
            main([command, str(games), "--jobs", "1000"])
        assert capfd.readouterr().err.startswith("courtscribe: argument --jobs: 1000 is not 0 to 256 processes")
