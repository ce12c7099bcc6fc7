"""The one door to ultralytics: no code of a file runs, whoever imported it first, and the process stays as it was."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import cv2
import numpy as np
import pytest
import torch

from ground.errors import InputError
from pipeline.shipped import WEIGHTS
from tracker.detect.detector import DetectorConfig, YoloDetector
from tracker.detect.features import export_backbone
from tracker.detect.teachers import see_ball, see_joints
from tracker.detect.train import train_detector
from tracker.detect.weights import openvino_copy
from tracker.detect.yolo import contained, open_checkpoint, open_yolo

_ROOT = Path(__file__).parents[3]
_PLAYERS = WEIGHTS / "players.pt"
_PICTURES = np.zeros((1, 176, 128, 3), np.uint8)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch $COURTSCRIBE_EVIL",)


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURTSCRIBE_EVIL", str(tmp_path / "it-ran"))
    torch.save({"model": _Evil(), "epoch": 1}, tmp_path / "evil.pt")
    return tmp_path / "evil.pt"


@pytest.fixture
def imported_before_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """ultralytics as a program finds it that imports it first: pickles are opened, packages installed."""
    with contained:
        from ultralytics.nn import tasks
        from ultralytics.utils import checks
    monkeypatch.setattr(tasks, "SAFE_LOAD", False)
    monkeypatch.setattr(checks, "AUTOINSTALL", True)


@pytest.mark.usefixtures("imported_before_us")
def test_no_code_in_a_checkpoint_is_run_at_any_door(evil: Path) -> None:
    data = evil.parent / "set"
    for folder in ("images", "labels"):
        (data / folder).mkdir(parents=True)
    (data / "data.yaml").write_text("names: [player]\n")
    cv2.imwrite(str(data / "images/a.jpg"), np.zeros((64, 64, 3), np.uint8))
    (data / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    work = evil.parent / "work"
    for door in (
        lambda: export_backbone(evil, evil.parent / "layers.safetensors"),
        lambda: see_joints(evil, _PICTURES),
        lambda: see_ball(evil, _PICTURES),
        lambda: YoloDetector(DetectorConfig(str(evil), runtime="torch")),
        lambda: YoloDetector(DetectorConfig(str(evil), runtime="openvino")),
        lambda: openvino_copy(evil),
        lambda: train_detector(data, evil, evil.parent / "mine.pt", work),
    ):
        with pytest.raises(InputError, match=r"evil\.pt: .*ULTRALYTICS_SAFE_LOAD=false"):
            door()
    assert not (evil.parent / "it-ran").exists()


@pytest.mark.slow
def test_a_program_that_imported_ultralytics_first_is_as_safe(evil: Path) -> None:
    program = (
        "import ultralytics.nn.tasks\nfrom pathlib import Path\nfrom tracker.detect.yolo import open_yolo\n"
        f"open_yolo(Path({str(evil)!r}))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ULTRALYTICS_SAFE_LOAD"} | {"PYTHONPATH": str(_ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert "InputError" in ran.stderr and "could run code" in ran.stderr
    assert not (evil.parent / "it-ran").exists()


def test_who_trusts_a_file_may_say_so(evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ULTRALYTICS_SAFE_LOAD", "false")
    with pytest.raises(InputError):  # what ran is no model
        open_yolo(evil)
    assert (evil.parent / "it-ran").exists()


def test_an_ultralytics_that_cannot_open_safely_opens_nothing(evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contained:
        from ultralytics.nn import tasks
    monkeypatch.delattr(tasks, "SAFE_LOAD")
    with pytest.raises(InputError, match="would run any code in it; install a newer one"):
        open_yolo(evil)
    assert not (evil.parent / "it-ran").exists()


@pytest.mark.parametrize("name", ["net.yaml", "net.pt.yml", "net.pb", "net", "net.pkl", "net_saved_model"])
def test_only_kinds_that_are_data_get_in(tmp_path: Path, name: str) -> None:
    """ultralytics evaluates the expressions in a model's .yaml."""
    ran = tmp_path / "it-ran"
    text = f"nc: 1\nactivation: open({str(ran)!r}, 'w').close()\nbackbone: []\nhead: []\n"
    if name.endswith("model"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.xml").write_text(text)
    else:
        (tmp_path / name).write_text(text)
    for door in (open_yolo, open_checkpoint):
        with pytest.raises(InputError, match=name):
            door(tmp_path / name)
    assert not ran.exists()


def _process() -> dict[str, object]:
    return {
        "environment": dict(os.environ),
        "torch": (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()),
        "OpenCV": cv2.getNumThreads(),
        "NumPy": np.get_printoptions(),
        "log": logging.getLogger("ultralytics").level,
        "telemetry": "openvino_telemetry" in sys.modules,
    }


@pytest.mark.slow
def test_the_process_stays_as_it_was(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with contained:
        from ultralytics.nn import tasks
        from ultralytics.utils import checks
    monkeypatch.delenv("YOLO_OFFLINE")
    monkeypatch.setattr(tasks, "SAFE_LOAD", False)
    monkeypatch.setattr(checks, "AUTOINSTALL", True)
    logging.getLogger("ultralytics").setLevel(logging.INFO)
    before = _process()
    open_yolo(openvino_copy(_PLAYERS))
    open_yolo(_PLAYERS)
    with pytest.raises(InputError):
        open_yolo(_ROOT / "none.pt")
    import openvino

    assert _process() == before
    assert tasks.SAFE_LOAD is False and checks.AUTOINSTALL is True
    assert openvino.Core.__module__.startswith("openvino")
    assert capfd.readouterr().out == ""


def test_the_last_of_several_threads_puts_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with contained:
        from ultralytics.nn import tasks
    monkeypatch.setattr(tasks, "SAFE_LOAD", False)
    inside, seen = Barrier(4), list[bool]()

    def enter() -> None:
        for _ in range(50):
            with contained:
                inside.wait()
                seen.append(tasks.SAFE_LOAD)

    threads = [Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen) and len(seen) == 200 and tasks.SAFE_LOAD is False


@pytest.mark.slow
def test_the_same_boxes_on_any_processor() -> None:
    """OpenVINO would take bfloat16 where the processor knows it, and a graphics chip where there is one."""
    compiled = open_yolo(openvino_copy(_PLAYERS)).predictor.model.ov_compiled_model
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert compiled.get_property("EXECUTION_DEVICES") == ["CPU"]


def test_a_renamed_openvino_folder_says_how_it_must_be_called(tmp_path: Path) -> None:
    shutil.copytree(openvino_copy(_PLAYERS), tmp_path / "mine")
    with pytest.raises(InputError, match="ends in _openvino_model"):
        open_yolo(tmp_path / "mine")
