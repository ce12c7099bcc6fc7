"""``train maps`` on real footage: from a video without labels to weights that training starts from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from classify.weights.checkpoint import load_start
from ground.video.source import open_video
from pipeline.runners.cli import main
from pipeline.video.encode import write_video


@pytest.fixture(scope="module")
def moment(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some pictures of a real game."""
    path = tmp_path_factory.mktemp("video") / "moment.mp4"
    with open_video(str(shared / "videos/teamtrack_tipoff_crop1080.mp4"), 0, 0.95) as video:
        write_video(path, ((f.time, f.image) for f in video), frame_rate=Fraction(25))
    return path


@pytest.mark.slow
def test_weights_that_training_starts_from(
    moment: Path, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pose, output = shared / "weights/yolov8n-pose_int8_openvino_model", tmp_path / "maps.safetensors"
    assert main(["train", "maps", str(moment), "--pose", str(pose), "-o", str(output), "--steps", "4"]) == 0
    first, last = capsys.readouterr().out.split("loss ")[1].split(" at first, ")
    assert float(last.split()[0]) < float(first)
    load_start(output, "pooled_maps", 10)


@pytest.mark.slow
def test_bad_input_is_one_line(moment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody, output = str(tmp_path / "nobody.pt"), str(tmp_path / "maps.safetensors")
    for arguments, complaint in (
        ([str(moment), "--pose", nobody, "-o", output], "nobody.pt: no such file"),
        ([str(tmp_path / "gone.mp4"), "--pose", nobody, "-o", output], "no such file"),
        ([str(moment), "--pose", nobody, "-o", str(tmp_path / "maps.pt")], "ends in .safetensors"),
        ([str(moment), "--pose", nobody, "-o", output, "--steps", "0"], "steps is 1 or more"),
    ):
        assert main(["train", "maps", *arguments]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("courtscribe: ") and complaint in error
    assert not list(tmp_path.iterdir())
