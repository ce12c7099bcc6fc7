"""A YOLO network in OpenVINO's format at work without ultralytics and PyTorch, which take seconds to load and memory.

What ultralytics would do with it is done here for the plain kind, to the same boxes; what is not plain is left to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import yaml

from ground.compute.compiled import compile_network
from ground.compute.openvino_package import openvino_package
from ground.compute.threads import num_threads
from ground.errors import InputError
from ground.frames import Image
from tracker.detect.letterbox import Found, Letterbox, Weak, read_chosen, read_output, read_weak
from tracker.types import FloatArray

_MOST_STREAMS = 4
"""More take memory, and cores that decoding and drawing need; processes take the rest."""
_CHOSEN = 6
"""Columns of a table of boxes among which the network has chosen."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an exported network says of itself."""

    names: tuple[str, ...]
    stride: int
    fixed: tuple[int, int] | None
    """Height and width of the only input that it takes; None: it takes any."""


class OpenVinoYolo:
    """Finds objects in pictures, for ``size`` threads at once, a core each, in float32 and on the processor.

    OpenVINO would take bfloat16 where the processor knows it, and a graphics chip where there is one: the same video
    would give other boxes on another machine.
    """

    def __init__(self, model: Any, facts: _Facts, graph: Path) -> None:
        """Use ``open_openvino_yolo``."""
        self._facts = facts
        self.size = min(_MOST_STREAMS, num_threads())
        """Pictures that it looks at side by side."""
        self._has_chosen = model.output(0).get_partial_shape()[2] == _CHOSEN
        self._free = self._requests(model, graph)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes, in the order of their numbers."""
        return self._facts.names

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width in pixels of the only input that it takes; None: it takes any."""
        return self._facts.fixed

    def letterbox(self, image: Image, imgsz: int) -> Letterbox:
        """How a picture comes into the network. imgsz: longest side, pixels, rounded up to a multiple of its stride."""
        picture = (image.shape[0], image.shape[1])
        if self._facts.fixed is not None:
            return Letterbox.of(picture, self._facts.fixed)
        side = self.side(imgsz)
        return Letterbox.of(picture, (side, side), self._facts.stride)

    def side(self, imgsz: int) -> int:
        """``imgsz`` rounded up to a multiple of the network's stride."""
        return -(-imgsz // self._facts.stride) * self._facts.stride

    def find(self, image: Image, imgsz: int, confidence: float, most_overlap: float, weak: Weak | None = None) -> Found:
        """What is in ``image``, uint8 (H, W, 3) RGB; boxes in pixels of the picture, some may be empty.

        weak: what to tell besides; a network that chooses its boxes itself cannot.
        """
        box = self.letterbox(image, imgsz)
        output = self._infer(box.fill(image))
        read = read_chosen if self._has_chosen else read_output
        found = read(output, confidence, most_overlap)
        found = found._replace(xyxy=box.in_picture(found.xyxy))
        if weak is None or not weak.classes or self._has_chosen:
            return found
        faint = read_weak(output, weak)
        return found._replace(weak=faint._replace(xyxy=box.in_picture(faint.xyxy)))

    def _infer(self, inputs: FloatArray) -> FloatArray:
        """float32 (1, 3, h, w) -> the output for the picture."""
        request = self._free.get()
        try:
            return request.infer([inputs])[0][0]
        finally:
            self._free.put(request)

    def _requests(self, model: Any, graph: Path) -> SimpleQueue[Any]:
        """Requests that nobody uses."""
        settings = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": self.size}
        compiled, free = compile_network(model, settings, graph), SimpleQueue[Any]()
        for _ in range(self.size):
            free.put(compiled.create_infer_request())
        return free


def open_openvino_yolo(folder: Path) -> OpenVinoYolo | None:
    """The network in a folder that ultralytics exported; None where it is damaged, or none of the plain kind."""
    facts = _read_facts(folder / "metadata.yaml")
    graph = next(folder.glob("*.xml"), None)
    if facts is None or graph is None:
        return None
    try:
        model = openvino_package(f"{folder}").Core().read_model(graph)
        return OpenVinoYolo(model, facts, graph) if _is_plain(model, facts) else None
    except (InputError, RuntimeError):
        return None


def _read_facts(metadata: Path) -> _Facts | None:
    """What ultralytics wrote beside the network; None where that is not of a detector, or not to be understood."""
    try:
        told: Any = yaml.safe_load(metadata.read_text(encoding="utf-8"))
        names, arguments = told["names"], told.get("args") or {}
        if told["task"] != "detect" or int(told.get("channels", 3)) != 3 or sorted(names) != list(range(len(names))):
            return None
        fixed = None if arguments.get("dynamic") else tuple(int(side) for side in told["imgsz"])
        if fixed is not None and (len(fixed) != 2 or int(told["batch"]) != 1):
            return None
        return _Facts(tuple(str(names[i]) for i in range(len(names))), int(told["stride"]), fixed)
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError):
        return None


def _is_plain(model: Any, facts: _Facts) -> bool:
    """Whether it takes pictures and gives one table of boxes: (1, 4 + classes, N), or, chosen already, (1, N, 6)."""
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not facts.names:
        return False
    taken, given = model.input(0).get_partial_shape(), model.output(0).get_partial_shape()
    if len(taken) != 4 or len(given) != 3 or taken[1] != 3 or (facts.fixed and list(taken)[2:] != list(facts.fixed)):
        return False
    return given[2] == _CHOSEN or given[1] == 4 + len(facts.names)
