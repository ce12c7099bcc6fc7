"""Checkpoints of the small network's earlier shape compute the same to the bit, and say when they cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from classify.networks.pooled_maps import PooledMaps
from classify.weights.checkpoint import load_checkpoint, load_start, read_info, rewrite_info
from ground.errors import InputError
from pipeline.shipped import WEIGHTS

_SHIPPED = WEIGHTS / "actions.safetensors"


class _TemporalConv(nn.Module):
    """What followed stages 6 and 8 of the network called r2plus1d_s: a convolution over time, added to its input."""

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.reduce = nn.Conv2d(channels, 64, 1)
        self.over_time = nn.Conv2d(64, channels, (3, 1), padding=(1, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N * T, C, H, W) -> the same shape."""
        _, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, self.frames, height * width, channels).permute(0, 3, 1, 2)
        pixels = pixels + self.over_time(functional.silu(self.reduce(pixels)))
        return pixels.permute(0, 2, 3, 1).reshape(-1, height, width, channels).permute(0, 3, 1, 2)


def _convolutions(frames: int) -> dict[int, _TemporalConv]:
    torch.manual_seed(0)
    layers = {6: _TemporalConv(128, frames), 8: _TemporalConv(256, frames)}
    for layer in layers.values():
        layer.over_time.weight.data.zero_()
        nn.init.zeros_(layer.over_time.bias)  # type: ignore[arg-type]
    return layers


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The shipped file as it was: with the old name and idle convolutions over time."""
    path = tmp_path / "old.safetensors"
    rewrite_info(_SHIPPED, path, replace(read_info(_SHIPPED), model="r2plus1d_s"))
    _add(path, {f"temporal.{i}.{k}": v.half() for i, c in _convolutions(8).items() for k, v in c.state_dict().items()})
    assert b'\\"model\\": \\"r2plus1d_s\\"' in path.read_bytes()
    return path


def _add(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({**load_file(path), **tensors}, path, metadata)


def test_the_old_file_is_read_as_the_shipped_one(old: Path) -> None:
    (ours, info), (theirs, old_info) = load_checkpoint(_SHIPPED), load_checkpoint(old)
    assert info == old_info == read_info(old) and old_info.model == "pooled_maps"
    state = theirs.state_dict()
    assert state.keys() == ours.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in ours.state_dict().items())
    start = load_start(old, "pooled_maps", len(info.labels)).state_dict()
    assert all(torch.equal(start[name], value) for name, value in state.items())


def test_idle_convolutions_over_time_change_no_bit() -> None:
    network = load_checkpoint(_SHIPPED)[0]
    assert isinstance(network, PooledMaps)
    x = torch.rand(2, 3, 8, 88, 64)
    with torch.no_grad():
        without = network.embed(x)
        for i, layer in _convolutions(8).items():
            network.spatial[i].register_forward_hook(lambda _module, _inputs, output, layer=layer: layer(output))
        assert torch.equal(network.embed(x), without)


@pytest.mark.parametrize("tensor", ["weight", "bias"])
def test_trained_convolutions_over_time_are_refused_in_one_line(old: Path, tensor: str) -> None:
    name = f"temporal.8.over_time.{tensor}"
    value = load_file(old)[name]
    value.view(-1)[-1] = 1e-3
    _add(old, {name: value})
    for read in (load_checkpoint, read_info, lambda path: load_start(path, "pooled_maps", 10)):
        with pytest.raises(InputError, match=f"^{old}: has trained convolutions over time.*train it again$"):
            read(old)
