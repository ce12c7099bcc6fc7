"""YOLO as a Detector, run by OpenVINO or by ultralytics."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ground.compute.batches import Batches
from ground.disk.cache import cache_folder
from ground.errors import FullError, InputError, unwritable
from ground.frames import Frame, Image
from tracker.detect.ball_look import BallLook
from tracker.detect.int8 import int8_copy, int8_folder
from tracker.detect.letterbox import Found, Weak
from tracker.detect.openvino_yolo import OpenVinoYolo, open_openvino_yolo
from tracker.detect.weights import openvino_copy, resolve_weights
from tracker.detect.yolo import keep_weak, open_yolo
from tracker.types import Detections

_log = logging.getLogger("courtscribe")

REFEREE = "referee"
"""Name of the class of those who are on court and no players."""
BALLS, HOOPS = ("ball", "sports ball", "basketball"), ("hoop", "rim")
"""Names of the classes that are kept down to a low confidence: a path finds the ball among them."""
_PRECISION = "detector.precision"
_MOST_WEAK = 30
"""Boxes of ball and hoop in a picture."""
_RAREST = 10
"""Frames: who is seen more seldom cannot be followed at all."""
_SMALLEST = 8
"""Pixels: in a picture that is narrower or lower nobody can be found, and letterboxing it would leave no pixel."""


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """How people are found."""

    weights: str = ""
    """A ``.pt``, an exported model (ONNX file, OpenVINO folder, TensorRT engine) or a published ultralytics name."""
    imgsz: int = 960
    """Longest side in pixels at which the network looks. More finds smaller players and costs with the square."""
    confidence: float = 0.2
    """Boxes under it are dropped. Lower finds more of the hidden players and more of the crowd."""
    thing_confidence: float = 0.005
    """Boxes of ball and hoop under it are dropped. Lower finds the ball in more frames, among more that is none."""
    ball_weights: str = ""
    """A network that looks again at what may be the ball, see ``tracker.detect.ball_look``; empty: nobody does."""
    iou: float = 0.6
    """Of two boxes that overlap more, the weaker is dropped. Higher keeps players who stand behind each other."""
    classes: tuple[str, ...] = ()
    """Names of the classes to follow; empty: ``player`` where the detector has it, else ``person``."""
    runtime: str = "auto"
    """``torch``, ``openvino``, or ``auto``: OpenVINO on a CPU, PyTorch elsewhere. Exported models bring their own."""
    precision: str = "auto"
    """On a CPU. ``int8``: the copy in eight bits beside a ``.pt``; ``float32``; ``auto``: INT8 where there is one."""
    every: int = 1
    """Only each so many-th frame is looked at, by its number in the video; boxes between are filled in."""
    batch: int = 0
    """Frames per call; 0: 16 on a GPU, 1 on a CPU, where more does not help."""

    def __post_init__(self) -> None:
        if not 32 <= self.imgsz <= 8192:
            raise InputError(f"imgsz is 32 to 8192 pixels, not {self.imgsz}")
        if not (0 < self.confidence < 1 and 0 < self.iou <= 1):
            raise InputError(f"confidence and iou lie between 0 and 1, not {self.confidence} and {self.iou}")
        if not 0 < self.thing_confidence < 1:
            raise InputError(f"thing_confidence lies between 0 and 1, not {self.thing_confidence}")
        if self.runtime not in ("auto", "torch", "openvino"):
            raise InputError(f"runtime is auto, torch or openvino, not {self.runtime!r}")
        if self.precision not in ("auto", "int8", "float32"):
            raise InputError(f"precision is auto, int8 or float32, not {self.precision!r}")
        if not 1 <= self.every <= _RAREST:
            raise InputError(f"every is 1 to {_RAREST} frames, not {self.every}")
        if self.batch < 0:
            raise InputError(f"batch is 0 (automatic) or more, not {self.batch}")


class YoloDetector:
    """Any model that ultralytics can load, as a Detector; ultralytics is loaded where it is needed only.

    Raises InputError for weights that cannot be found, fetched or read, and for a ``.pt`` that could run code.
    """

    def __init__(self, config: DetectorConfig, device: str = "cpu") -> None:
        self.config = config
        self._device = device
        self._half = device.startswith("cuda")
        weights = chosen_weights(config, device)
        self._openvino = open_openvino_yolo(weights) if weights.is_dir() else None
        if self._openvino is not None:
            self._names, size, usual = self._openvino.names, self._openvino.fixed_size, self._openvino.size
            if size is None:
                _say_rounded(config, self._openvino.side(config.imgsz))
        else:
            self._model = open_yolo(weights, "detect", device)
            names: Any = self._model.names
            self._names = tuple(str(names[i]) for i in sorted(names))
            size, usual = _fixed_size(self._model), 16 if self._half else 1
        self._batches = Batches("frames", config.batch or usual)
        side_by_side = 1 if self._openvino is None else self._openvino.size
        self._threads = ThreadPoolExecutor(side_by_side, "detector")
        _say_size(config, size)
        self._things = [i for i, name in enumerate(self._names) if name in (*BALLS, *HOOPS)]
        self._weak = Weak(tuple(self._things), config.thing_confidence, _MOST_WEAK)
        if self._things and self._openvino is None:
            self._model.predict(np.zeros((64, 64, 3), np.uint8), **self._settings)  # by a predictor that stays
            keep_weak(self._model, self._things, config.thing_confidence, _MOST_WEAK)
        self._balls = [i for i in self._things if self._names[i] in BALLS]
        looks = config.ball_weights and self._balls
        self._look = BallLook(Path(config.ball_weights), side_by_side) if looks else None

    @property
    def batch(self) -> int:
        """Frames that go through the network together: fewer, once a GPU's memory was too small for so many."""
        return self._batches.size

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of class_id."""
        return self._names

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each frame, in the order of ``frames``; ``batch`` frames go through the network together."""
        return self._batches.run(self._detect_batch, frames)

    def _detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        large = [min(frame.image.shape[:2]) >= _SMALLEST for frame in frames]
        found = iter(self._found([frame.image for frame, is_large in zip(frames, large, strict=True) if is_large]))
        return [next(found) if is_large else Detections.empty() for is_large in large]

    def _found(self, images: Sequence[Image]) -> Iterable[Detections]:
        """What is in each of ``images``."""
        if (network := self._openvino) is not None:
            return self._threads.map(partial(self._found_by, network), images)
        if not images:
            return ()
        bgr = [cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in images]
        results = self._model.predict(bgr, **self._settings)
        read = (_read(result, self._things) for result in results)
        return [self._detections(found, image) for found, image in zip(read, images, strict=True)]

    def _found_by(self, network: OpenVinoYolo, image: Image) -> Detections:
        wanted = self.config
        found = network.find(image, wanted.imgsz, wanted.confidence, wanted.iou, self._weak)
        return self._detections(found, image)

    def _detections(self, found: Found, image: Image) -> Detections:
        boxes = _to_detections(found)
        if found.weak is None:
            return boxes
        things = _to_detections(found.weak)
        return replace(boxes, weak=things if self._look is None else self._looked_at(image, things, self._look))

    def _looked_at(self, image: Image, things: Detections, look: BallLook) -> Detections:
        is_ball = np.isin(things.class_id, self._balls)
        confidence = things.confidence.copy()
        confidence[is_ball] = look.judged(image, things[is_ball]).confidence
        return replace(things, confidence=confidence)

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "imgsz": self.config.imgsz,
            "conf": self.config.confidence,
            "iou": self.config.iou,
            "agnostic_nms": True,  # one person is a player or a referee, not both
            "device": self._device,
            "quantize": 16 if self._half else None,
            "verbose": False,
        }


