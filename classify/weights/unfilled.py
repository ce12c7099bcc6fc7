"""Networks whose tensors have shapes and no values yet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


@contextmanager
def unfilled() -> Generator[None]:
    """In here a network is built without memory or random numbers, for weights that are replaced at once."""
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Nobody draws normal numbers: where there is no memory, PyTorch does that by its compiler, slow to load."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is nn.init.normal_:
            return (kwargs or {})["tensor"]
        return args[0] if func is torch.Tensor.normal_ else func(*args, **(kwargs or {}))
