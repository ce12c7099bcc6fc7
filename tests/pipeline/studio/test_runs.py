"""Analyses that the studio begins outlive it, stop when asked, go on from there, and say why they failed."""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ground.errors import InputError
from pipeline.runners.offered import offered
from pipeline.studio.runs import Runs
from tests.pipeline.studio.conftest import COMMAND, make_game

_TALKER = """
import json, signal, sys, time
from pathlib import Path
files = Path(sys.argv[sys.argv.index("--progress-file") + 1])
files.write_text(json.dumps({"process": 1, "stage": "detect", "unit": "frame", "done": 3, "total": 9, "left": 2.0}))
print("it works", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("courtscribe: stopped")
    sys.exit(130)
"""


def _until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds, not analysed."""
    import shutil

    shutil.rmtree(make_game(tmp_path))
    return tmp_path / "game.mp4"


def test_a_run_is_known_again_by_another_studio_and_stopped_by_it(video: Path) -> None:
    command = (sys.executable, "-c", _TALKER)
    folder = Runs(command, offered()).start(video, {"preset": "fast"})
    later = Runs(command, offered())  # a studio that was begun anew
    _until(lambda: later.state(folder)["progress"])
    state = later.state(folder)
    assert state["state"] == "running" and state["progress"]["done"] == 3 and state["said"] == ["it works"]
    with pytest.raises(InputError, match="analysed already"):
        later.start(video, {})
    later.cancel(folder)
    _until(lambda: later.state(folder)["state"] != "running")
    assert later.state(folder)["state"] == "stopped"
    request = later.request(folder)
    assert request is not None and request["settings"] == {"preset": "fast"}
    with pytest.raises(InputError, match="not running"):
        later.cancel(folder)


def test_what_is_asked_for_is_in_files_of_the_usual_formats(video: Path) -> None:
    runs = Runs((sys.executable, "-c", "pass"), offered())
    settings = {"preset": "accurate", "selection.players": 4, "teams.names": ['A "x"', "B\\"], "court.find": False}
    rois = [{"box": [10, 20, 30, 40], "name": "Ann", "frame": 3}]
    folder = runs.start(video, settings, rois, [{"polygon": [[0, 0], [150, 0], [150, 110], [0, 110]], "frame": 0}])
    assert tomllib.loads((folder / "run" / "settings.toml").read_text()) == {
        "preset": "accurate",
        "selection": {"players": 4},
        "teams": {"names": ['A "x"', "B\\"]},
        "court": {"find": False},
    }
    _until(lambda: runs.state(folder)["state"] != "running")
    assert runs.state(folder)["ready"] is False


@pytest.mark.parametrize(
    ("settings", "rois", "court"),
    [
        ({"selection.players": -1}, [], []),
        ({"selection.players": "4"}, [], []),
        ({"nonsense": 1}, [], []),
        ({"detector.weights": "/etc/passwd"}, [], []),
        ({"preset": "slow"}, [], []),
        ({"start": 5, "end": 1}, [], []),
        ({}, [{"box": [1, 2, 3]}], []),
        ({}, [{"box": [1000, 1000, 30, 40]}], []),
        ({}, [{"box": [10, 20, 30, 40], "name": "=1+1"}], []),
        ({}, [], [{"polygon": [[0, 0], [1, 1]]}]),
    ],
)
def test_what_cannot_be_used_is_said_and_begins_nothing(video: Path, settings: Any, rois: Any, court: Any) -> None:
    runs = Runs((sys.executable, "-c", "raise SystemExit('begun')"), offered())
    with pytest.raises(InputError):
        runs.start(video, settings, rois, court)
    assert not (video.parent / "game.courtscribe" / "run" / "process.json").exists()


def test_a_folder_with_results_of_another_video_is_not_touched(tmp_path: Path, video: Path) -> None:
    (tmp_path / "b").mkdir()
    other = make_game(tmp_path / "b")
    (tmp_path / "b" / "game.mov").write_bytes(video.read_bytes() + b"other")
    with pytest.raises(InputError, match="holds the results of"):
        Runs(COMMAND, offered()).start(tmp_path / "b" / "game.mov", {})
    assert not (other / "run").exists()


def test_why_a_run_failed_is_told(video: Path) -> None:
    runs = Runs((sys.executable, "-c", "raise SystemExit('courtscribe: no such thing')"), offered())
    folder = runs.start(video, {})
    _until(lambda: runs.state(folder)["state"] != "running")
    state = runs.state(folder)
    assert state["state"] == "failed" and state["said"] == ["courtscribe: no such thing"]


@pytest.mark.slow
def test_first_results_show_before_the_end(video: Path) -> None:
    runs = Runs(COMMAND, offered())
    folder = runs.start(video, {"preset": "fast"})
    _until(lambda: runs.state(folder)["parts"] or runs.state(folder)["state"] != "running", 90)
    if runs.state(folder)["parts"]:  # else it was done between two looks
        assert runs.first_results(folder, 0)[:2] == b"\xff\xd8"
    with pytest.raises(InputError):
        runs.first_results(folder, 99)
    _until(lambda: runs.state(folder)["state"] == "done", 90)
    assert runs.state(folder)["ready"]
