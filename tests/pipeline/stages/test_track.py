"""Pass 2 on real footage: cuts, players chosen by hand among detected ones, the court, and each switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video, track_again
from pipeline.config import PipelineConfig, with_settings
from pipeline.runners.cli import main
from pipeline.video.encode import write_video
from tracker.boxes import iou
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi

pytestmark = pytest.mark.slow

_CUT = 24
_CONFIG = with_settings(PipelineConfig(device="cpu"), {"detector": {"imgsz": 640}})
"""Less than the 960 of the settings: people are large here."""


@pytest.fixture(scope="module")
def two_shots(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two games, one after the other, in one video."""

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        count = 0
        for name, start in (("nbaction_3.mov", 0.2), ("ibm_basketball.mp4", 1.0)):
            with open_video(shared / "videos" / name, start, start + 2) as video:
                for frame, _ in zip(video, range(_CUT), strict=False):
                    yield count / 25, np.ascontiguousarray(cv2.resize(frame.image, (852, 480)), np.uint8)
                    count += 1

    path = tmp_path_factory.mktemp("cut") / "two.mp4"
    write_video(path, pictures(), frame_rate=Fraction(25))
    return path


@pytest.fixture(scope="module")
def result(two_shots: Path) -> Analysis:
    """Its analysis."""
    return analyze_video(two_shots, _CONFIG)


def test_a_cut_ends_all_tracks_at_its_frame(result: Analysis, tmp_path: Path) -> None:
    assert result.frames.is_cut is not None
    assert np.flatnonzero(result.frames.is_cut).tolist() == [_CUT]
    before, after = (result.tracks[rows].ids for rows in (
        result.tracks.frame_index < _CUT, result.tracks.frame_index >= _CUT
    ))  # fmt: skip
    assert len(before) > 1 and len(after) > 1, "a cut ends nothing where nobody was, and nobody comes after"
    assert not set(before.tolist()) & set(after.tolist())
    assert all(window.end <= _CUT / 25 + 1e-6 or window.start >= _CUT / 25 - 1e-6 for window in result.scores.windows)
    save_analysis(result, tmp_path)
    kept = load_analysis(tmp_path).frames
    assert kept.camera_motions() == result.frames.camera_motions()


def test_a_player_chosen_among_the_detected_keeps_his_name(two_shots: Path, result: Analysis, tmp_path: Path) -> None:
    first = result.tracks.at(3)
    chosen = first.xyxy[int(first.confidence.argmax())]
    box = (float(chosen[0]), float(chosen[1]), float(chosen[2] - chosen[0]), float(chosen[3] - chosen[1]))
    named = analyze_video(
        two_shots, replace(_CONFIG, end=1.0), rois=[Roi(box, name="Ann", frame=3)], detect_with_rois=True
    )
    assert named.names == {1: "Ann"}
    ann = named.tracks[named.tracks.track_id == 1]
    assert len(ann) >= 0.8 * _CUT
    assert iou(ann.at(3).xyxy.astype(np.float64), chosen[None].astype(np.float64))[0, 0] > 0.7
    assert len(named.tracks.ids) > 4
    save_analysis(named, tmp_path)
    strict = with_settings(replace(_CONFIG, end=1.0), {"selection": {"min_confidence": 1.0}})
    again = track_again(load_analysis(tmp_path), strict)
    assert again.names == {1: "Ann"} and again.tracks.ids.tolist() == [1]


def test_a_court_drawn_by_hand_leaves_others_out(two_shots: Path, result: Analysis, tmp_path: Path) -> None:
    corners = ((0.0, 0.0), (60.0, 0.0), (60.0, 60.0), (0.0, 60.0))
    empty = analyze_video(two_shots, replace(_CONFIG, end=0.9), court=[CourtPolygon(corners)])
    assert not len(empty.tracks) and all("outside the court" in reason for reason in empty.players.dropped.values())
    everywhere = tmp_path / "court.json"
    everywhere.write_text(json.dumps([[-99, -99], [999, -99], [999, 999], [-99, 999]]))
    folder = tmp_path / "out"
    common = ["analyze", str(two_shots), "--end", "0.6", "--imgsz", "640", "--quiet", "--no-video", "-o", str(folder)]
    assert main([*common, "--court", str(everywhere)]) == 0
    assert len(load_analysis(folder).tracks.ids) >= 5
    settings = with_settings(replace(_CONFIG, end=0.9), {"selection": {"drop_outside": False}})
    assert len(track_again(empty, settings).tracks.ids) >= 5


def test_every_switch_is_a_flag(two_shots: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    flags = "--no-drop-outside --no-drop-still --no-offline --looks none --max-lost 1"
    common = ["analyze", str(two_shots), "--end", "0.6", "--imgsz", "640", "--quiet", "--no-video", "-o", str(folder)]
    assert main([*common, *flags.split(), "--max-absence", "3"]) == 0
    done = load_analysis(folder)
    settings = done.settings
    assert (settings["linking"]["offline"], settings["linking"]["max_absence"]) == (False, 3)
    assert (settings["looks"]["describe"], settings["tracker"]["max_lost"]) == ("none", 1)
    assert not settings["selection"]["drop_outside"]
    assert main([*common, "--looks", "face"]) == main([*common, "--reid", "none.onnx"]) == 2
    assert main([*common, "--court", str(tmp_path / "none.json")]) == 2
