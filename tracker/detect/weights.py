"""Where a detector's weights are: a path, or a name that ultralytics publishes, kept in a cache folder."""

from __future__ import annotations

import hashlib
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ground.disk.cache import cache_folder
from ground.disk.download import fetch, fetch_json
from ground.disk.files import to_disk
from ground.errors import InputError
from ground.packages import no_telemetry
from ground.warnings_off import warnings_off
from tracker.detect.yolo import check_kind, contained, open_checkpoint, published_names

_RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
_DIGESTS = "https://api.github.com/repos/ultralytics/assets/releases/tags/v8.4.0"
"""Where GitHub tells of each file of the release what it is."""
_DIGEST_LENGTH = 64


def resolve_weights(weights: str | Path) -> Path:
    """The file or folder that ``weights`` means, downloaded first if it is a name that ultralytics publishes.

    weights: path of a ``.pt``, ``.onnx``, ``.engine`` or OpenVINO folder; or a published name such as ``yolo26n.pt``.
    Raises InputError when it is neither, or when the download fails; the message says which file to put where.
    """
    path = Path(weights)
    if not str(weights):
        raise InputError("no detector is named; give a file or a published name")
    if path.exists():
        check_kind(path)
        return path
    if path.parent != Path():
        raise InputError(f"{path}: no such file or folder")
    return _download(path.name)


def _download(name: str) -> Path:
    target = cache_folder() / name
    if target.is_file():
        return target
    if name not in published_names():
        raise InputError(
            f"detector {name!r} is neither a file nor a name that ultralytics publishes (yolo11n.pt, yolo26n.pt, ...)"
        )
    try:
        fetch(f"{_RELEASE}/{name}", target, _published_digest(name))
    except InputError as error:
        raise InputError(f"detector {name}: {error}; put the file at {target}, or give its path") from error
    return target


def _published_digest(name: str) -> str:
    """The SHA-256 that GitHub tells of a published file."""
    assets: Any = fetch_json(_DIGESTS)
    try:
        told = {str(asset["name"]): str(asset["digest"]) for asset in assets["assets"]}
    except (LookupError, TypeError) as error:
        raise InputError(f"{_DIGESTS}: does not say what was published") from error
    kind, _, digest = told.get(name, "").partition(":")
    if kind != "sha256" or len(digest) != _DIGEST_LENGTH:
        raise InputError(f"{_DIGESTS}: tells no SHA-256 of {name}")
    return digest


def openvino_copy(weights: Path) -> Path:
    """The OpenVINO form of an ultralytics ``.pt``, exported once and kept in the cache by the file's content.

    On a CPU it is two to three times as fast as PyTorch.
    """
    digest = hashlib.sha256(weights.read_bytes() + version("ultralytics").encode()).hexdigest()[:16]
    target = cache_folder() / f"detector-{digest}_openvino_model"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        try:
            exported = _export(weights, Path(work) / "detector.pt")
        except RuntimeError:
            _require_room(Path(work), weights.stat().st_size)
            raise
        for file in exported.iterdir():
            to_disk(file)
        try:
            exported.rename(target)
        except OSError:
            # Another process was faster: its copy is as good.
            if not target.is_dir():
                raise
    return target


def _require_room(folder: Path, size: int) -> None:
    """Raise OSError where that is why OpenVINO, which does not say it, could not write ``size`` bytes."""
    (folder / "room").write_bytes(bytes(size))


def _export(weights: Path, beside: Path) -> Path:
    # torch warns about how ultralytics exports. Warnings come first, as in ``classify.run.export``: two threads that
    # each hold what the other waits for would wait for ever.
    with warnings_off(), contained, no_telemetry():
        model = open_checkpoint(weights)
        model.model.pt_path = str(beside)  # where ultralytics exports to, whose name it adds to
        return Path(str(model.export(format="openvino", dynamic=True, device="cpu", verbose=False)))
