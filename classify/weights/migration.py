"""Checkpoints of the small network as it once was: called an R(2+1)D, with convolutions over time that did nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    import torch

_RENAMED = {"r2plus1d_s": "pooled_maps"}
_TEMPORAL = re.compile(r"temporal\.\d+\.(reduce|over_time)\.(weight|bias)")
"""Tensors of the old convolutions, which were added to their input: ``over_time`` of zeros adds nothing."""


def current_name(model: str) -> str:
    """What the network ``model`` is called today."""
    return _RENAMED.get(model, model)


def without_idle_convolutions(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``tensors`` less those of convolutions over time that add zero, so that the rest computes the same to the bit.

    Raises InputError where such a convolution has been trained: no network here computes it any more.
    """
    old = {name for name in tensors if _TEMPORAL.fullmatch(name)}
    if any(".over_time." in name and bool(tensors[name].any()) for name in old):
        raise InputError("has trained convolutions over time, which the small network no longer has; train it again")
    return {name: value for name, value in tensors.items() if name not in old}
