"""An exported detector without ultralytics and PyTorch: the same boxes; what is not plain is left to ultralytics."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import yaml

from ground.compute.openvino_package import INSTRUCTIONS
from ground.errors import InputError
from ground.frames import Image
from ground.video.source import open_video
from pipeline.shipped import WEIGHTS
from tracker.detect import openvino_yolo
from tracker.detect.detector import DetectorConfig, YoloDetector, _read, _to_detections
from tracker.detect.int8 import int8_folder
from tracker.detect.openvino_yolo import OpenVinoYolo, open_openvino_yolo
from tracker.detect.yolo import open_yolo
from tracker.types import Detections

_ROOT = Path(__file__).parents[3]
_INT8 = int8_folder(WEIGHTS / "players.pt")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(_INT8, tmp_path / "mine_openvino_model")


def _opened(folder: Path) -> OpenVinoYolo:
    opened = open_openvino_yolo(folder)
    assert opened is not None
    return opened


def _boxes(network: OpenVinoYolo, images: list[Image], imgsz: int) -> list[np.ndarray]:
    return [_columns(_to_detections(network.find(image, imgsz, 0.2, 0.6))) for image in images]


def _columns(found: Detections) -> np.ndarray:
    return np.column_stack([found.xyxy, found.confidence, found.class_id])


@pytest.fixture(scope="module")
def pictures(shared: Path) -> list[Image]:
    images: list[Image] = []
    for name in ("netba_NYK-BOS.mp4", "nbaction_Layup.mov"):
        with open_video(shared / "videos" / name) as video:
            images += [frame.image for frame in islice(video, 0, 80, 40)]
    return images


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["players, eight bits", "COCO, one size only"])
def test_the_same_boxes_to_the_bit_as_ultralytics(kind: str, pictures: list[Image], shared: Path) -> None:
    folder = _INT8 if kind.startswith("players") else shared / "weights/yolo11n_int8_openvino_model"
    settings = {"conf": 0.2, "iou": 0.6, "agnostic_nms": True, "imgsz": 640, "device": "cpu", "verbose": False}
    reference = open_yolo(folder)
    ours = _boxes(_opened(folder), pictures, 640)
    for image, found in zip(pictures, ours, strict=True):
        (theirs,) = reference.predict(image[..., ::-1].copy(), **settings)
        np.testing.assert_array_equal(found, _columns(_to_detections(_read(theirs, ()))))
    assert sum(len(found) for found in ours) > 20


_FIND = """
import hashlib, sys
from pathlib import Path
import numpy as np
from tracker.detect.openvino_yolo import open_openvino_yolo
network = open_openvino_yolo(Path(sys.argv[1]))
found = [network.find(image, 320, 0.2, 0.6) for image in np.load(sys.argv[2])]
print(hashlib.sha256(b"".join(np.column_stack(one[:3]).tobytes() for one in found)).hexdigest(), sum(map(len, found)))
"""


@pytest.mark.slow
def test_any_processor_gives_the_same_boxes_to_the_bit(pictures: list[Image], tmp_path: Path) -> None:
    """Processors with fewer instructions, or others, as oneDNN imitates them; one with fewer is itself."""
    np.save(tmp_path / "pictures.npy", np.stack([image[:640, :360] for image in pictures]))
    command = [sys.executable, "-c", _FIND, str(_INT8), str(tmp_path / "pictures.npy")]

    def told(**more: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != INSTRUCTIONS}
        environment |= {"PYTHONPATH": str(_ROOT), **more}
        return subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True, text=True).stdout

    itself = told()
    for instructions in ("AVX2", "AVX512_CORE_VNNI"):
        assert told(**{INSTRUCTIONS: instructions}) == itself, instructions


@pytest.mark.slow
def test_on_any_processor_it_is_the_processor_and_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_yolo, "num_threads", lambda: 1)
    network = _opened(_INT8)
    compiled = network._free.get().get_compiled_model()
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert compiled.get_property("EXECUTION_DEVICES") == ["CPU"]
    assert network.size == compiled.get_property("NUM_STREAMS") == 1


@pytest.mark.slow
def test_several_may_ask_at_once_and_networks_come_and_go() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    for _ in range(2):
        network, found = _opened(_INT8), list[list[np.ndarray]]()
        askers = [Thread(target=lambda n=network, f=found: f.append(_boxes(n, [image] * 3, 160))) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(60)
        assert len(found) == 4
        assert all(np.array_equal(boxes, found[0][0]) for several in found for boxes in several)


_ASK_AT_ONCE = """
import sys
from threading import Event, Thread
from ground.compute.openvino_package import openvino_package
sys.setswitchinterval(1e-5)
compiled = openvino_package("a test").Core().compile_model(sys.argv[1], "CPU", {"NUM_STREAMS": 2})
tensors, go = [compiled.create_infer_request().get_output_tensor(0) for _ in range(8)], Event()
def ask(tensor):
    while not go.is_set():
        pass
    tensor.data
threads = [Thread(target=ask, args=(tensor,)) for tensor in tensors]
for thread in threads:
    thread.start()
go.set()
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
def test_the_first_arrays_of_a_process_may_be_asked_for_by_several_threads() -> None:
    """With OpenVINO's package as it is, five of six such processes wait for ever."""
    command = [sys.executable, "-c", _ASK_AT_ONCE, str(_INT8 / "detector.xml")]
    for _ in range(2):
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(_ROOT)}, check=True, timeout=60)


def _change(folder: Path, **changes: object) -> None:
    path = folder / "metadata.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "pose"},
        {"channels": 1},
        {"names": {0: "player", 1: "referee"}},
        {"names": {1: "player", 2: "referee", 3: "ball", 4: "hoop"}},
        {"names": ["player", "referee", "ball", "hoop"]},
        {"args": {"dynamic": False}, "batch": 4},
        {"args": {"dynamic": False}, "imgsz": 640},
        {"args": "none"},
        {"stride": "wide"},
    ],
)
def test_what_is_not_plain_is_left_to_ultralytics(copy: Path, changes: dict[str, object]) -> None:
    _change(copy, **changes)
    assert open_openvino_yolo(copy) is None


@pytest.mark.parametrize("part", ["metadata.yaml", "detector.xml", "detector.bin"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0[", b"{: ]"])
def test_what_is_damaged_is_said_as_ever(copy: Path, part: str, content: bytes) -> None:
    (copy / part).write_bytes(content)
    assert open_openvino_yolo(copy) is None
    if part == "detector.xml":
        with pytest.raises(InputError, match="not a model that ultralytics can read"):
            YoloDetector(DetectorConfig(str(copy)))
