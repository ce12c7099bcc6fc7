"""A checkpoint in other programs' formats: ONNX, OpenVINO, torch.export; with INT8 by calibration.

The network is captured once, by torch.export, and everything else is made of that. Every file carries the labels and
the preprocessing profile as JSON, and gives what the checkpoint gives, which is tried before it gets its name.
"""

from __future__ import annotations

import errno
import importlib.util
import io
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from classify.data.clips import BadClip, list_clips, read_file, refuse_too_many, sixteen
from classify.networks.profile import Profile, to_array
from classify.run.backends import KEY, SOURCE, Frames, Logits, open_onnxruntime, open_openvino, probabilities
from classify.run.pytorch import torch_logits
from classify.types import CLIP_HEIGHT, CLIP_LENGTH, CLIP_WIDTH
from classify.weights.description import CheckpointInfo
from classify.weights.kinetics import load_classifier
from ground.compute.int8 import to_int8
from ground.disk.files import sha256_of, write_atomically
from ground.errors import InputError, unwritable
from ground.packages import need, quiet

FORMATS = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
"""What can be exported to, and how the file's name ends."""
PARITY = 1e-3
"""Probabilities of a copy differ from the checkpoint's by no more."""
_PACKAGES = {"onnx": ("onnx", "onnxscript"), "openvino": ("openvino",)}
"""What writes a format."""
_CALIBRATION = 100
"""Clips that an INT8 copy is fitted to. Twice as many take twice as long and change little."""
_FEWEST = 20
"""Clips below which the range of a network's values cannot be guessed."""
_ROUNDED = {"Convolution", "GroupConvolution", "MatMul"}
"""OpenVINO's operators that INT8 makes faster."""
_UNEXPORTABLE = (RuntimeError, ValueError, TypeError, AssertionError, LookupError, AttributeError, NotImplementedError)
"""What the libraries raise for a network that they cannot express."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how it compares with its checkpoint."""

    info: CheckpointInfo
    difference: float
    """Of probabilities: the largest on noise, or for INT8 the mean over clips that it was not fitted to."""
    agreement: float = 1.0
    """INT8: share of these clips to which both give the same label."""
    clips: int = 0
    """INT8: how many they are."""


def export_checkpoint(checkpoint: Path, to: str, output: Path, calibration: Path | None = None) -> Exported:
    """Write ``checkpoint`` to ``output`` in the format ``to`` (see ``FORMATS``), whole or not at all.

    calibration: clips (see ``classify.data.clips.list_clips``; labels do not matter) whose values decide how the
    network
        is rounded to INT8; half of up to 200 are used for it, and both networks are compared on the others.
    Raises InputError for a bad checkpoint, format, name or folder, a package that is missing, a network that the format
    cannot express, and a copy that says other than its checkpoint.
    """
    if to not in FORMATS:
        raise InputError(f"no format is called {to!r}; there are {', '.join(FORMATS)}")
    if output.suffix != FORMATS[to]:
        raise InputError(f"{output}: the name of a file for {to} ends in {FORMATS[to]}")
    if calibration is not None and to != "openvino":
        raise InputError(f"INT8 is for the format openvino, not for {to}", setting="to")
    model, info = load_classifier(checkpoint)
    clips = None if calibration is None else _read_clips(calibration)
    return write_copy(model, info, to, output, clips, sha256_of(checkpoint))


