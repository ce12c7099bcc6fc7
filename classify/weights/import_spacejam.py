"""Other people's weights: the checkpoints that hkair and LokaHQ trained on SpaceJam, turned into ours.

Theirs is ``{epoch, state_dict, optimizer}`` of torchvision's plain ``r2plus1d_18`` with ten outputs, named
``r2plus1d_multiclass_<epoch>_<learning rate>.pt``. It was fed BGR pictures of 176x128 in 0..255, without mean and
std; so is what is made of it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch

from classify.networks.profile import Profile
from classify.networks.registry import build_model
from classify.types import ACTIONS
from classify.weights.checkpoint import load_plain, save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from classify.weights.unfilled import unfilled
from ground.errors import InputError

_MODEL = "r2plus1d_18"
_PROFILE = Profile(colour="BGR", scale=1.0)
_SHOWN = 3
"""Names of tensors that an error lists."""

_Tensors = Mapping[str, torch.Tensor]


def import_spacejam(path: Path, output: Path) -> CheckpointInfo:
    """Write the checkpoint ``path`` of theirs to ``output`` as one of ours, every number as it was.

    No code in ``path`` is ever run. Returns the new description. Raises InputError when ``path`` holds anything but
    tensors, numbers and text, or when its tensors are not exactly those of the network, naming them.
    """
    if output.suffix != ".safetensors":
        raise InputError(f"{output}: checkpoints of ours are called something.safetensors")
    state, epoch = _read(path)
    with unfilled():
        model = build_model(_MODEL, len(ACTIONS))
    own = model.state_dict()
    _check(path, own, state)
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in state.items()}, assign=True)
    data = f"SpaceJam, after {epoch} epochs, by the authors of {path.name}: not trained by this project"
    note = "Imported weights: their split has mirror twins of its test clips in the training part."
    info = CheckpointInfo(_MODEL, ACTIONS, _PROFILE, Origin(data, licence="not stated", note=note))
    save_checkpoint(output, model, info, half=False)
    return info


def _read(path: Path) -> tuple[_Tensors, int | str]:
    """The tensors of a checkpoint, and after how many epochs they were saved."""
    content = load_plain(path)
    state = cast("dict[Any, Any]", content).get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise InputError(
            f"{path}: expected a checkpoint with epoch, state_dict and optimizer, with tensors in state_dict"
        )
    odd = [str(name) for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise InputError(f"{path}: in its state_dict {_some(odd)} should be tensors and are not")
    epoch = cast("dict[str, Any]", content).get("epoch")
    return cast(_Tensors, state), epoch if isinstance(epoch, int) else "an unknown number of"


def _check(path: Path, own: _Tensors, state: _Tensors) -> None:
    """Raise InputError unless both have the same names, shapes and kinds of numbers."""
    missing, extra = sorted(own.keys() - state.keys()), sorted(map(str, state.keys() - own.keys()))
    misshaped = [
        f"{name} is {tuple(state[name].shape)} and not {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    other = [n for n in own if n in state and state[n].is_floating_point() != own[n].is_floating_point()]
    faults = [
        f"{what}: {_some(names)}"
        for what, names in (
            ("missing", missing),
            ("unknown", extra),
            ("of another shape", misshaped),
            ("of another kind", other),
        )
        if names
    ]
    if faults:
        raise InputError(
            f"{path}: its tensors are not those of {_MODEL} with {len(ACTIONS)} labels; {'; '.join(faults)}"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
