"""Two short games and what becomes of them, made once for all tests that need any game in a few parts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import ground.video.parts
from pipeline.runners.cli import main
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video
from tests.conftest import Once

PART_SECONDS = 0.4
"""For ``ground.video.parts``: so short that a game has several."""
FLAGS = ["--quiet", "--min-track-confidence", "0", "--device", "cpu", "--imgsz", "320", "--jobs", "1"]


def short_games(once: Once) -> Path:
    """A folder of game2.mp4 in three parts, game10.mp4 in two, and bad.mp4, which is no video."""
    return once("games", _make_games)


def analysed_games(once: Once) -> Path:
    """What one process makes of each of them, by its name."""
    games = short_games(once)

    def analyze(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ground.video.parts, "PART_SECONDS", PART_SECONDS)
            assert main(["batch", str(games), "-o", str(folder), *FLAGS]) == 1

    return once("games-analysed", analyze)


def _make_games(folder: Path) -> None:
    for seed, seconds in ((2, 0.9), (10, 0.6)):
        game = SyntheticGame(seed=seed, seconds=seconds, size=(480, 270))
        pictures = ((frame.time, frame.image) for frame in game.frames())
        write_video(folder / f"game{seed}.mp4", pictures, frame_rate=Fraction(30))
    (folder / "bad.mp4").write_bytes(b"no video")
