"""Which library runs a classifier: chosen by name, or the fastest one that says the same.

On a CPU that is OpenVINO, for every network here (``benchmarks/results/classifier.md``). A checkpoint is converted the
first time that it is used there; the copy is kept in the user's cache.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import inspect
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from classify.run.backends import Opened, open_onnxruntime, open_openvino, prepare, torch_logits
from classify.run.export import FORMATS, write_copy
from classify.weights.checkpoint import CheckpointInfo
from classify.weights.kinetics import load_classifier
from ground.disk import cache
from ground.errors import FullError, InputError
from ground.packages import need

RUNTIMES = ("auto", "torch", "openvino", "onnxruntime")
"""What the setting ``runtime`` takes. "auto": OpenVINO on a CPU, PyTorch elsewhere; exported files bring their own."""
_READS = {".xml": ("openvino",), ".onnx": ("openvino", "onnxruntime")}
"""Libraries that run an exported file, the faster one first."""

_log = logging.getLogger("courtscribe")


def open_classifier(path: Path, device: torch.device, runtime: str = "auto") -> Opened:
    """A classifier that is ready to run: a checkpoint, or a file that ``courtscribe weights export`` made of one.

    device: where PyTorch runs it, and ONNX Runtime when it can; OpenVINO runs on the CPU.
    Raises InputError for a bad file, an unknown runtime, one that is not installed or does not fit file or device, and
    for a network that the named runtime cannot run.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"no runtime is called {runtime!r}; there are {', '.join(RUNTIMES)}")
    if path.suffix == ".pt2":
        raise InputError(f"{path}: opening a .pt2 could run code, so it is for other programs; give its checkpoint")
    if path.suffix in _READS:
        return _open_exported(path, device, runtime)
    model, info = load_classifier(path)
    if runtime in ("openvino", "onnxruntime"):
        return _open_copy(path, model, info, device, runtime)
    if runtime == "auto" and device.type == "cpu" and _is_installed("openvino"):
        try:
            return _open_copy(path, model, info, device, "openvino")
        except FullError:
            raise
        except InputError as error:
            _log.warning("%s; labelling goes on with PyTorch, which is slower (the runtime torch asks for it)", error)
    return Opened(info, torch_logits(prepare(model, device), info.profile), "torch")


def _open_exported(path: Path, device: torch.device, runtime: str) -> Opened:
    fitting = _READS[path.suffix]
    if runtime not in ("auto", *fitting):
        raise InputError(f"{path}: a {path.suffix} file is run by {' or '.join(fitting)}, not by {runtime}")
    name = next((f for f in fitting if _is_installed(f)), fitting[0]) if runtime == "auto" else runtime
    return _OPEN[name](path, device)


def _open_copy(path: Path, model: nn.Module, info: CheckpointInfo, device: torch.device, runtime: str) -> Opened:
    """Run the copy in the cache, made now if there is none. Raises InputError when that cannot be done."""
    need(f"the runtime {runtime}", runtime)
    if device.type != "cpu" and runtime == "openvino":
        raise InputError(
            f"the runtime openvino runs on the CPU, not on {device}; choose the device cpu", setting="device"
        )
    to = "onnx" if runtime == "onnxruntime" else "openvino"
    place = f"{path.stem}-{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]}"
    copy = cache_folder() / f"{place}-{_digest(path, model)}{FORMATS[to]}"
    if copy.is_file():
        with suppress(InputError):  # a damaged one is made anew
            return _OPEN[runtime](copy, device)._replace(info=info)
    _log.info("%s: converting for %s, once; this takes seconds, for the largest networks minutes", path.name, runtime)
    write_copy(model, info, to, copy)
    _forget_older(place, copy)
    return _OPEN[runtime](copy, device)._replace(info=info)


def _forget_older(place: str, copy: Path) -> None:
    """Delete what the cache holds of weights that were in the same file before: whoever trains would fill the disk."""
    for old in copy.parent.glob(f"{glob.escape(place)}-*"):
        if old.stem != copy.stem:
            with suppress(OSError):
                old.unlink()


_OPEN: dict[str, Callable[[Path, torch.device], Opened]] = {
    "openvino": lambda path, _: open_openvino(path),
    "onnxruntime": open_onnxruntime,
}


def cache_folder() -> Path:
    """Where converted networks are kept: ``COURTSCRIBE_CACHE``, or the user's cache folder, in ``actions``."""
    return cache.cache_folder() / "actions"


def _digest(path: Path, model: nn.Module) -> str:
    """Changes with the weights, and with the code of any of the network's layers: a copy holds both."""
    hasher = hashlib.sha256(path.read_bytes())
    for file in sorted({inspect.getfile(type(layer)) for layer in model.modules()}):
        hasher.update(Path(file).read_bytes())
    return hasher.hexdigest()[:16]


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
