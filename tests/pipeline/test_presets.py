"""Presets: settings to begin with, and what is looked at when not every frame is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from pipeline.analysis.folder import load_analysis
from pipeline.config import PRESETS, PipelineConfig, read_config
from pipeline.runners.cli import main
from pipeline.stages.detect import detect_part, is_looked_at
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video
from tracker.players.smoothing import smooth_tracks
from tracker.types import Detections, Tracks


class _Counting:
    """A detector that sees one player, and remembers where it looked."""

    names, batch = ("player",), 2

    def __init__(self) -> None:
        self.looked_at: list[int] = []

    def detect(self, frames: list) -> list[Detections]:  # type: ignore[type-arg]
        self.looked_at += [frame.index for frame in frames]
        return [Detections.of(np.array([[100, 100, 130, 180]]), np.array([0.9]), np.array([0])) for _ in frames]


def test_settings_of_file_and_flags_win_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "game.toml"
    file.write_text('preset = "fast"\n[detector]\nevery = 2\n')
    found = read_config(file)
    assert (found.preset, found.detector.every) == ("fast", 2)
    assert found.windows.clip_stride == PRESETS["fast"]["windows"]["clip_stride"]
    assert read_config(file, preset="balanced").windows == PipelineConfig().windows
    assert read_config(None) == read_config(None, preset="balanced") == PipelineConfig()
    with pytest.raises(InputError, match="preset is fast, balanced, accurate"):
        read_config(None, preset="quick")


def test_a_preset_that_there_is_not_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["analyze", str(tmp_path / "game.mp4"), "--preset", "quick"]) == 2
    assert "preset is fast, balanced, accurate" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 4])
def test_frames_are_chosen_by_their_number_whatever_part_they_are_in(first: int) -> None:
    game, detector = SyntheticGame(seed=1, seconds=0.4, size=(480, 270)), _Counting()
    frames = [game.frame(i) for i in range(first, game.num_frames)]
    part = detect_part(frames, detector, every=3)
    assert detector.looked_at == [i for i in range(first, game.num_frames) if i % 3 == 0]
    assert part.frame_index.tolist() == detector.looked_at and len(part.floor) == len(part.frame_index)
    assert len(part.seen.index) == len(frames), "time and camera are known of every frame"
    assert is_looked_at(0, 3) and not is_looked_at(4, 3)


def test_between_two_looks_a_player_counts_as_seen_and_moves_evenly() -> None:
    rows = np.arange(0, 31, 3)
    left = 10.0 * rows
    boxes = np.stack([left, np.full(len(rows), 50.0), left + 40, np.full(len(rows), 150.0)], axis=1)
    rows, boxes = np.delete(rows, 5), np.delete(boxes, 5, axis=0)
    tracks = Tracks.of(rows, np.ones(len(rows)), boxes, np.full(len(rows), 0.8))
    smooth = smooth_tracks(tracks, np.arange(31) / 30, every=3)
    assert smooth.frame_index.tolist() == list(range(31))
    missed = (smooth.frame_index > 12) & (smooth.frame_index < 18)
    assert (smooth.observed == ~missed).all()
    assert np.abs(np.diff(smooth.xyxy[:, 0]) - 10).max() < 1.0
    assert smooth.confidence[~missed].min() > 0.79


@pytest.mark.slow
def test_fast_gives_boxes_on_every_frame(tmp_path: Path) -> None:
    game = SyntheticGame(seed=3, seconds=0.8, size=(640, 360))
    write_video(tmp_path / "game.mp4", ((f.time, f.image) for f in game.frames()), frame_rate=Fraction(30))
    command = ["analyze", str(tmp_path / "game.mp4"), "-o", str(tmp_path / "out"), "--quiet", "--imgsz", "448"]
    assert main([*command, "--preset", "fast"]) == 0
    analysis = load_analysis(tmp_path / "out")
    assert analysis.detections is not None
    assert set(analysis.detections.frame_index % 3) == {0}
    assert analysis.settings["preset"] == "fast"
    seen = analysis.tracks
    assert {0, 1, 2} <= set((seen.frame_index[seen.observed] % 3).tolist())
    assert b" subme=1 " in (tmp_path / "out" / "annotated.mp4").read_bytes(), "x264 is told superfast"


@pytest.mark.slow
def test_the_demo_takes_a_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[PipelineConfig] = []

    def analyze_video(_video: object, config: PipelineConfig, **_: object) -> None:
        asked.append(config)
        raise InputError("that will do")

    monkeypatch.setattr("pipeline.analyze.analyze_video", analyze_video)
    monkeypatch.setattr("pipeline.runners.video.demo._write_game", lambda *_: None)
    assert main(["demo", "-o", str(tmp_path), "--seconds", "0.5", "--quiet", "--preset", "fast"]) == 2
    assert [(config.preset, config.detector.every) for config in asked] == [("fast", 3)]
