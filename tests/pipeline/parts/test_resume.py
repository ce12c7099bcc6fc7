"""A run that is stopped anywhere goes on from there, to the same bytes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

import ground.video.parts
from pipeline.progress import Advance, Silent
from pipeline.runners.cli import main
from pipeline.runners.video import analyze
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

pytestmark = pytest.mark.slow

_FILES = ("annotated.mp4", "timeline.csv", "captions.vtt", "tracks.txt")
_FLAGS = ["--jobs", "1", "--quiet", "--min-track-confidence", "0", "--device", "cpu"]


class _Stopping(Silent):
    """Is stopped after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        def advance(_count: int) -> None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

        yield advance


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    game = SyntheticGame(seed=2, seconds=2)
    path = tmp_path_factory.mktemp("game") / "game.mp4"
    write_video(path, ((i / 30, game.frame(i).image) for i in range(game.num_frames)), frame_rate=Fraction(30))
    return path


def test_a_run_stopped_after_each_part_ends_with_the_same_bytes(
    game: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground.video.parts, "PART_SECONDS", 0.5)
    undisturbed = tmp_path / "undisturbed"
    assert main(["analyze", str(game), "-o", str(undisturbed), *_FLAGS]) == 0
    assert not (undisturbed / "parts").exists()

    stopped, runs = tmp_path / "stopped", 0
    while True:
        runs += 1
        monkeypatch.setattr(analyze, "choose_progress", lambda _quiet, _costs: _Stopping(3))
        code = main(["analyze", str(game), "-o", str(stopped), *_FLAGS])
        if code == 0:
            break
        assert code == 130 and list((stopped / "parts").glob("*.npz")), "what was done is kept"
        assert runs < 30
    assert runs > 4
    for name in _FILES:
        assert (stopped / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert not (stopped / "parts").exists()
