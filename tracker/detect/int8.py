"""A detector in eight bits: made once of pictures like those that it is to see, and kept beside its weights.

On a processor it takes about half of the time of float32. The head's last convolutions, which give scores and edges of
boxes, and what comes after them stay in float32: with these in eight bits, too, more boxes are nobody's. With the rest
of the head in float32 nothing is nearer to what float32 finds, and a picture takes a fifth longer.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ground.compute.int8 import to_int8
from ground.compute.openvino_package import openvino_package
from ground.disk.files import sha256_of
from ground.errors import InputError
from ground.frames import Frame
from ground.packages import need, quiet
from tracker.detect.openvino_yolo import open_openvino_yolo
from tracker.detect.weights import openvino_copy

_SUFFIX = "_int8_openvino_model"
"""What the folder's name ends in; ultralytics wants the last two words."""
_SOURCE = "source.sha256"
"""File in it with the digest of the weights that it was made of."""
_HIDDEN = re.compile(r"\.\d+\.conv/")
"""In the names of convolutions that an activation follows: not of the last ones."""
_FEWEST = 20
"""Pictures below which the range of a network's values cannot be guessed."""


def int8_folder(weights: Path) -> Path:
    """Where the INT8 copy of a ``.pt`` lies: beside it."""
    return weights.with_name(weights.stem + _SUFFIX)


def int8_copy(weights: Path) -> Path | None:
    """The INT8 copy of a ``.pt``; None where there is none, or it was made of other weights."""
    folder = int8_folder(weights)
    try:
        made_of = (folder / _SOURCE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return folder if made_of == sha256_of(weights) else None


def make_int8(weights: Path, frames: Iterable[Frame], output: Path, imgsz: int) -> int:
    """Quantise a ``.pt`` by what it makes of ``frames`` -> how many there were.

    output: the folder, which is made; see ``int8_folder`` for where the detector looks for it. imgsz: the longest side
    in pixels at which it looks. Seven bits for the weights, so that processors without VNNI give the same.
    Raises InputError for weights that are no ``.pt``, for too few frames, and where NNCF is missing.
    """
    need("INT8", "nncf")
    source = openvino_copy(weights)
    if (network := open_openvino_yolo(source)) is None:
        raise InputError(f"{weights}: only a plain detector of boxes can be quantised")
    samples = [network.letterbox(frame.image, imgsz).fill(frame.image) for frame in frames]
    if len(samples) < _FEWEST:
        raise InputError(f"{len(samples)} pictures are too few to quantise by; give {_FEWEST} or more")
    openvino: Any = openvino_package("INT8")
    (graph,) = source.glob("*.xml")
    model = openvino.Core().read_model(graph)
    head = _head([op.get_friendly_name() for op in model.get_ordered_ops()])

    def is_exact(op: Any) -> bool:
        return op.get_friendly_name().startswith(head) and not _HIDDEN.search(op.get_friendly_name())

    with quiet():
        made = to_int8(model, samples, is_exact, same_everywhere=True)
    output.mkdir(parents=True, exist_ok=True)
    openvino.save_model(made, output / graph.name, compress_to_fp16=False)
    shutil.copy(source / "metadata.yaml", output)
    (output / _SOURCE).write_text(sha256_of(weights) + "\n", encoding="utf-8")
    return len(samples)


def _head(names: Sequence[str]) -> str:
    """How the names of the operators of the last layer begin: ``__module.model.23.``."""
    numbers = [int(name.split(".")[2].split("/")[0]) for name in names if name.startswith("__module.model.")]
    if not numbers:
        raise InputError("the network does not name its layers, so its head cannot be told")
    return f"__module.model.{max(numbers)}"
