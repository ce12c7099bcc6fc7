"""The detector's training: the right labels, the right pictures, a checkpoint that tells nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ground.errors import InputError
from pipeline.shipped import WEIGHTS
from pipeline.synthetic.game import SyntheticGame
from tracker.detect.detector import DetectorConfig, YoloDetector
from tracker.detect.train import CLASSES, prepare_dataset, train_detector


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of a synthetic game, stored stretched to a square, as published data sets do."""
    folder, game = tmp_path_factory.mktemp("set"), SyntheticGame(seed=2, seconds=0.5, size=(320, 180))
    truth = game.truth.tracks
    (folder / "images" / "all").mkdir(parents=True)
    (folder / "labels" / "all").mkdir(parents=True)
    (folder / "data.yaml").write_text("names: [Clock, Player, Ref]\n")
    for i in range(6):
        frame = game.frame(i)
        cv2.imwrite(str(folder / f"images/all/game{i % 2}_{i}.jpg"), cv2.resize(frame.image[..., ::-1], (180, 180)))
        boxes = truth.at(frame.index).xyxy
        rows = [f"1 {(a + c) / 640} {(b + d) / 360} {(c - a) / 320} {(d - b) / 180}" for a, b, c, d in boxes]
        (folder / f"labels/all/game{i % 2}_{i}.txt").write_text("\n".join(["0 0.5 0.5 0.1 0.1", *rows, ""]))
    return folder


@pytest.mark.slow
def test_classes_are_mapped_pictures_unstretched_and_games_held_out(dataset: Path, tmp_path: Path) -> None:
    data, num_held_out = prepare_dataset(dataset, tmp_path / "out", ["game1_*"], 16 / 9)
    assert num_held_out == 3
    train = {p.name for p in (tmp_path / "out/images/train").iterdir()}
    val = {p.name for p in (tmp_path / "out/images/val").iterdir()}
    assert not train & val and all(name.startswith("game0_") for name in train)
    image = cv2.imread(str(tmp_path / "out/images/train/game0_0.jpg"))
    assert image is not None and image.shape == (180, 320, 3)
    labels = np.loadtxt(tmp_path / "out/labels/train/game0_0.txt", ndmin=2)
    assert set(labels[:, 0]) == {CLASSES.index("player")}
    assert "names" in data.read_text()


@pytest.mark.slow
def test_a_folder_that_is_no_data_set_is_said(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.yaml"):
        prepare_dataset(tmp_path, tmp_path / "out", (), None)
    (tmp_path / "data.yaml").write_text("names: [cat]\n")
    with pytest.raises(InputError, match="no class named player"):
        prepare_dataset(tmp_path, tmp_path / "out", (), None)
    (tmp_path / "data.yaml").write_text("names: [player]\n")
    with pytest.raises(InputError, match="no images"):
        prepare_dataset(tmp_path, tmp_path / "out", (), None)
    with pytest.raises(InputError, match="held out"):
        prepare_dataset(dataset, tmp_path / "out", ["*"], None)


@pytest.mark.slow
def test_training_gives_a_checkpoint_that_runs_and_tells_nothing_of_the_machine(dataset: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.pt"
    scores = train_detector(
        dataset, WEIGHTS / "players.pt", output, tmp_path / "work",
        hold_out=["game1_*"], aspect=16 / 9, epochs=1, imgsz=160, batch=2,
    )  # fmt: skip
    assert scores[0].name == "player" and 0 <= scores[0].ap <= scores[0].ap50 <= 1
    content = output.read_bytes()
    assert str(tmp_path).encode() not in content
    assert set(torch.load(output, weights_only=False)) == {"model", "train_args"}
    detector = YoloDetector(DetectorConfig(weights=str(output), imgsz=160, runtime="torch"))
    assert detector.names == CLASSES
    detector.detect([SyntheticGame(seed=2, seconds=0.1, size=(320, 180)).frame(0)])
