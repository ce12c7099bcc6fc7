"""Which library runs a classifier: chosen by name, or the fastest one that says the same.

On a CPU that is OpenVINO, for every network here (``benchmarks/results/classifier.md``). A checkpoint is converted the
first time that it is used there; the copy is kept in the user's cache.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import classify.networks
import ground.compute
from classify.run.backends import Opened, open_onnxruntime, open_openvino
from classify.weights import description
from ground.disk import cache
from ground.errors import FullError, InputError
from ground.packages import need

if TYPE_CHECKING:
    from torch import nn

RUNTIMES = ("auto", "torch", "openvino", "onnxruntime")
"""What the setting ``runtime`` takes. "auto": OpenVINO on a CPU, PyTorch elsewhere; exported files bring their own."""
_READS = {".xml": ("openvino",), ".onnx": ("openvino", "onnxruntime")}
"""Libraries that run an exported file, the faster one first."""
_COPIES = {"openvino": ("openvino", ".xml"), "onnxruntime": ("onnx", ".onnx")}
"""Libraries that run a copy of a checkpoint: its format, and how the file's name ends."""

_log = logging.getLogger("courtscribe")


def open_classifier(path: Path, device: str, runtime: str = "auto") -> Opened:
    """A classifier that is ready to run: a checkpoint, or a file that ``courtscribe weights export`` made of one.

    device: as ``ground.compute.devices.resolve_device`` gives it: where PyTorch runs it, and ONNX Runtime when it can;
    OpenVINO runs on the CPU. Where a copy is in the cache, PyTorch is not loaded.
    Raises InputError for a bad file, an unknown runtime, one that is not installed or does not fit file or device, and
    for a network that the named runtime cannot run.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"no runtime is called {runtime!r}; there are {', '.join(RUNTIMES)}")
    if path.suffix == ".pt2":
        raise InputError(f"{path}: opening a .pt2 could run code, so it is for other programs; give its checkpoint")
    if path.suffix in _READS:
        return _open_exported(path, device, runtime)
    if runtime == "openvino" and device != "cpu":
        raise InputError(f"the runtime openvino runs on the CPU, not on {device}; choose the device cpu", "device")
    wanted = "openvino" if runtime == "auto" and device == "cpu" and _is_installed("openvino") else runtime
    if wanted in _COPIES and (kept := _open_kept(path, device, wanted)) is not None:
        return kept
    return _open_checkpoint(path, device, wanted, is_a_must=wanted == runtime)


def _open_exported(path: Path, device: str, runtime: str) -> Opened:
    fitting = _READS[path.suffix]
    if runtime not in ("auto", *fitting):
        raise InputError(f"{path}: a {path.suffix} file is run by {' or '.join(fitting)}, not by {runtime}")
    name = next((f for f in fitting if _is_installed(f)), fitting[0]) if runtime == "auto" else runtime
    return _OPEN[name](path, device)


def _open_kept(path: Path, device: str, runtime: str) -> Opened | None:
    """The copy in the cache; None where there is none, or it is damaged: then it is made anew."""
    with suppress(InputError, OSError):
        if (copy := _copy_of(path, runtime)).is_file():
            return _OPEN[runtime](copy, device)
    return None


def _open_checkpoint(path: Path, device: str, runtime: str, is_a_must: bool) -> Opened:
    """A checkpoint as a copy made now, or as it is, where ``runtime`` is none for copies or, no must, cannot do it."""
    import torch

    from classify.run.pytorch import prepare, torch_logits
    from classify.weights.kinetics import load_classifier

    model, info = load_classifier(path)
    if runtime in _COPIES:
        try:
            return _open_converted(path, model, info, device, runtime)
        except FullError:
            raise
        except InputError as error:
            if is_a_must:
                raise
            _log.warning("%s; labelling goes on with PyTorch, which is slower (the runtime torch asks for it)", error)
    return Opened(info, torch_logits(prepare(model, torch.device(device)), info.profile), "torch")


def _open_converted(
    path: Path, model: nn.Module, info: description.CheckpointInfo, device: str, runtime: str
) -> Opened:
    """Make the copy in the cache and run it. Raises InputError when that cannot be done."""
    from classify.run.export import write_copy

    need(f"the runtime {runtime}", runtime)
    _log.info("%s: converting for %s, once; this takes seconds, for the largest networks minutes", path.name, runtime)
    copy = _copy_of(path, runtime)
    write_copy(model, info, _COPIES[runtime][0], copy)
    _forget_older(_place(path), copy)
    return _OPEN[runtime](copy, device)


def _forget_older(place: str, copy: Path) -> None:
    """Delete what the cache holds of weights that were in the same file before: whoever trains would fill the disk."""
    for old in copy.parent.glob(f"{glob.escape(place)}-*"):
        if old.stem != copy.stem:
            with suppress(OSError):
                old.unlink()


_OPEN: dict[str, Callable[[Path, str], Opened]] = {
    "openvino": lambda path, _: open_openvino(path),
    "onnxruntime": open_onnxruntime,
}


def cache_folder() -> Path:
    """Where converted networks are kept: ``COURTSCRIBE_CACHE``, or the user's cache folder, in ``actions``."""
    return cache.cache_folder() / "actions"


def _copy_of(path: Path, runtime: str) -> Path:
    """Where the copy of a checkpoint lies: its name changes with the weights, and with the code that it holds, too."""
    content = hashlib.sha256(path.read_bytes() + _code())
    return cache_folder() / f"{_place(path)}-{content.hexdigest()[:16]}{_COPIES[runtime][1]}"


def _place(path: Path) -> str:
    """How the names of all copies of what has been in a file begin."""
    return f"{path.stem}-{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]}"


@lru_cache(maxsize=1)
def _code() -> bytes:
    """Changes with the layers of any network and with what is said of it, none of which is loaded for it."""
    networks, compute = (Path(package.__path__[0]) for package in (classify.networks, ground.compute))
    files = [*sorted(networks.glob("*.py")), compute / "yolo11n.py", Path(description.__file__)]
    versions = [version(package).encode() for package in ("torch", "torchvision")]
    return hashlib.sha256(b"".join([*versions, *(file.read_bytes() for file in files)])).digest()


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
