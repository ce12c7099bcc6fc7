"""Several processes that train one network, each on its part of every batch: what torchrun starts.

Written once for one process and for many: a ``Team`` of one does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ground.compute.devices import torch_device
from ground.errors import InputError

_PATIENCE = timedelta(hours=6)
"""So long the others wait for the first process, which alone decodes clips and judges."""


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of one training, as one of them sees them."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes, decodes and judges."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all have come so far."""
        if self.size > 1:
            distributed.barrier()

    def agree(self, value: float, device: torch.device) -> float:
        """The first process's ``value``."""
        if self.size == 1:
            return value
        agreed = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.broadcast(agreed, 0)
        return float(agreed)

    def mean(self, value: float, device: torch.device) -> float:
        """The mean of all processes' values."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return float(total) / self.size

    def wrap(self, model: nn.Module) -> nn.Module:
        """``model``, with gradients averaged over all processes; starts from the first one's weights.

        Wrap again after freezing or thawing layers.
        """
        return model if self.size == 1 else DistributedDataParallel(model)


ALONE = Team()


@contextmanager
def team(device: str) -> Generator[tuple[Team, str]]:
    """The processes that torchrun started, and this one's device; a team of one where it was started otherwise.

    device: as for ``ground.compute.devices.torch_device``; with several processes "auto" and "cuda" are one GPU each.
    Raises InputError when there are more processes than GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE, device
        return
    cuda = torch_device(device).type == "cuda"
    name = f"cuda:{os.environ['LOCAL_RANK']}" if cuda else "cpu"
    if cuda:
        torch.cuda.set_device(torch_device(name))
    try:
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"the {size} processes of torchrun cannot reach each other ({error})") from error
    try:
        yield Team(distributed.get_rank(), size), name
    finally:
        distributed.destroy_process_group()
