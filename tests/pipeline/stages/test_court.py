"""The court of real footage: known to half a metre where it is an NBA court, and not at all in a gymnasium."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from ground.errors import InputError
from ground.frames import Frame
from ground.video.source import open_video
from pipeline.analysis.values import Frames
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.stages.court import CourtConfig, CourtViews, court_by_hand, court_look, find_court
from pipeline.stages.detect import FrameLog
from tracker.court.dimensions import COURTS
from tracker.court.homography import moved
from tracker.court.known import KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.types import Detections

_FRAMES = 62


def _squeezed(frames: Iterator[Frame], share: float) -> Iterator[Frame]:
    for frame in frames:
        size = round(share * frame.image.shape[1]), frame.image.shape[0]
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        yield dataclasses.replace(frame, image=np.asarray(small, np.uint8))


def _court(path: Path, share: float = 1.0) -> tuple[KnownCourt, Frames]:
    """share: of its width that is left of the picture."""
    with open_video(path) as video:
        aspect = Fraction(1 / share).limit_denominator(100)
        log = FrameLog(court_look(Models().court(PipelineConfig(device="cpu")), aspect))
        for _, frame in zip(range(_FRAMES), _squeezed(iter(video), share), strict=False):
            log.append(frame, Detections.empty())
        frames, size = log.table(video), (round(share * video.info.width), video.info.height)
    return find_court(log.views(), frames, size, aspect, CourtConfig()), frames


def _errors(court: KnownCourt, truth: Path, share: float) -> np.ndarray:
    """Metres by which landmarks are off; the left basket is in the picture."""
    known, rows = COURTS["nba"].landmarks(), list(csv.DictReader((truth / "landmarks.csv").open()))
    named = [(row, name) for row in rows if (name := _full_name(row["name"])) in known]
    index = np.array([int(row["frame"]) - 1 for row, _ in named])
    pixels = np.array([[share * float(row["x"]), float(row["y"])] for row, _ in named])
    off = court.metres(index, pixels) - np.array([known[name] for _, name in named])
    return np.hypot(*off[np.isfinite(off[:, 0])].T)


def _full_name(name: str) -> str:
    """As ``Court.landmarks`` has it."""
    head, _, tail = name.rpartition("_")
    return name if head in ("mid", "") else f"{name}_left" if name == "three_top" else f"{head}_left_{tail}"


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.75], ids=["square", "squeezed"])
def test_the_court_of_a_broadcast_is_known_to_half_a_metre(shared: Path, share: float) -> None:
    court, frames = _court(shared / "videos" / "netba_NYK-BOS.mp4", share)
    assert court.kind == "nba" and court.frame_index.tolist() == frames.index.tolist()
    errors = _errors(court, shared / "truth" / "NYK-BOS", share)
    assert len(errors) >= 10 and np.median(errors) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ibm_basketball.mp4", "nbaction_3.mov"])
def test_a_gymnasium_of_many_lines_is_not_known(shared: Path, name: str) -> None:
    court, _ = _court(shared / "videos" / name)
    assert (court.kind, len(court)) == ("", 0)


def test_points_by_hand_are_carried_by_the_camera_as_far_as_the_shot_goes() -> None:
    index = np.arange(90, dtype=np.int32)
    is_cut = index == 60
    frames = Frames(index, index / 25, np.tile([4.0, 0.0], (90, 1)), np.ones(90), is_cut)
    pixels = ((100.0, 300.0), (1200.0, 300.0), (1270.0, 700.0), (20.0, 700.0))
    metres = ((-20.0, -10.0), (20.0, -10.0), (20.0, 10.0), (-20.0, 10.0))
    court = court_by_hand([CourtLandmarks(pixels, metres, 10)], frames, (1280, 720), CourtConfig())
    assert court.kind == "other" and court.frame_index.tolist() == list(range(60))
    there = moved(court.homography[50], np.array(pixels) + np.array([4.0 * 40, 0]))
    assert np.abs(there - np.array(metres)).max() < 1e-6


def test_nobody_looked() -> None:
    index = np.arange(3, dtype=np.int32)
    still = Frames(index, index / 25, np.zeros((3, 2)), np.ones(3), np.zeros(3, bool))
    assert not len(find_court(CourtViews.none(), still, (640, 360), Fraction(1), CourtConfig()))
    with pytest.raises(InputError, match="the type of a court is auto, nba, fiba") as error:
        CourtConfig(type="ice")
    assert error.value.setting == "court.type"
