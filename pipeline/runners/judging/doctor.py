"""``doctor``: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str
    """``ok``, ``missing`` (something that the main job needs) or ``without`` (something that it can do without)."""
    detail: str


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    doctor = subparsers.add_parser("doctor", help="what works on this machine, and how to mend what does not")
    doctor.set_defaults(run=run_doctor)


def run_doctor(_options: argparse.Namespace) -> int:
    """``courtscribe doctor``. Returns 1 when something that the main job needs is missing."""
    states: list[str] = []
    for finding in examine():
        sys.stdout.write(f"{finding.what:<20} {finding.state:<8} {finding.detail}\n")
        states.append(finding.state)
    return int("missing" in states)


def examine() -> Iterator[Finding]:
    """Look at everything, without the network."""
    yield Finding("python", "ok", sys.version.split()[0])
    probes = {
        "torch": _torch, "CUDA": _cuda, "OpenVINO": _openvino, "codecs": _codecs, "CSRT": _csrt, "window": _window,
        "weights": _weights, "cache": _cache,
    }  # fmt: skip
    for what, probe in probes.items():
        try:
            yield from probe()
        except (ImportError, RuntimeError, OSError, AttributeError, ValueError, KeyError) as error:
            mend = "install what requirements.lock names: pip install --no-deps -r requirements.lock"
            yield Finding(what, "missing", f"{(str(error).splitlines() or [''])[0]}; {mend}")


def _torch() -> Iterator[Finding]:
    import torch
    import torchvision

    yield Finding("torch", "ok", f"{torch.__version__}, torchvision {torchvision.__version__}")


def _cuda() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding("CUDA", "ok", ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())))
        return
    built = f"this torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "this torch is CPU only"
    yield Finding("CUDA", "without", f"no GPU is seen ({built}); check nvidia-smi and the driver, or use the CPU")


def _openvino() -> Iterator[Finding]:
    if importlib.util.find_spec("openvino") is None:
        yield Finding("OpenVINO", "without", "detection on a CPU is 2 to 3 times slower: pip install openvino")
    else:
        yield Finding("OpenVINO", "ok", "detection and labelling on a CPU use it")


def _codecs() -> Iterator[Finding]:
    from pipeline.video.codecs import codec_support

    for name, works in codec_support().items():
        mend = "this PyAV lacks it; install the wheel: pip install --force-reinstall --no-deps av"
        yield Finding(name, "ok" if works else "missing", "" if works else mend)


def _csrt() -> Iterator[Finding]:
    import cv2

    if hasattr(cv2, "TrackerCSRT") and hasattr(cv2, "TrackerCSRT_create"):
        yield Finding("CSRT", "ok", f"OpenCV {cv2.__version__} with contrib")
        return
    mend = "pip uninstall opencv-python opencv-contrib-python, then pip install --no-deps -r requirements.lock"
    yield Finding("CSRT", "missing", f"another OpenCV has overwritten opencv-contrib-python: {mend}")


def _window() -> Iterator[Finding]:
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield Finding("window", "ok", "--select-roi can open one")
        return
    yield Finding("window", "without", "no display: give boxes with --roi or --roi-file instead of --select-roi")


def _weights() -> Iterator[Finding]:
    from ground.disk.files import sha256_of
    from pipeline.shipped import WEIGHTS

    manifest = tomllib.loads((WEIGHTS / "manifest.toml").read_text(encoding="utf-8"))
    for name, facts in manifest.items():
        path = WEIGHTS / name
        if not path.is_file():
            yield Finding(name, "missing", f"put the shipped file at {path}")
        elif sha256_of(path) != facts["sha256"]:
            yield Finding(name, "missing", f"{path} is not the file of the manifest: restore it (git checkout)")
        else:
            yield Finding(name, "ok", str(facts["score"]))


def _cache() -> Iterator[Finding]:
    from ground.disk.cache import cache_folder

    folder: Path = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            yield Finding("cache", "ok", str(folder))
    except OSError as error:
        yield Finding("cache", "missing", f"{folder}: {error.strerror}; name another in COURTSCRIBE_CACHE")
