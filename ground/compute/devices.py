"""The one choice of device: what computes, on this machine."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    import torch

_NVIDIA_DRIVER, _AMD_DRIVER = "libcuda.so.1", Path("/dev/kfd")
"""What PyTorch's builds for either need on Linux: a library, and a device."""


def resolve_device(name: str) -> str:
    """``auto`` -> the best device here; else ``name``, if this machine has it.

    PyTorch, which takes a second and hundreds of MB, is loaded only where there may be something to ask it about.
    Raises InputError for a device that is not here.
    """
    if name in ("cpu", "cpu:0") or (name == "auto" and not may_have_gpu()):
        return "cpu"
    import torch

    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    kind, _, number = name.partition(":")
    if name == "mps:0":
        name = kind
    if (kind == "cuda" and number.isdigit()) or name in ("cuda", "mps"):
        if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
            raise InputError(f"device {name}: this machine has no such CUDA GPU; use cpu")
        if name == "mps" and not has_mps:
            raise InputError("device mps: this machine has no Apple GPU; use cpu")
        return name
    raise InputError(f"unknown device {name!r}; there is auto, cpu, cuda, cuda:N and mps")


def may_have_gpu() -> bool:
    """Whether a GPU that PyTorch could use is possible here: False only where Linux has no driver of one.

    The CUDA runtime opens the same library by the same name, in containers and under Windows' Linux, too.
    """
    return sys.platform != "linux" or _AMD_DRIVER.exists() or _can_load(_NVIDIA_DRIVER)


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def torch_device(name: str) -> torch.device:
    """``resolve_device`` as PyTorch takes it. Raises InputError for a device that is not here."""
    import torch

    return torch.device(resolve_device(name))
