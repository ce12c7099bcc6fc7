"""A classifier in eight bits: the copy beside its checkpoint, which a processor takes where it is there.

``classify.run.export`` makes it of clips like those that it is to see. It takes about half of the time of float32.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from pathlib import Path

from classify.run.backends import SOURCE, note, read_openvino
from ground.disk.files import sha256_of
from ground.errors import InputError

PRECISIONS = ("auto", "int8", "float32")
"""What the setting ``precision`` takes. "auto": the copy in eight bits where there is one."""
_PRECISION = "classifier.precision"
"""The setting that mends it."""


def int8_file(checkpoint: Path) -> Path:
    """Where the INT8 copy of a checkpoint lies: beside it."""
    return checkpoint.with_name(f"{checkpoint.stem}_int8.xml")


def int8_copy(checkpoint: Path) -> Path | None:
    """The INT8 copy of a checkpoint; None where there is none, or it was made of other weights."""
    copy = int8_file(checkpoint)
    with suppress(InputError, OSError):
        if copy.is_file() and note(read_openvino(copy), SOURCE) == sha256_of(checkpoint):
            return copy
    return None


def chosen_file(weights: Path, device: str, runtime: str = "auto", precision: str = "auto") -> Path:
    """The file that a classifier opens: ``weights``, or the INT8 copy of a checkpoint.

    device: as ``ground.compute.devices.resolve_device`` gives it. Only a processor that may choose what runs the
    network takes the copy. Raises InputError for an unknown precision, and where "int8" is asked for and there is none.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision is {', '.join(PRECISIONS)}, not {precision!r}", _PRECISION)
    may_choose = device == "cpu" and runtime == "auto" and importlib.util.find_spec("openvino") is not None
    is_checkpoint = weights.suffix == ".safetensors"
    rounded = int8_copy(weights) if may_choose and is_checkpoint and precision != "float32" else None
    if rounded is None and precision == "int8":
        lack = f"{int8_file(weights)} is not there or of other weights" if is_checkpoint else "it is no checkpoint"
        raise InputError(f"{weights}: has no INT8 copy for {device} and the runtime {runtime}: {lack}", _PRECISION)
    return rounded or weights
