"""Clips in, logits out, with OpenVINO or ONNX Runtime, and without PyTorch (``classify.run.pytorch``).

What they open is a file that ``classify.run.export`` made: it carries its own description. Opening one runs no code
from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classify.networks.profile import Profile, to_array
from classify.weights.description import CheckpointInfo
from ground.compute.compiled import compile_network
from ground.compute.openvino_package import openvino_package
from ground.compute.threads import num_threads
from ground.errors import InputError
from ground.packages import need

Frames = npt.NDArray[np.uint8]
Logits = Callable[[Frames], npt.NDArray[np.float32]]
"""uint8 (N, T, H, W, 3) RGB, of any size -> float32 (N, num_classes), not yet divided by the temperature."""

_LONGEST_REASON = 200
"""Letters of what a library says is wrong with a file."""
KEY = "courtscribe"
"""Under which the description is in the file, as JSON."""
SOURCE = "courtscribe_source"
"""Under which an OpenVINO file has the sha256 of the checkpoint that it was made of."""


class Opened(NamedTuple):
    """A classifier that is ready to run."""

    info: CheckpointInfo
    logits: Logits
    runtime: str
    """Name of the library that runs it."""


def probabilities(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """Softmax of float32 (N, num_classes), divided by the temperature first; computed in float64, rounded once."""
    x = logits.astype(np.float64) / temperature
    with np.errstate(invalid="ignore"):  # of a network that gives what is no number, that is what comes out
        x = np.exp(x - x.max(1, keepdims=True))
        return (x / x.sum(1, keepdims=True)).astype(np.float32)


def open_openvino(path: Path, precision: str = "f32") -> Opened:
    """An exported ``.xml`` or ``.onnx`` on the CPU, with as many threads as libraries are allowed.

    precision: "f32" or, where the processor has it, "bf16": faster, but not the same within 1e-3.
    Raises InputError when it cannot be read, is not a clip classifier, or does not say what its outputs are.
    """
    model = read_openvino(path)
    info = _description(path, note(model, KEY))
    _check_shapes(path, info, list(model.input(0).partial_shape)[1:], list(model.output(0).partial_shape)[1:])
    return Opened(info, openvino_logits(model, path, info.profile, precision), "openvino")


def read_openvino(path: Path) -> Any:
    """The ``openvino.Model`` in a file. Raises InputError when there is none, or it cannot be read."""
    what = "OpenVINO" if path.suffix == ".xml" else "ONNX"
    _check_there(path)
    openvino_package(f"{path}")
    from openvino import frontend

    # Not Core.read_model: it shows a bad file to one reader after the other, and some of them write to stderr.
    reader = frontend.FrontEndManager().load_by_framework({"OpenVINO": "ir", "ONNX": "onnx"}[what])
    failures = (frontend.GeneralFailure, frontend.OpConversionFailure, frontend.OpValidationFailure)
    try:
        return reader.convert(reader.load(str(path)))
    except UnicodeError as error:  # what is wrong with it is said in words of the file
        raise InputError(f"{path}: not an {what} model, or damaged (text that is none)") from error
    except (RuntimeError, frontend.NotImplementedFailure, frontend.InitializationFailure, *failures) as error:
        reason = ([line for line in str(error).splitlines() if line] or [type(error).__name__])[-1]
        raise InputError(f"{path}: not an {what} model, or damaged ({_printable(reason)})") from error


def _printable(reason: str) -> str:
    """What a library says of a file, which may quote it at length, as a part of a line."""
    return (reason if reason.isprintable() else ascii(reason)[1:-1])[:_LONGEST_REASON]


def openvino_logits(model: Any, path: Path, profile: Profile, precision: str = "f32") -> Logits:
    """An ``openvino.Model``, read from ``path``, on the CPU, clip by clip and several at once.

    OpenVINO lays out memory better for a size that it knows, and keeps more cores busy with a clip each than with a
    batch on all of them. It is compiled when there is the first clip: that takes half a second, and where actions are
    kept, nobody is found or other processes label, there is none.
    """
    openvino = openvino_package("this runtime")
    model.reshape([1, 3, profile.frames, profile.height, profile.width])
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision}
    threads = {"INFERENCE_NUM_THREADS": num_threads()}
    num_classes = model.output(0).shape[1]

    @cache
    def compiled() -> Any:
        return openvino.AsyncInferQueue(compile_network(model, settings | threads, path))

    def run(clips: Frames) -> npt.NDArray[np.float32]:
        logits = np.empty((len(clips), num_classes), np.float32)

        def keep(request: Any, row: int) -> None:
            logits[row] = request.get_output_tensor(0).data[0]

        queue = compiled()
        queue.set_callback(keep)
        # Each clip is made ready while others run. Made ready together they are so large that the C library's heap
        # breaks up between the video's frames: 3 MB more with each of these.
        for row in range(len(clips)):
            queue.start_async({0: to_array(clips[row : row + 1], profile)}, row)
        queue.wait_all()
        return logits

    return run


def open_onnxruntime(path: Path, device: str) -> Opened:
    """An exported ``.onnx``, on CUDA where ``device`` and this ONNX Runtime say so, else on the CPU.

    Raises InputError as ``open_openvino``.
    """
    _check_there(path)
    runtime = need(f"{path}", "onnxruntime")
    failures = tuple(e for e in vars(runtime.capi.onnxruntime_pybind11_state).values() if _is_error(e))
    options = runtime.SessionOptions()
    options.intra_op_num_threads = num_threads()
    wanted = ["CUDAExecutionProvider"] * device.startswith("cuda") + ["CPUExecutionProvider"]
    providers = [name for name in wanted if name in runtime.get_available_providers()]
    try:
        session = runtime.InferenceSession(str(path), options, providers=providers)
    except failures as error:
        reason = str(error).rsplit(":", 1)[-1].strip()
        raise InputError(f"{path}: not an ONNX model, or damaged ({reason})") from error
    info = _description(path, session.get_modelmeta().custom_metadata_map.get(KEY))
    _check_shapes(path, info, session.get_inputs()[0].shape[1:], session.get_outputs()[0].shape[1:])
    name = session.get_inputs()[0].name

    def run(clips: Frames) -> npt.NDArray[np.float32]:
        return session.run(None, {name: to_array(clips, info.profile)})[0]

    return Opened(info, run, "onnxruntime")


def _is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def note(model: Any, key: str) -> str | None:
    """What is said in an ``openvino.Model`` under ``key``: where its ONNX reader puts the file's metadata."""
    place = ["framework", key]
    return str(model.get_rt_info(place).value) if model.has_rt_info(place) else None


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file")


def _description(path: Path, text: str | None) -> CheckpointInfo:
    if text is None:
        raise InputError(f"{path}: does not say its labels; export it with: courtscribe weights export")
    try:
        return CheckpointInfo.from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _check_shapes(path: Path, info: CheckpointInfo, inputs: list[Any], outputs: list[Any]) -> None:
    """Raises InputError when the network takes or gives something else than its description says."""
    profile = info.profile
    wanted = [3, profile.frames, profile.height, profile.width], [len(info.labels)]
    if (found := ([str(n) for n in inputs], [str(n) for n in outputs])) != tuple([str(n) for n in w] for w in wanted):
        raise InputError(f"{path}: takes {found[0]} and gives {found[1]}, but its description says {wanted}")
