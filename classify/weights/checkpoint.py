"""A classifier in one file: safetensors, with everything needed to run it in the header as JSON.

A safetensors file holds numbers and text only, so opening one never runs code. A ``.pt`` is a pickle; it is only ever
read by ``torch.load(weights_only=True)``, which refuses everything but plain tensors and containers.
"""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from classify.networks.neighbours import with_head
from classify.networks.registry import architecture, build_model
from classify.networks.torchvision_nets import rename
from classify.weights.description import CheckpointInfo
from classify.weights.migration import without_idle_convolutions
from classify.weights.unfilled import unfilled
from ground.disk.download import fetch
from ground.disk.files import write_atomically
from ground.errors import InputError
from ground.warnings_off import warnings_off

_KEY = "courtscribe"
"""Where the JSON is, in the header of a safetensors file and in a ``.pt``."""
_BAD_PICKLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError),
    *(AssertionError, OverflowError, struct.error, SafetensorError),
)
"""What reading a pickle that is damaged, or none, can raise."""


def save_checkpoint(path: Path, model: nn.Module, info: CheckpointInfo, *, half: bool = True) -> None:
    """Write ``model`` and ``info`` to ``path``, whole or not at all; ``half`` stores float16, half the size.

    Raises InputError when the folder cannot be written.
    """
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    with write_atomically(path) as part:
        part.write_bytes(save(tensors, {_KEY: info.to_json()}))


def rewrite_info(path: Path, output: Path, info: CheckpointInfo) -> None:
    """Write the checkpoint ``path`` to ``output``, the same to the bit but with another description.

    Raises InputError as ``load_checkpoint`` and ``save_checkpoint``.
    """
    content = save(_read(path)[1], {_KEY: info.to_json()})
    with write_atomically(output) as part:
        part.write_bytes(content)


def read_info(path: Path) -> CheckpointInfo:
    """What ``path`` says about itself, without building the network. Raises InputError as ``load_checkpoint``."""
    return _parse(path, _read(path)[0])


def load_checkpoint(path: Path) -> tuple[nn.Module, CheckpointInfo]:
    """The network (float32, on the CPU, in evaluation mode) and its description.

    Raises InputError, naming the file, when it is missing, damaged, of an unknown network, or when its tensors and
    labels do not fit the network exactly.
    """
    text, tensors = _read(path)
    info = _parse(path, text)
    try:
        with unfilled():
            model = with_head(build_model(info.model, len(info.labels)), tensors, len(info.labels))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    _fill(path, model, tensors, len(info.labels))
    return model.eval(), info


def load_start(path: Path | None, name: str, num_classes: int) -> nn.Module:
    """A network called ``name`` to train on, begun from the tensors in ``path`` where there is one.

    path: a checkpoint of the same network, whose last layer is begun anew when it has other labels; or a plain
        safetensors file with some of the network's tensors (a spatial half out of a detector); or published
        Kinetics weights (``.pth``).
    Raises InputError when nothing in the file, or only part of a layer's tensors, fits.
    """
    model = build_model(name, num_classes)
    if path is None:
        return model
    own = model.state_dict()
    tensors = _in_our_names(path, own)
    offered = {k: v for k, v in tensors.items() if not (k in ("fc.weight", "fc.bias") and own[k].shape != v.shape)}
    unfit = [k for k, v in offered.items() if k not in own or v.shape != own[k].shape]
    if unfit or not offered:
        raise InputError(
            f"{path}: not weights to start {name} from ({', '.join(unfit[:3]) or 'no tensors'} do not fit)"
        )
    model.load_state_dict({k: v.to(own[k].dtype) for k, v in offered.items()}, strict=False)
    return model


def load_whole(path: Path, name: str, num_classes: int) -> nn.Module:
    """The network called ``name`` with the published tensors in ``path``, in evaluation mode.

    Raises InputError when they are not exactly those of the network.
    """
    with unfilled():
        model = build_model(name, num_classes)
    _fill(path, model, _in_our_names(path, model.state_dict()), num_classes)
    return model.eval()


