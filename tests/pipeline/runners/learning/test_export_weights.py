"""``courtscribe weights export``, and ``--runtime``: whatever runs the network, the answer is the same."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo
from pipeline.config import PipelineConfig
from pipeline.runners.cli import main
from pipeline.runners.flags import ANALYZE_FLAGS, TRACK_FLAGS, add_flags, apply_flags
from pipeline.video.encode import write_video


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint, a video and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    info = CheckpointInfo("pooled", ("run", "walk"), Profile(48, 48, 2), temperature=0.3)
    save_checkpoint(Path("mine.safetensors"), build_model("pooled", 2), info)
    rng = np.random.default_rng(0)
    pictures = ((i / 25, rng.integers(0, 256, (64, 48, 3), np.uint8)) for i in range(16))
    write_video(Path("clip.mp4"), pictures, frame_rate=Fraction(25))
    return tmp_path


def _answer(*arguments: str) -> dict[str, float]:
    assert main(["classify", "clip.mp4", "--json", "answer.json", "--quiet", *arguments]) == 0
    top = json.loads(Path("answer.json").read_text())["top"]
    return {entry["label"]: entry["probability"] for entry in top}


@pytest.mark.slow
def test_an_exported_classifier_answers_like_its_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "export", "--actions", "mine.safetensors", "--to", "openvino", "-o", "out/mine.xml"]) == 0
    printed = capsys.readouterr().out
    assert "out/mine.xml: pooled, 2 labels, probabilities within" in printed and "--actions out/mine.xml" in printed
    wanted = _answer("--actions", "mine.safetensors", "--runtime", "torch")
    assert not Path("cache/actions").exists()
    assert _answer("--actions", "out/mine.xml") == pytest.approx(wanted, abs=1e-3)
    assert _answer("--actions", "mine.safetensors") == pytest.approx(wanted, abs=1e-3)
    assert len(list(Path("cache/actions").glob("mine-*.xml"))) == 1, "auto is OpenVINO, and converts"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["weights", "export", "--to", "openvino", "-o", "a.xml", "--int8"],
            "--int8 and --calibration DIR go together",
        ),
        (["weights", "export", "--to", "tflite", "-o", "a.tflite"], "no format is called 'tflite'"),
        (["weights", "export", "--to", "openvino", "-o", "a.onnx"], "a.onnx: the name of a file for openvino ends in"),
        (["weights", "export", "--to", "torch", "-o", "a.pt2", "--actions", "no.pt"], "no.pt: no such file"),
        (["weights", "export", "--to", "torch", "-o", "clip.mp4/a.pt2"], "clip.mp4: cannot be written"),
        (["classify", "clip.mp4", "--runtime", "tensorrt"], "no runtime is called 'tensorrt'; there are auto, torch"),
        (["classify", "clip.mp4", "--actions", "a.pt2"], "a.pt2: opening a .pt2 could run code"),
        (["classify", "clip.mp4", "--actions", "a.xml"], "a.xml: no such file"),
        (["classify", "clip.mp4", "--actions", "a.xml", "--runtime", "torch"], "a .xml file is run by openvino"),
        (["analyze", "clip.mp4", "--runtime", "tensorrt"], "no runtime is called 'tensorrt'"),
        (["evaluate", "actions", ".", "--actions", "a.xml", "--calibrate", "b.safetensors"], "give its checkpoint"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    assert main([*arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("flag", "detector", "actions"),
    [("torch", "torch", "torch"), ("onnxruntime", "auto", "onnxruntime"), ("auto", "auto", "auto")],
)
def test_one_flag_for_detector_and_actions(flag: str, detector: str, actions: str) -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, ANALYZE_FLAGS)
    config = apply_flags(PipelineConfig(), parser.parse_args(["--runtime", flag]), ANALYZE_FLAGS)
    assert (config.detector.runtime, config.classifier.runtime) == (detector, actions)
    tracked = apply_flags(PipelineConfig(), parser.parse_args(["--runtime", flag]), TRACK_FLAGS)
    assert (tracked.detector.runtime, tracked.classifier.runtime) == ("auto", actions), "track does not detect"
    assert apply_flags(PipelineConfig(), parser.parse_args([]), ANALYZE_FLAGS) == PipelineConfig()
