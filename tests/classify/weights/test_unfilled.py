"""What is built to be filled costs no memory and no random numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from classify.networks.registry import build_model
from classify.weights.unfilled import unfilled


class _Seen(TorchDispatchMode):
    """What PyTorch is asked to compute."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["pooled_maps", "r2plus1d_18", "lrcn"])
def test_nothing_is_drawn_and_shapes_are_those_of_the_network(name: str) -> None:
    with _Seen() as seen, unfilled():
        model = build_model(name, 3)
    assert not [drawn for drawn in seen.names if "normal_" in drawn]
    tensors = model.state_dict().values()
    assert all(tensor.is_meta for tensor in tensors)
    assert model.state_dict()["fc.weight"].shape[0] == 3


def test_values_are_drawn_outside_of_it() -> None:
    with unfilled():
        torch.nn.init.normal_(torch.empty(3))
    assert torch.nn.init.normal_(torch.full((9,), 5.0), std=0.1).abs().max() < 4
