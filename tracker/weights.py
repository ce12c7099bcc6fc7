"""Where a detector's weights are: a path, or a name that ultralytics publishes, kept in a cache folder."""

from __future__ import annotations

import hashlib
import pickle
import struct
import tempfile
import warnings
from pathlib import Path
from urllib.error import URLError

from ground.cache import cache_folder
from ground.errors import InputError

_RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
EXPORTED_SUFFIXES = (".onnx", ".engine", ".torchscript")

UNREADABLE = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, EOFError, OSError, ImportError),
    *(AssertionError, OverflowError, pickle.UnpicklingError, struct.error),
)
"""What ultralytics raises for a file that is damaged, or is not what it is taken for."""


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def resolve_weights(weights: str | Path) -> Path:
    """The file or folder that ``weights`` means, downloaded first if it is a name that ultralytics publishes.

    weights: path of a ``.pt``, ``.onnx``, ``.engine`` or OpenVINO folder; or a published name such as ``yolo26n.pt``.
    Raises InputError when it is neither, or when the download fails; the message says which file to put where.
    """
    path = Path(weights)
    if not str(weights):
        raise InputError("no detector is named; give a file or a published name")
    if path.is_dir():
        if not any(path.glob("*.xml")):
            raise InputError(f"detector {path} is a folder without an OpenVINO model (*.xml and *.bin)")
        return path
    if path.is_file():
        if path.suffix.lower() not in (".pt", *EXPORTED_SUFFIXES):
            raise InputError(f"detector {path}: expected .pt, .onnx, .engine or an OpenVINO folder")
        return path
    if path.parent != Path():
        raise InputError(f"detector {path}: no such file or folder")
    return _download(path.name)


def _download(name: str) -> Path:
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    target = cache_folder() / name
    if target.is_file():
        return target
    if name not in GITHUB_ASSETS_NAMES:
        raise InputError(
            f"detector {name!r} is neither a file nor a name that ultralytics publishes (yolo11n.pt, yolo26n.pt, ...)"
        )
    import torch

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(f"{_RELEASE}/{name}", str(target), progress=False)
    except (URLError, OSError) as error:
        raise InputError(
            f"detector {name} could not be downloaded ({error}); put the file at {target}, or give its path"
        ) from error
    return target


def openvino_copy(weights: Path) -> Path:
    """The OpenVINO form of an ultralytics ``.pt``, exported once and kept in the cache by the file's content.

    On a CPU it is two to three times as fast as PyTorch.
    """
    from ultralytics import YOLO, __version__

    digest = hashlib.sha256(weights.read_bytes() + __version__.encode()).hexdigest()[:16]
    target = cache_folder() / f"{weights.stem}-{digest}_openvino_model"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about how ultralytics exports
        copy = Path(work) / weights.name
        copy.write_bytes(weights.read_bytes())
        exported = Path(str(YOLO(str(copy)).export(format="openvino", dynamic=True, device="cpu", verbose=False)))
        try:
            exported.rename(target)
        except OSError:
            # Another process was faster: its copy is as good.
            if not target.is_dir():
                raise
    return target
