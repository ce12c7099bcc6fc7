"""``courtscribe classify``: table, JSON and video say the same; what cannot be classified is one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ground.video.source import open_video
from pipeline.runners.cli import main
from pipeline.whole_video.show import _line


@pytest.mark.slow
def test_a_clip_as_table_json_and_video(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, output = shared / "videos/nbaction_3.mov", tmp_path / "out/labelled.mp4"
    arguments = ["classify", str(video), "--top", "3", "--json", str(tmp_path / "a.json"), "-o", str(output), "--quiet"]
    assert main(arguments) == 0
    shown = [line.split("  ") for line in capsys.readouterr().out.splitlines() if "  " in line]
    content = json.loads((tmp_path / "a.json").read_text())
    assert [entry["label"] for entry in content["top"]] == [row[0].strip() for row in shown]
    assert [f"{entry['probability']:.3f}" for entry in content["top"]] == [row[-1].strip() for row in shown]
    assert len(content["top"]) == 3 and content["top"][0]["probability"] >= content["top"][2]["probability"] > 0
    (segment,) = content["timeline"]
    assert segment["action"] == content["top"][0]["label"] and segment["end_frame"] == 56
    with open_video(video) as before, open_video(output) as after:
        pairs = list(zip(before, after, strict=True))
        assert before.info.has_audio == after.info.has_audio
    assert len(pairs) == 56
    for old, new in pairs[::20]:
        assert old.time == pytest.approx(new.time, abs=0.001)
        assert np.abs(old.image[:14, :120].astype(int) - new.image[:14, :120]).mean() > 20, "the labels are there"
        assert np.abs(old.image[60:].astype(int) - new.image[60:]).mean() < 6, "and nothing else is changed"


@pytest.mark.slow
def test_a_span_of_a_longer_video(shared: Path, tmp_path: Path) -> None:
    video = str(shared / "videos/netba_IND-NYK.mp4")
    saved = ["--json", str(tmp_path / "a.json"), "--quiet"]
    assert main(["classify", video, "--start", "2", "--end", "3", *saved]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["timeline"][0]["start_s"] == pytest.approx(2.0, abs=0.04)
    assert content["timeline"][-1]["end_s"] == pytest.approx(3.0, abs=0.04)
    assert len(content["top"]) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.mp4"], "nowhere.mp4: no such file"),
        (["empty"], "empty: holds no images"),
        (["noise.mp4"], "noise.mp4: cannot be read as a video"),
        (["noise.mp4", "--top", "0"], "--top is 1 or more"),
        (["noise.mp4", "--average", "-1"], "averaged over 0 s or more"),
        (["noise.mp4", "--actions", "nowhere.safetensors"], "nowhere.safetensors: no such file"),
        (["noise.mp4", "--actions", "noise.mp4"], "noise.mp4: not a safetensors file"),
        (["noise.mp4", "--actions", "kinetics"], "r2plus1d_18-91a641e6.pth: no such file; it can be downloaded"),
        (["noise.mp4", "--actions", "kinetics", "--model", "pooled_maps"], "no Kinetics-400 weights for pooled_maps"),
        (["noise.mp4", "--actions", "kinetics", "--model", "vgg"], "no model is called 'vgg'"),
        (["noise.mp4", "--model", "s3d"], "belong to --actions kinetics"),
        (["noise.mp4", "-o", "noise.mp4"], "would be overwritten"),
    ],
)
def test_what_cannot_be_classified_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    assert main(["classify", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


@pytest.mark.slow
def test_kinetics_labels_when_the_published_file_is_there(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchvision.models import get_model

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    theirs = get_model("mc3_18")
    with torch.no_grad():
        theirs.fc.bias[99] = 50.0  # "dribbling basketball" in torchvision's list
    torch.save(theirs.state_dict(), folder / "mc3_18-a90a0ba3.pth")
    video, short = str(shared / "videos/nbaction_3.mov"), ("--end", "0.3", "--runtime", "torch", "--quiet")
    assert main(["classify", video, "--actions", "kinetics", "--model", "mc3_18", "--top", "2", *short]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("dribbling basketball")
    assert main(["classify", video, "--actions", str(folder / "mc3_18-a90a0ba3.pth"), "--top", "1", *short]) == 0
    assert capsys.readouterr().out.startswith("dribbling basketball  1.000")


def test_a_narrow_picture_takes_the_first_label_at_least() -> None:
    best = [("dribble", 0.5), ("shoot", 0.3), ("walk", 0.1)]

    def shown(width: int, starter: bool = False) -> str:
        return _line(best, np.zeros((400, width, 3), np.uint8), starter)

    assert shown(1000) == "dribble 50%  shoot 30%  walk 10%"
    assert shown(160) == "dribble 50%  shoot 30%"
    assert shown(3, starter=True) == "dribble 50% (first guess)"