def _in_our_names(path: Path, own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors in ``path``; torchvision's names become those of ``own``, the state of one of our networks."""
    tensors = _read(path)[1]
    return tensors if any(name in own for name in tensors) else rename(tensors, own)


def kinetics_weights(name: str, *, download: bool = True) -> Path:
    """The file with the published Kinetics-400 weights of ``name``, downloaded the first time.

    Raises InputError when there are none, or when they are not there and cannot be downloaded or, without ``download``,
    shall not be; it says which file to put where.
    """
    url = architecture(name).kinetics_url
    if url is None:
        raise InputError(f"there are no Kinetics-400 weights for {name}; start from another file")
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    if not path.is_file() and not download:
        raise InputError(f"{path}: no such file; it can be downloaded from {url}", setting="download")
    if not path.is_file():
        try:
            fetch(url, path, sha256=path.stem.rpartition("-")[2])  # torchvision names files by it
        except InputError as error:
            raise InputError(f"{error}; put the file at {path}") from error
    return path


def _read(path: Path) -> tuple[str | None, dict[str, torch.Tensor]]:
    """The description (None where there is none) and the tensors of a file."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    read = _read_pickle if path.suffix.lower() in (".pt", ".pth") else _read_safetensors
    text, tensors = read(path)
    try:
        return text, without_idle_convolutions(tensors)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read_safetensors(path: Path) -> tuple[str | None, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(_KEY), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged ({error})") from error


def load_plain(path: Path) -> Any:
    """What is in a ``.pt`` of tensors, numbers, text and containers; anything else in it is refused, never run.

    Raises InputError when it is something else, or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with warnings_off():  # about pickles that it then refuses
            return torch.load(path, map_location="cpu", weights_only=True)
    except _BAD_PICKLE as error:
        strange = re.search(r"GLOBAL ([\w.]+)", str(error))
        if strange:
            raise InputError(
                f"{path}: holds more than tensors ({strange[1]}), which could run code when it is opened; refused"
            ) from error
        unsafe = "nothing that can be read without running code" if isinstance(error, pickle.UnpicklingError) else ""
        reason = unsafe or (str(error).splitlines()[0][:80] if str(error) else type(error).__name__)
        raise InputError(f"{path}: not a file of plain tensors, or damaged ({reason})") from error


def _read_pickle(path: Path) -> tuple[str | None, dict[str, torch.Tensor]]:
    content = load_plain(path)
    weights = content.get("weights", content) if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(v, torch.Tensor) for v in weights.values()):
        raise InputError(f"{path}: holds no weights of a classifier")
    return content.get(_KEY), weights


def _parse(path: Path, text: str | None) -> CheckpointInfo:
    if text is None:
        raise InputError(f"{path}: says nothing about its labels and network, so it is no classifier of this program")
    try:
        return CheckpointInfo.from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _fill(path: Path, model: nn.Module, tensors: Mapping[str, torch.Tensor], num_labels: int) -> None:
    """Give ``model``, built without memory, its tensors."""
    own = model.state_dict()
    _check_tensors(path, own, tensors, num_labels)
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in tensors.items()}, assign=True)


def _check_tensors(
    path: Path, own: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], num_labels: int
) -> None:
    outputs = tensors["fc.bias"].shape[0] if "fc.bias" in tensors else num_labels
    if outputs != num_labels:
        raise InputError(f"{path}: names {num_labels} labels, but its network tells {outputs} actions apart")
    wrong = sorted(own.keys() ^ tensors.keys()) + [
        k for k in own.keys() & tensors.keys() if own[k].shape != tensors[k].shape
    ]
    if wrong:
        raise InputError(f"{path}: its tensors are not those of its network ({', '.join(wrong[:3])})")
