"""The one choice of device: what computes, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    import torch


def resolve_device(name: str) -> str:
    """``auto`` -> the best device here; else ``name``, if this machine has it.

    Raises InputError for a device that is not here.
    """
    import torch

    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    kind, _, number = name.partition(":")
    if kind in ("cpu", "mps") and number == "0":
        name = kind
    if (kind == "cuda" and number.isdigit()) or name in ("cuda", "mps", "cpu"):
        if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
            raise InputError(f"device {name}: this machine has no such CUDA GPU; use cpu")
        if name == "mps" and not has_mps:
            raise InputError("device mps: this machine has no Apple GPU; use cpu")
        return name
    raise InputError(f"unknown device {name!r}; there is auto, cpu, cuda, cuda:N and mps")


def torch_device(name: str) -> torch.device:
    """``resolve_device`` as PyTorch takes it. Raises InputError for a device that is not here."""
    import torch

    return torch.device(resolve_device(name))
