"""The shipped detector finds players and nobody else; every door into it says clearly what is wrong."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from urllib.error import URLError

import cv2
import numpy as np
import pytest

from ground.errors import InputError
from ground.frames import Frame
from pipeline.shipped import WEIGHTS
from tracker.boxes import iou
from tracker.detect.detector import DetectorConfig, YoloDetector, followed_classes
from tracker.detect.weights import resolve_weights
from tracker.files.mot import read_truth

_PLAYERS = str(WEIGHTS / "players.pt")


@pytest.fixture(scope="module")
def detector() -> YoloDetector:
    return YoloDetector(DetectorConfig(weights=_PLAYERS))


def _frames(path: Path, indices: list[int]) -> list[Frame]:
    video = cv2.VideoCapture(str(path))
    frames: list[Frame] = []
    for i in range(max(indices) + 1):
        ok, image = video.read()
        assert ok
        if i in indices:
            frames.append(Frame(i, i / 30, np.ascontiguousarray(image[..., ::-1])))
    return frames


@pytest.mark.slow
def test_players_of_a_broadcast_are_found_and_the_crowd_is_not(detector: YoloDetector, shared: Path) -> None:
    truth = read_truth(shared / "truth/IND-NYK/gt.txt")
    found = wrong = wanted = 0
    frames = _frames(shared / "videos/netba_IND-NYK.mp4", [0, 30, 60, 90, 120])
    for frame, boxes in zip(frames, detector.detect(frames), strict=True):
        players = boxes[boxes.class_id == 0]
        overlap = iou(truth.at(frame.index).xyxy, players.xyxy)
        found += int((overlap.max(1) >= 0.5).sum())
        wrong += int((overlap.max(0) < 0.3).sum())
        wanted += len(overlap)
    assert found >= 0.8 * wanted
    assert wrong < 4 * len(frames), "the COCO model has about fifty wrong persons in each of these pictures"


@pytest.mark.slow
def test_a_batch_gives_what_single_frames_give(detector: YoloDetector, shared: Path) -> None:
    frames = _frames(shared / "videos/nbaction_3.mov", [0, 20])
    together = YoloDetector(DetectorConfig(weights=_PLAYERS, batch=2)).detect(frames)
    for frame, many in zip(frames, together, strict=True):
        (one,) = detector.detect([frame])
        assert len(one) == len(many)
        assert np.abs(np.sort(one.xyxy, 0) - np.sort(many.xyxy, 0)).max() < 3


@pytest.mark.parametrize("shape", [(2, 2), (1, 4000), (4000, 1), (9, 300)])
def test_odd_pictures_hold_nobody(detector: YoloDetector, shape: tuple[int, int]) -> None:
    assert len(detector.detect([Frame(0, 0.0, np.zeros((*shape, 3), np.uint8))])[0]) == 0


def test_classes_to_follow() -> None:
    assert followed_classes(("player", "referee", "ball")) == [0]
    assert followed_classes(("person", "bicycle")) == [0]
    assert followed_classes(("player", "referee"), ("referee", "player")) == [1, 0]
    with pytest.raises(InputError, match="does not know goalkeeper"):
        followed_classes(("player",), ("goalkeeper",))
    with pytest.raises(InputError, match="name the classes to follow"):
        followed_classes(("cat",))


def test_missing_and_broken_weights_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="no such file"):
        resolve_weights(tmp_path / "missing.pt")
    with pytest.raises(InputError, match="neither a file nor a name"):
        resolve_weights("yolo99z.pt")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint" * 50)
    with pytest.raises(InputError, match=r"broken\.pt"):
        YoloDetector(DetectorConfig(weights=str(broken)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="OpenVINO"):
        resolve_weights(tmp_path / "empty")


def test_a_name_that_cannot_be_downloaded_says_which_file_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise URLError(OSError("no network"))

    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path))
    monkeypatch.setattr("ground.disk.download.urlopen", refuse)
    with pytest.raises(InputError) as caught:
        resolve_weights("yolo26n.pt")
    assert re.search(
        rf"could not be downloaded .*no network.*; put the file at {tmp_path / 'yolo26n.pt'}", str(caught.value)
    )
    shutil.copy(_PLAYERS, tmp_path / "yolo26n.pt")
    assert resolve_weights("yolo26n.pt") == tmp_path / "yolo26n.pt"


@pytest.mark.slow
def test_torch_and_openvino_agree(detector: YoloDetector, shared: Path) -> None:
    (frame,) = _frames(shared / "videos/nbaction_3.mov", [10])
    (fast,) = detector.detect([frame])
    (plain,) = YoloDetector(DetectorConfig(weights=_PLAYERS, runtime="torch")).detect([frame])
    sure = plain[plain.confidence > 0.4]
    assert (iou(sure.xyxy, fast.xyxy).max(1) > 0.8).all()


@pytest.mark.slow
def test_a_model_of_fixed_size_says_so(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    fixed = str(shared / "weights/yolo11n_int8_openvino_model")
    with caplog.at_level(logging.WARNING, "courtscribe"):
        YoloDetector(DetectorConfig(weights=fixed, imgsz=640))
        assert "640x640" not in caplog.text
        YoloDetector(DetectorConfig(weights=fixed, imgsz=960))
    assert "exported to look at 640x640 pixels and does so, not at 960" in caplog.text


@pytest.mark.slow
def test_a_size_that_is_no_multiple_of_the_stride_is_rounded_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "courtscribe"):
        YoloDetector(DetectorConfig(weights=_PLAYERS, imgsz=320))
        assert not caplog.text
        YoloDetector(DetectorConfig(weights=_PLAYERS, imgsz=321))
    assert "imgsz 321 is rounded up to 352 pixels" in caplog.text


@pytest.mark.parametrize("bad", [{"imgsz": 0}, {"confidence": 1.5}, {"runtime": "tpu"}, {"batch": -1}])
def test_bad_settings_are_said(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        DetectorConfig(weights=_PLAYERS, **bad)  # type: ignore[arg-type]
