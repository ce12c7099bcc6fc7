"""A run that is stopped anywhere goes on from there, to the same bytes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import pytest

import ground.video.parts
from ground.frames import Frame
from pipeline.progress import Advance, Silent
from pipeline.runners.cli import main
from pipeline.runners.video import analyze
from tests.conftest import Once
from tests.pipeline.short_games import FLAGS, PART_SECONDS, analysed_games, short_games
from tracker.detect.detector import YoloDetector
from tracker.types import Detections

pytestmark = pytest.mark.slow

_FILES = ("annotated.mp4", "timeline.csv", "captions.vtt", "tracks.txt")


class _Stopping(Silent):
    """Is stopped after so many steps, or so many frames."""

    def __init__(self, steps: int, *, frames: bool = False) -> None:
        self.left, self.counts_frames = steps, frames

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        def advance(count: int) -> None:
            self.left -= count if self.counts_frames else 1
            if self.left <= 0:
                raise KeyboardInterrupt

        yield advance if name != "ball" else lambda _: None  # over tables: it begins anew


@pytest.fixture
def game(once: Once, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In three parts."""
    monkeypatch.setattr(ground.video.parts, "PART_SECONDS", PART_SECONDS)
    return short_games(once) / "game2.mp4"


def test_a_run_stopped_after_each_part_ends_with_the_same_bytes(
    game: Path, once: Once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = analysed_games(once) / "game2"
    assert not (undisturbed / "parts").exists()

    stopped, runs = tmp_path / "stopped", 0
    while True:
        runs += 1
        monkeypatch.setattr(analyze, "choose_progress", lambda *_: _Stopping(2))
        code = main(["analyze", str(game), "-o", str(stopped), *FLAGS])
        if code == 0:
            break
        assert code == 130 and list((stopped / "parts").glob("*.npz")), "what was done is kept"
        assert runs < 30
    assert runs > 4
    for name in _FILES:
        assert (stopped / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert not (stopped / "parts").exists()


def test_detections_of_a_video_that_cannot_be_read_from_the_middle_are_kept_too(
    game: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off = tmp_path / "game.avi"
    with av.open(str(game)) as source, av.open(str(cut_off), "w") as copy:
        stream = copy.add_stream("mjpeg", rate=30)
        stream.width, stream.height = source.streams.video[0].width, source.streams.video[0].height
        stream.pix_fmt = "yuvj420p"
        for number, picture in enumerate(source.decode(video=0)):
            picture.pts, picture.time_base = number, Fraction(1, 30)
            copy.mux(stream.encode(picture))
        copy.mux(stream.encode(None))
    undisturbed, stopped = tmp_path / "undisturbed", tmp_path / "stopped"
    assert main(["analyze", str(cut_off), "-o", str(undisturbed), *FLAGS]) == 0
    with monkeypatch.context() as patched:
        patched.setattr(analyze, "choose_progress", lambda *_: _Stopping(25, frames=True))
        assert main(["analyze", str(cut_off), "-o", str(stopped), *FLAGS]) == 130
    kept = sorted(path.name[:11] for path in (stopped / "parts").glob("*.npz"))
    assert kept[:2] == ["follow-0000", "follow-0001"]
    looked_at = _looked_at(monkeypatch)
    assert main(["analyze", str(cut_off), "-o", str(stopped), *FLAGS]) == 0
    assert looked_at and min(looked_at) >= 24, "what is kept is not looked at again"
    for name in _FILES:
        assert (stopped / name).read_bytes() == (undisturbed / name).read_bytes(), name


def _looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which frames the detector sees from now on."""
    seen, detect = list[int](), YoloDetector.detect

    def counting(self: YoloDetector, frames: Sequence[Frame]) -> list[Detections]:
        seen.extend(frame.index for frame in frames)
        return detect(self, frames)

    monkeypatch.setattr(YoloDetector, "detect", counting)
    return seen
