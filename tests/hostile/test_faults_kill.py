"""A run that is killed, or finds the disk full, at any of its writes: the same command ends with the same bytes.

What takes a network is left out here, to be cheap: tracks and actions come from a file, the court is not looked for.
``benchmarks/kills.py`` does the same with all of it, and with kills at random moments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.at_write import KILLED
from pipeline.video.encode import write_video
from tests.conftest import Once
from tracker.files.cvat_writer import write_cvat
from tracker.files.track_file import TrackFile
from tracker.types import Tracks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, so that imports are paid once"),
]

_ROOT = Path(__file__).parents[2]
_RUNS = """
import os, sys
from pathlib import Path
import cv2, fontTools.ttLib, numpy, openvino, PIL.ImageDraw, scipy.ndimage, scipy.optimize, scipy.special
import pipeline.analyze, pipeline.outputs.write
from benchmarks.at_write import fail_at, watch_writes
from pipeline.runners.cli import main, make_parser

make_parser()
cv2.cvtColor(numpy.zeros((1, 1, 3), numpy.uint8), cv2.COLOR_RGB2LAB)  # makes its tables
for run in sys.argv[2:]:
    sys.stdout.flush()
    if not (child := os.fork()):
        name, how, number = run.split()
        folder = Path(name)
        watch_writes(folder, fail_at(int(number), how))
        code = main(["analyze", "game.mp4", "--tracks", "tracks.xml", "--keep-actions", "-o", name, "--jobs", "1",
                     "--quiet", "--device", "cpu", "--no-court"])
        sys.stderr.flush()
        os._exit(code)
    print(run, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
_FILES = ("tracks.txt", "timeline.csv", "captions.vtt", "analysis.json", "annotated.mp4")
_NEVER = 10**6
_FRAMES = 20
"""Seven seconds: two parts."""


_KILLED_AT, _FULL_FROM = (3, 9, 20, 31, 47), (1, 6, 26, 33)


@dataclass(frozen=True)
class _Ran:
    """What came of all runs."""

    folder: Path
    codes: dict[str, int]
    """Exit codes, by folder, fault and number of the write."""
    said: list[str]

    def results(self, name: str) -> dict[str, bytes]:
        """Of the run in a folder; a file that is there by no right counts, too."""
        folder = self.folder / name
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def ran(once: Once) -> _Ran:
    """All runs of a video of two parts."""
    folder = once("killed", _run_all)
    return _Ran(folder, *json.loads((folder / "ran.json").read_text()))


def _run_all(folder: Path) -> None:
    """In one process that forks, as imports take longest."""
    _make_game(folder)
    runs = [f"undisturbed exit {_NEVER}"]
    for at in _KILLED_AT:
        runs += [f"killed-{at} exit {at}", f"killed-{at} exit {_NEVER}"]
    for at in _FULL_FROM:
        runs += [f"full-{at} full {at}", f"full-{at} full {_NEVER}"]
    done = subprocess.run(
        [sys.executable, "-c", _RUNS, "runs", *runs], cwd=folder, env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    codes = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    told = {run: int(code) for run, code in codes}, done.stderr.splitlines()
    (folder / "ran.json").write_text(json.dumps(told))


def _make_game(folder: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (_FRAMES, 48, 64, 3), np.uint8)
    write_video(folder / "game.mp4", ((i / 3, p) for i, p in enumerate(pictures)), frame_rate=Fraction(3))
    tracks = Tracks.of(np.arange(_FRAMES, dtype=np.int32), np.ones(_FRAMES), [[4, 4, 20, 40]] * _FRAMES)
    actions = np.array(["run"] * 10 + ["walk"] * 10, object)
    content = TrackFile(tracks, {1: "Ann"}, actions, ("run", "walk"), (64, 48), range(_FRAMES), "game.mp4")
    write_cvat(folder / "tracks.xml", content)


def test_an_undisturbed_run_has_all_results(ran: _Ran) -> None:
    assert ran.codes[f"undisturbed exit {_NEVER}"] == 0
    assert ran.results("undisturbed").keys() >= set(_FILES)


@pytest.mark.parametrize("at", _KILLED_AT)
def test_killed_at_a_write_and_begun_again_it_ends_with_the_same_bytes(at: int, ran: _Ran) -> None:
    assert ran.codes[f"killed-{at} exit {at}"] == KILLED and ran.codes[f"killed-{at} exit {_NEVER}"] == 0
    assert ran.results(f"killed-{at}") == ran.results("undisturbed")


@pytest.mark.parametrize("at", _FULL_FROM)
def test_with_a_full_disk_from_a_write_on_the_same_command_goes_on(at: int, ran: _Ran) -> None:
    assert ran.codes[f"full-{at} full {at}"] == 2 and ran.codes[f"full-{at} full {_NEVER}"] == 0
    assert ran.results(f"full-{at}") == ran.results("undisturbed")


def test_a_full_disk_is_one_line_that_says_what_to_do(ran: _Ran) -> None:
    assert len(ran.said) == len(_FULL_FROM), ran.said
    for line in ran.said:
        assert "(No space left on device); free some space and give the same command again" in line
