from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ground.errors import InputError
from tracker.backbone import BackboneDescriber, export_backbone
from tracker.detector import DetectorConfig, YoloDetector
from tracker.teachers import see_joints

WEIGHTS = Path(__file__).parents[2] / "weights/players.pt"


def test_players_are_described_one_by_one_and_known_again() -> None:
    rng = np.random.default_rng(0)
    image = np.full((300, 400, 3), 120, np.uint8)
    image[50:200, 50:110] = rng.integers(0, 256, (150, 60, 3))
    image[50:200, 250:310, 2] = 250
    boxes = np.array([[50.0, 50, 110, 200], [250, 50, 310, 200]])
    describer = BackboneDescriber(WEIGHTS)
    vectors = describer.describe(image, boxes)
    assert vectors.dtype == np.float32 and vectors.shape == (2, 512)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert vectors[1:] == pytest.approx(describer.describe(image, boxes[1:]), abs=1e-5)
    likeness = vectors @ describer.describe(image, boxes + 2).T
    assert np.diag(likeness).min() > likeness[~np.eye(2, dtype=bool)].max() + 0.1


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "junk.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"junk\.pt: not a YOLO checkpoint"):
        BackboneDescriber(tmp_path / "junk.pt")


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch $COURTSCRIBE_EVIL",)


def test_no_code_in_a_checkpoint_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURTSCRIBE_EVIL", str(tmp_path / "it-ran"))
    torch.save({"model": _Evil(), "epoch": 1}, tmp_path / "evil.pt")
    for door in (
        lambda: export_backbone(tmp_path / "evil.pt", tmp_path / "layers.safetensors"),
        lambda: see_joints(tmp_path / "evil.pt", np.zeros((1, 176, 128, 3), np.uint8)),
        lambda: YoloDetector(DetectorConfig(str(tmp_path / "evil.pt"), runtime="torch")),
    ):
        with pytest.raises(InputError, match=r"evil\.pt"):
            door()
    assert not (tmp_path / "it-ran").exists()