def followed_classes(names: Sequence[str], wanted: Sequence[str] = ()) -> list[int]:
    """The class ids to follow: those named in ``wanted``, else ``player``, else ``person``.

    Raises InputError when the detector does not have them.
    """
    chosen = list(wanted) or [name for name in ("player", "person") if name in names][:1]
    missing = [name for name in chosen if name not in names]
    if missing or not chosen:
        what = f"does not know {', '.join(missing)}" if missing else "knows neither player nor person"
        listed = ", ".join(list(names)[:10])
        raise InputError(f"the detector {what}; name the classes to follow: {listed}", "detector.classes")
    return [list(names).index(name) for name in chosen]


def people_classes(names: Sequence[str], wanted: Sequence[str] = ()) -> list[int]:
    """The class ids of all who may be people: those that are followed, and referees."""
    return sorted({*followed_classes(names, wanted), *(i for i, name in enumerate(names) if name == REFEREE)})


def chosen_weights(config: DetectorConfig, device: str) -> Path:
    """The file or folder that a detector of ``config`` opens on ``device``. Raises InputError as YoloDetector."""
    weights, runtime = resolve_weights(config.weights), config.runtime
    has_openvino = importlib.util.find_spec("openvino") is not None
    if runtime == "openvino" and not has_openvino:
        raise InputError("the runtime openvino needs the package openvino: pip install openvino", "detector.runtime")
    if runtime == "openvino" and device != "cpu":
        raise InputError(f"the runtime openvino runs on the CPU, not on {device}; choose the device cpu", "device")
    wants_openvino = device == "cpu" and runtime != "torch" and has_openvino
    is_checkpoint = weights.suffix.lower() == ".pt"
    rounded = int8_copy(weights) if is_checkpoint and wants_openvino and config.precision != "float32" else None
    if rounded is None and config.precision == "int8":
        lack = f"{int8_folder(weights)} is not there or of other weights" if is_checkpoint else "it is no .pt"
        raise InputError(f"{weights}: has no INT8 copy for {device} and the runtime {runtime}: {lack}", _PRECISION)
    if rounded is not None:
        return rounded
    return _openvino_or_same(weights, runtime) if is_checkpoint and wants_openvino else weights


