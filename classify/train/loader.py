"""Batches for training, got ready in threads while the network is busy; the same however many threads there are."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from classify.data.augment import vary_time
from classify.data.clips import Frames, LabelledClip
from classify.train.config import BY_SAMPLING, TrainConfig
from classify.train.processes import ALONE, Team
from ground.ahead import ahead
from ground.errors import InputError

Indices = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Clips to learn from in one step, this process's part of them."""

    frames: Frames
    """uint8 (B, 16, H, W, 3), at another window and pace than last time, not yet otherwise changed."""
    targets: Indices
    """(B,), positions of the labels."""
    rng: np.random.Generator
    """For what else is random about this batch."""


def draw(targets: Indices, config: TrainConfig, rng: np.random.Generator, multiple: int = 1) -> Indices:
    """The clips of one epoch, in order: as many as there are, rounded up to a ``multiple``.

    Balanced by sampling, they are drawn with labels equally likely; else each comes once.
    """
    number = -(-len(targets) // multiple) * multiple
    if config.balance_by == BY_SAMPLING and config.balance > 0:
        weight = 1.0 / np.bincount(targets)[targets] ** config.balance
        return rng.choice(len(targets), number, p=weight / weight.sum())
    return np.resize(rng.permutation(len(targets)), number)


def label_weights(targets: Indices, num_labels: int, config: TrainConfig) -> torch.Tensor | None:
    """float32 (num_labels,), of each label in the loss, 1 on average over the clips; None where all weigh the same."""
    if config.balance_by == BY_SAMPLING or config.balance == 0:
        return None
    counts = np.bincount(targets, minlength=num_labels)
    weights = np.maximum(counts, 1) ** -config.balance * (counts > 0)
    return torch.from_numpy(weights / (weights[targets].mean())).float()


def steps_per_epoch(number: int, config: TrainConfig, team: Team) -> int:
    """Batches in an epoch over ``number`` clips. Raises InputError when a batch cannot be shared equally."""
    if config.batch % team.size:
        raise InputError(f"a batch of {config.batch} cannot be shared by {team.size} processes; use a multiple")
    return -(-number // config.batch)


def batches(
    clips: Sequence[LabelledClip],
    targets: Indices,
    order: Indices,
    config: TrainConfig,
    seed: tuple[int, ...],
    team: Team = ALONE,
) -> Generator[Batch, None, None]:
    """Clips by ``order``, ``config.batch`` at a time, of which each process gets its part.

    What is random about a batch follows from ``seed``, its number and the process. Threads only gather bytes: scaling
    and changing pictures is work for the device that the network is on.
    """

    def load(number: int) -> Batch:
        part = order[number * config.batch : (number + 1) * config.batch][team.rank :: team.size]
        rng = np.random.default_rng((*seed, number, team.rank))
        return Batch(np.stack([vary_time(clips[i].frames, config.augmentation, rng) for i in part]), targets[part], rng)

    return ahead(load, range(-(-len(order) // config.batch)), config.loaders)