def write_copy(
    model: nn.Module,
    info: CheckpointInfo,
    to: str,
    output: Path,
    clips: Frames | None = None,
    source: str = "",
) -> Exported:
    """Write ``model`` (float32, on the CPU) to ``output``; with ``clips``, uint8 (N, 16, 176, 128, 3), in INT8.

    source: sha256 of its checkpoint; for OpenVINO it is kept in the file (see ``classify.run.int8``).
    Raises InputError as ``export_checkpoint``.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
            made = Path(folder) / output.name
            with quiet(), _one_line(to):
                _library(to)  # before the network is captured, which takes seconds
                if clips is not None:
                    need("INT8", "nncf")
                _WRITE[to](_capture(model, info.profile), info, made, None if clips is None else clips[::2], source)
            compared = _compare(model, info, _open(made, to, info.profile), clips)
            for part in sorted(made.parent.iterdir(), key=lambda p: p == made):  # the one that is looked for comes last
                with write_atomically(output.with_name(part.name)) as place:
                    part.replace(place)
            return compared
    except OSError as error:
        raise unwritable(output, error) from error


def _library(to: str) -> Any:
    """The package that writes ``to``; None where PyTorch does. Raises InputError where it is missing."""
    return need(f"the format {to}", *_PACKAGES[to]) if to in _PACKAGES else None


def _capture(model: nn.Module, profile: Profile) -> Any:
    """The network as a ``torch.export.ExportedProgram`` of any number of clips."""
    example = torch.zeros(2, 3, profile.frames, profile.height, profile.width)
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(model.eval(), (example,), dynamic_shapes=({0: batch},))


def _write_torch(program: Any, info: CheckpointInfo, path: Path, clips: Frames | None, source: str) -> None:
    buffer = io.BytesIO()  # given a path on a full disk, torch takes the whole process down
    torch.export.save(program, buffer, extra_files={KEY: info.to_json()})
    path.write_bytes(buffer.getvalue())


def _write_openvino(program: Any, info: CheckpointInfo, path: Path, clips: Frames | None, source: str) -> None:
    openvino = _library("openvino")
    model = openvino.convert_model(program)
    shape = [3, info.profile.frames, info.profile.height, info.profile.width]
    if clips is not None:
        model.reshape([1, *shape])
        model = _to_int8(model, clips, info.profile)
    model.reshape([-1, *shape])
    model.set_rt_info(info.to_json(), ["framework", KEY])
    model.set_rt_info(source, ["framework", SOURCE])
    try:
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:  # "iostream error" is all that it says
        raise OSError(errno.ENOSPC, "writing failed, as on a full disk") from error


def _write_onnx(program: Any, info: CheckpointInfo, path: Path, clips: Frames | None, source: str) -> None:
    onnx = _library("onnx")
    names: dict[str, Any] = {"input_names": ["clips"], "output_names": ["logits"]}
    plain = program.run_decompositions({torch.ops.aten.adaptive_max_pool2d.default: _max_in_cells})
    exported: Any = torch.onnx.export(plain, dynamo=True, external_data=False, verbose=False, **names)
    model = exported.model_proto
    model.metadata_props.add(key=KEY, value=info.to_json())
    onnx.save(model, path)


def _max_in_cells(x: torch.Tensor, grid: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """``adaptive_max_pool2d`` of (N, C, H, W) in operators that ONNX has; the second value, unused here, is not its.

    A cell goes from ``size i / number`` rounded down to ``size (i + 1) / number`` rounded up, so that cells overlap
    where the grid does not divide the size. PyTorch's own is ten times as fast, which is why the network has that one.
    """
    for dim, number in zip((2, 3), grid, strict=True):
        size = x.shape[dim]
        edges = [(size * i // number, -(-size * (i + 1) // number)) for i in range(number)]
        x = torch.stack([x.narrow(dim, low, high - low).amax(dim) for low, high in edges], dim)
    return x, torch.zeros_like(x, dtype=torch.int64)


_WRITE = {"torch": _write_torch, "openvino": _write_openvino, "onnx": _write_onnx}


def _to_int8(model: Any, clips: Frames, profile: Profile) -> Any:
    """An ``openvino.Model`` with convolutions and matrix products in INT8, so that ``clips`` come out as before.

    Arithmetic on features keeps its precision, and so does the last matrix product, since they mix values of many
    sizes: of 100 clips, the small network gave 96 the same label, about 80 with that arithmetic rounded too, and
    hardly any with the last product. The fast bias correction keeps 84. Seven bits for the weights, so that processors
    without VNNI give the same.
    """
    samples = [to_array(clip[None], profile) for clip in clips]
    last = [op.get_friendly_name() for op in model.get_ordered_ops() if op.get_type_name() == "MatMul"][-1:]

    def is_exact(op: Any) -> bool:
        return op.get_type_name() not in _ROUNDED or op.get_friendly_name() in last

    return to_int8(model, samples, is_exact, fast_bias_correction=False, same_everywhere=True)


def _open(path: Path, to: str, profile: Profile) -> Logits:
    if to == "openvino":
        return open_openvino(path).logits
    if to == "onnx":
        has_runtime = importlib.util.find_spec("onnxruntime") is not None
        return (open_onnxruntime(path, "cpu") if has_runtime else open_openvino(path)).logits
    return torch_logits(cast(Any, torch.export.load(path)).module(), profile)


def _compare(model: nn.Module, info: CheckpointInfo, copy: Logits, clips: Frames | None) -> Exported:
    """How the copy compares with its checkpoint. Raises InputError when it should be the same and is not."""
    seen = _noise() if clips is None else clips[1::2]
    batches = [seen[i : i + 8] for i in range(0, len(seen), 8)]
    original = torch_logits(model, info.profile)
    wanted, got = (
        probabilities(np.concatenate([run(batch) for batch in batches]), info.temperature) for run in (original, copy)
    )
    gap = np.abs(wanted - got)
    if clips is not None:
        same = float((wanted.argmax(1) == got.argmax(1)).mean())
        return Exported(info, float(gap.mean()), same, len(seen))
    if not float(gap.max()) <= PARITY:
        raise InputError(
            f"{info.model}: the copy's probabilities differ from the checkpoint's by {float(gap.max()):.2g}"
        )
    return Exported(info, float(gap.max()))


def _noise() -> Frames:
    return np.random.default_rng(0).integers(0, 256, (2, CLIP_LENGTH, CLIP_HEIGHT, CLIP_WIDTH, 3), dtype=np.uint8)


def _read_clips(source: Path) -> Frames:
    """Up to 200 clips from all over ``source``, uint8 (N, 16, 176, 128, 3). Raises InputError for too few."""
    files = list_clips([source])
    files = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, 2 * _CALIBRATION).astype(int))]
    read = [read_file(file) for file in files]
    refuse_too_many(len(read), [r for r in read if isinstance(r, BadClip)], 0.1, source)
    clips = [sixteen(clip.frames) for found in read if not isinstance(found, BadClip) for clip in found]
    if len(clips) < _FEWEST:
        raise InputError(f"{source}: {len(clips)} clips are too few to calibrate with; give {_FEWEST} or more")
    return np.stack(clips[: 2 * _CALIBRATION])


@contextmanager
def _one_line(to: str) -> Generator[None]:
    try:
        yield
    except (InputError, OSError):
        raise
    except _UNEXPORTABLE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"this network cannot be exported to {to} ({reason[:120]})") from error
