"""The detector in eight bits: taken where it is of the weights asked for, and nearly the same."""

from __future__ import annotations

import importlib.util
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from ground.frames import Frame
from ground.video.source import open_video
from pipeline.shipped import WEIGHTS
from tracker.boxes import iou
from tracker.detect.detector import DetectorConfig, YoloDetector, chosen_weights
from tracker.detect.int8 import int8_copy, int8_folder, make_int8

_PLAYERS = WEIGHTS / "players.pt"


@pytest.mark.slow
def test_the_shipped_copy_is_of_the_shipped_weights_and_is_what_a_processor_takes() -> None:
    shipped = int8_copy(_PLAYERS)
    assert shipped is not None
    assert chosen_weights(DetectorConfig(str(_PLAYERS)), "cpu") == shipped
    assert chosen_weights(DetectorConfig(str(_PLAYERS), precision="int8"), "cpu") == shipped
    assert chosen_weights(DetectorConfig(str(_PLAYERS), precision="float32"), "cpu") != shipped
    assert chosen_weights(DetectorConfig(str(_PLAYERS), runtime="torch"), "cpu") == _PLAYERS
    assert chosen_weights(DetectorConfig(str(_PLAYERS)), "cuda") == _PLAYERS


def test_a_copy_of_other_weights_is_not_taken(tmp_path: Path) -> None:
    other = tmp_path / "mine.pt"
    shutil.copy(_PLAYERS, other)
    with pytest.raises(InputError, match="has no INT8 copy"):
        chosen_weights(DetectorConfig(str(other), precision="int8"), "cpu")
    shutil.copytree(int8_folder(_PLAYERS), int8_folder(other))
    assert int8_copy(other) == int8_folder(other)
    with other.open("ab") as file:
        file.write(b"trained again")
    assert int8_copy(other) is None
    with pytest.raises(InputError, match=r"INT8 copy .*of other weights"):
        chosen_weights(DetectorConfig(str(other), precision="int8"), "cpu")


@pytest.mark.slow
def test_it_finds_the_players_that_float32_finds(shared: Path) -> None:
    with open_video(shared / "videos" / "netba_NYK-BOS.mp4") as video:
        frames = list(islice(video, 0, 90, 15))
    exact, rounded = (YoloDetector(DetectorConfig(str(_PLAYERS), precision=p)) for p in ("float32", "int8"))
    overlaps: list[float] = []
    for one, other in zip(exact.detect(frames), rounded.detect(frames), strict=True):
        sure = one.xyxy[(one.confidence > 0.5) & (one.class_id == exact.names.index("player"))].astype(np.float64)
        overlaps += iou(sure, other.xyxy.astype(np.float64)).max(axis=1).tolist()
    assert len(overlaps) > 40
    assert np.mean(np.array(overlaps) > 0.5) > 0.98
    assert np.median(overlaps) > 0.9


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    if importlib.util.find_spec("nncf") is None:
        wanted, frames = "INT8 needs nncf: pip install nncf", list[Frame]()
    else:
        wanted, frames = "1 pictures are too few", [Frame(0, 0.0, np.zeros((64, 64, 3), np.uint8))]
    with pytest.raises(InputError, match=wanted):
        make_int8(_PLAYERS, frames, tmp_path / "made_openvino_model", 64)
    assert not (tmp_path / "made_openvino_model").exists()


@pytest.mark.slow
def test_what_is_made_of_a_video_finds_what_the_shipped_one_finds(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    with open_video(shared / "videos" / "nbaction_1.mov") as video:
        frames = list(islice(video, 0, 300, 12))
    made = tmp_path / "made_openvino_model"
    assert make_int8(_PLAYERS, frames, made, 320) == 25
    found = [YoloDetector(DetectorConfig(str(w), imgsz=320)).detect(frames[:2]) for w in (made, _PLAYERS)]
    for one, other in zip(*found, strict=True):
        assert abs(len(one) - len(other)) <= 2