def _fixed_size(model: Any) -> tuple[int, int] | None:
    """Height and width of the only input that a network of ultralytics' takes; None: it takes any."""
    backend = model.predictor.model
    size = getattr(backend, "imgsz", None)
    return tuple(size) if size and not getattr(backend, "dynamic", True) else None


def _say_size(config: DetectorConfig, size: tuple[int, int] | None) -> None:
    """An exported model may look at one size only, whatever it is asked to do."""
    if size is not None and max(size) != config.imgsz:
        shape = "x".join(str(side) for side in reversed(size))
        _log.warning(
            "detector %s was exported to look at %s pixels and does so, not at %d", config.weights, shape, config.imgsz
        )


def _say_rounded(config: DetectorConfig, side: int) -> None:
    """A network takes multiples of its stride."""
    if side != config.imgsz:
        _log.warning("imgsz %d is rounded up to %d pixels, as the detector takes no other", config.imgsz, side)


def _openvino_or_same(weights: Path, runtime: str) -> Path:
    try:
        return openvino_copy(weights)
    except OSError as error:
        full = unwritable(cache_folder(), error)
        if isinstance(full, FullError):  # with PyTorch, what is found from here on would not be what was found before
            raise full from error
        place = f"{cache_folder()}: cannot be written ({error.strerror}); name another folder in COURTSCRIBE_CACHE"
        if runtime == "openvino":
            raise InputError(place) from error
        _log.warning("%s; detection goes on with PyTorch, which is slower", place)
        return weights


def _read(result: Any, things: Sequence[int]) -> Found:
    """ultralytics' Results of one picture. things: the classes of its weak boxes."""
    weak = getattr(result, "weak", None)
    told = None if weak is None else _boxes(weak)
    return _boxes(result.boxes)._replace(
        weak=told and told._replace(class_id=np.array(things, np.int64)[told.class_id.astype(np.int64)])
    )


def _boxes(found: Any) -> Found:
    boxes = found.cpu().numpy()
    return Found(np.asarray(boxes.xyxy, np.float32).reshape(-1, 4), boxes.conf, boxes.cls)


def _to_detections(found: Found) -> Detections:
    """Without boxes that were left without area where the picture ends."""
    solid = (found.xyxy[:, 2:] > found.xyxy[:, :2]).all(1)
    return Detections.of(found.xyxy[solid], found.confidence[solid], found.class_id[solid])
