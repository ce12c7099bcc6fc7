"""``train actions``, as a person at a keyboard uses it: flags, what is printed, and what is said of bad input."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from classify.weights.checkpoint import load_checkpoint
from pipeline.runners.cli import main
from pipeline.shipped import WEIGHTS

_ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three short clips each of something that runs and something that walks."""
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path / "cache"))
    for label, pace in (("run", 9), ("walk", 3)):
        for number in range(3):
            path = tmp_path / "data" / label / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (128, 176))
            for t in range(9):
                frame = np.full((176, 128, 3), 30 * number, np.uint8)
                frame[60:100, pace * t : pace * t + 30] = 255
                writer.write(frame)
            writer.release()
    return tmp_path / "data"


def _arguments(data: Path, output: Path, *more: str) -> list[str]:
    return ["train", "actions", str(data), "-o", str(output), "--device", "cpu", "--batch", "4", *more]


@pytest.mark.slow
def test_scores_are_printed_and_the_shipped_weights_are_started_from(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(data, tmp_path / "run", "--folds", "2", "--epochs", "1", "--ema", "0.5")) == 0
    shown = capsys.readouterr().out
    assert "folds: 6 clips, accuracy " in shown and "macro-F1" in shown and str(tmp_path / "run") in shown
    model, info = load_checkpoint(tmp_path / "run" / "actions.safetensors")
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (info.model, info.labels, settings["training"]["ema"]) == ("pooled_maps", ("run", "walk"), 0.5)
    shipped = load_checkpoint(WEIGHTS / "actions.safetensors")[0]
    assert (_edges(model) - _edges(shipped)).abs().max() < 0.1 * _edges(shipped).abs().max(), "hardly changed"


def _edges(model: torch.nn.Module) -> torch.Tensor:
    """The first layer."""
    return model.state_dict()["spatial.0.conv.weight"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--split", "luck"], "no split is called 'luck'; there are twin-free"),
        (["--split", "twin-free"], "use the split folds, or name a list (--test-list)"),
        (["--test-list", "nowhere.json", "--split", "public"], "is for a folder in SpaceJam's layout"),
        (["--model", "resnet"], "no model is called 'resnet'; there are r2plus1d_18"),
        (["--labels", "run,pick"], "at least 2 labels"),
        (["--labels", "run,walk,pick"], "no clips of pick"),
        (["--epochs", "-1"], "are 0 or more"),
        (["--folds", "9"], "cannot be cut into 9 folds"),
        (["--folds", "2", "--split", "folders"], "--folds is for --split folds"),
        (["--labels", "run,walk,Unsure"], "'Unsure' is what this program says where there is no label"),
        (["--start-from", "nowhere.safetensors"], "nowhere.safetensors: no such file"),
        (["--start-from", "kinetics"], "there are no Kinetics-400 weights for pooled_maps"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--cache", "/dev/null/cache"], "/dev/null/cache: cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    more: list[str], says: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(data, tmp_path / "run", "--quiet", *more)) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and error.startswith("courtscribe: ")
    started = "--start-from" in more
    assert started or not list((tmp_path / "cache").rglob("*.clips")), "before anything is decoded"
    assert main(_arguments(data, tmp_path / "run", "--quiet", "--split", "public")) == 2
    assert "no list of test clips" in capsys.readouterr().err, "what failed before it learnt is not in the way"


@pytest.mark.slow
def test_the_settings_name_the_weights_that_were_given(data: Path, tmp_path: Path) -> None:
    weights = str(_ROOT / "weights" / "players.pt")
    assert main(_arguments(data, tmp_path / "run", "--start-from", weights, "--epochs", "0", "--quiet")) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["start_from"] == weights


@pytest.mark.slow
def test_a_run_killed_from_outside_goes_on_to_the_same_weights(data: Path, tmp_path: Path) -> None:
    more = ("--epochs", "3", "--start-from", "none")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-m", "pipeline.runners.cli", *_arguments(data, tmp_path / "run", *more)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    metrics = tmp_path / "run" / "metrics.csv"
    while process.poll() is None and not (metrics.is_file() and len(metrics.read_text().splitlines()) > 1):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was still training"
    assert main(_arguments(data, tmp_path / "run", "--quiet", *more)) == 2, "not without --resume"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the process that was killed: more of them sum in another order
    try:
        assert main(_arguments(data, tmp_path / "run", "--quiet", "--resume", *more)) == 0
        assert main(_arguments(data, tmp_path / "whole", "--quiet", *more)) == 0
    finally:
        torch.set_num_threads(threads)
    run, whole = (load_file(tmp_path / name / "actions.safetensors") for name in ("run", "whole"))
    shipped = load_checkpoint(WEIGHTS / "actions.safetensors")[0]
    random = load_checkpoint(tmp_path / "whole" / "actions.safetensors")[0]
    assert _edges(shipped).abs().max() > 2 * _edges(random).abs().max(), "not started from"
    for name, value in whole.items():  # another process may round the last digit otherwise
        np.testing.assert_allclose(run[name], value, rtol=1e-3, atol=1e-4, err_msg=name)
    with metrics.open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [str(i + 1) for i in range(3)]
