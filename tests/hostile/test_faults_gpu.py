"""A GPU whose memory is full: batches are halved, and the work goes on to the same results.

No GPU is needed: what stands for a network refuses, in PyTorch's own words and type, more than it holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.run.backends import Frames
from classify.run.classifier import ActionClassifier
from classify.types import Clip
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo
from ground.compute.batches import Batches, on_device
from ground.errors import InputError
from ground.frames import Frame
from tracker.detect.detector import DetectorConfig, YoloDetector
from tracker.detect.yolo import open_yolo

_FULL = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def _holding(most: int, sizes: list[int]) -> Callable[[Sequence[int]], list[int]]:
    def squares(numbers: Sequence[int]) -> list[int]:
        sizes.append(len(numbers))
        if len(numbers) > most:
            raise _FULL
        return [number**2 for number in numbers]

    return squares


@pytest.mark.slow
def test_batches_are_halved_until_they_fit_and_stay_so(caplog: pytest.LogCaptureFixture) -> None:
    sizes, batches = list[int](), Batches("frames", 16)
    assert batches.run(_holding(5, sizes), range(21)) == [number**2 for number in range(21)]
    assert sizes == [16, 8, 4, 4, 4, 4, 4, 1] and batches.size == 4
    assert batches.run(_holding(5, sizes), range(4)) == [0, 1, 4, 9]
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"the GPU's memory is full: {size} frames at a time from now on" for size in (8, 4)]


def test_where_not_even_one_fits_it_is_one_line() -> None:
    with pytest.raises(InputError, match=r"no room for even one of the clips; .* choose cpu") as caught:
        Batches("clips", 8).run(_holding(0, []), range(3))
    assert caught.value.setting == "device"


def test_other_errors_are_not_taken_for_it() -> None:
    def broken(_numbers: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match=r"shapes do not fit"):
        Batches("clips", 8).run(broken, range(3))


def test_a_network_that_does_not_fit_is_one_line() -> None:
    with pytest.raises(InputError, match=r"no room for the network in x.pt"), on_device("the network in x.pt"):
        raise _FULL


def test_a_detector_that_does_not_fit_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def yolo(_path: str, **_: object) -> None:
        raise _FULL

    monkeypatch.setattr("tracker.detect.yolo._yolo", lambda: yolo)
    monkeypatch.setattr("tracker.detect.yolo._check_safe", lambda _: None)
    (tmp_path / "x.pt").touch()
    with pytest.raises(InputError, match=r"no room for the network in .*x.pt; .* choose cpu"):
        open_yolo(tmp_path / "x.pt")


@pytest.mark.slow
def test_the_classifier_goes_on_with_fewer_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, build_model("pooled", 2), CheckpointInfo("pooled", ("run", "walk"), Profile(48, 48, 2)))
    pictures = np.random.default_rng(0).integers(0, 255, (7, 16, 176, 128, 3), np.uint8)
    clips = [Clip(i, float(i), i + 1.0, frames) for i, frames in enumerate(pictures)]
    classifier = ActionClassifier(path, "cpu", batch=4)
    wanted, logits = classifier.classify(clips), classifier._logits

    def small(frames: Frames) -> np.ndarray:
        if len(frames) > 2:
            raise _FULL
        return logits(frames)

    monkeypatch.setattr(classifier, "_logits", small)
    found = classifier.classify(clips)
    assert classifier.batch == 2
    assert [scores.track_id for scores in found] == list(range(7))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


@pytest.mark.slow
def test_the_detector_goes_on_with_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = YoloDetector.__new__(YoloDetector)
    detector._openvino = None
    detector.config, detector._device, detector._half = DetectorConfig(), "cpu", False
    detector._batches, detector._things = Batches("frames", 8), []
    sizes = list[int]()

    class Model:
        def predict(self, images: list[np.ndarray], **_: object) -> list[int]:
            sizes.append(len(images))
            if len(images) > 3:
                raise _FULL
            return [int(image[0, 0, 0]) for image in images]

    detector._model = Model()
    monkeypatch.setattr(YoloDetector, "_detections", lambda _, found, image: found)
    monkeypatch.setattr("tracker.detect.detector._read", lambda found, _: found)
    frames = [Frame(i, i / 25, np.full((16, 16, 3), i, np.uint8)) for i in range(9)]
    assert detector.detect(frames) == list(range(9))
    assert sizes == [8, 4, 2, 2, 2, 2, 1] and detector.batch == 2
