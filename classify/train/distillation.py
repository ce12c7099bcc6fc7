"""Teach the small network where joints and ball are, from what larger networks say of unlabelled pictures of players.

Knowledge distillation (Hinton et al., Distilling the Knowledge in a Neural Network, 2015): pictures need no labels, so
there are many of them, and the small network is left with what is worth knowing about a player before it sees a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import nn
from torch.nn import functional

from classify.data.augment import Augmentation, augment
from classify.data.clips import Frames
from classify.networks.player_maps import MIRRORED, NUM_JOINTS
from classify.networks.pooled_maps import PICTURE_PARTS, PooledMaps
from ground.errors import InputError

_SIGMA = 0.7
"""Spread of a joint's target in cells of 8 pixels. Raising it blurs where the joint is, and is learnt sooner."""
_BALL_WEIGHT = 10.0
"""How much more a cell with a ball counts than one without: most have none."""
_BALL_SHARE = 1 / 8
"""Of the ball's loss in all, which is summed over cells, beside the joints', which is a mean."""

PART_WEIGHTS = (1.0, 1.0, 1.0, 0.8, 0.8)
"""How much joints, ball, ball at joints, and the backbone's two scales say in a clip's features. Raising the last two
trusts looks more than pose; 0.6 to 1 are as good as each other, 0 is worse."""

_SMALLEST = 1e-3
"""Added to a feature's spread: one that hardly changes is not blown up."""

Advance = Callable[[int], object]
"""Called with the number of steps done since the last call."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TransferSet:
    """Pictures of single players, and what the teachers see in them (the transfer set of Hinton et al.)."""

    pictures: Frames
    """uint8 (N, H, W, 3) RGB; sides are multiples of 8."""
    joints: Floats
    """float32 (N, 17, 3): x and y in parts of the picture's width and height, and how sure the teacher is, 0..1."""
    ball: Floats
    """float32 (N, H / 8, W / 8): probability that the ball is there."""

    def __post_init__(self) -> None:
        number, height, width = self.pictures.shape[:3]
        if self.joints.shape != (number, NUM_JOINTS, 3) or self.ball.shape != (number, height // 8, width // 8):
            raise InputError(f"joints {self.joints.shape} and ball {self.ball.shape} are not of {number} pictures")


def teach(
    model: PooledMaps,
    transfer_set: TransferSet,
    steps: int = 900,
    batch: int = 48,
    lr: float = 2e-3,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    advance: Advance | None = None,
) -> list[float]:
    """Train ``model.maps`` on ``transfer_set``, in place; the rest of the network stays as it is.

    Returns each step's loss. Raises InputError where there are fewer pictures than go into a batch.
    """
    if len(transfer_set.pictures) < batch or steps < 1:
        raise InputError(f"{len(transfer_set.pictures)} pictures are too few for batches of {batch}")
    augmentation = augmentation or Augmentation(mirror=0, rotation=0, zoom=0, shift=0, erase=0, time=0)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.maps.parameters(), weight_decay=0.01)
    losses: list[float] = []
    model.eval()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * step / steps))
        part = np.sort(rng.choice(len(transfer_set.pictures), batch, replace=False))
        x, joints, ball = _draw(transfer_set, part, augmentation, rng)
        with torch.no_grad():
            scales = model.scales(x)
        loss = maps_loss(model.maps(scales), joints, ball)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.maps.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if advance is not None:
            advance(1)
    return losses


def taught(model: PooledMaps) -> bytes:
    """What ``teach`` leaves, as a safetensors file to start training from: the backbone and the maps."""
    state = model.state_dict()
    return save({k: v.contiguous() for k, v in state.items() if k.startswith(("spatial.", "maps."))})


def maps_loss(maps: torch.Tensor, joints: torch.Tensor, ball: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of logits (N, 18, H, W) with joints (N, 17, 3), as a bell each, and ball (N, H, W).

    joints, ball: as in TransferSet. A joint counts as much as the teacher is sure of it, and not at all outside the
    picture.
    """
    height, width = maps.shape[-2:]
    x, y = joints[..., 0, None] * width - 0.5, joints[..., 1, None] * height - 0.5
    across, down = torch.arange(width), torch.arange(height)
    bell = -((across - x).square()[:, :, None] + (down - y).square()[..., None]) / (2 * _SIGMA**2)
    target, log_predicted = bell.flatten(2).softmax(2), maps[:, :NUM_JOINTS].flatten(2).log_softmax(2)
    inside = ((joints[..., :2] > 0) & (joints[..., :2] < 1)).all(2)
    sure = joints[..., 2] * inside
    pose = -((target * log_predicted).sum(2) * sure).sum() / sure.sum().clamp(min=1)
    each = functional.binary_cross_entropy_with_logits(maps[:, NUM_JOINTS], ball, reduction="none")
    return pose + _BALL_SHARE * (each * (1 + _BALL_WEIGHT * ball)).sum((1, 2)).mean()


def mirror(joints: torch.Tensor, ball: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the teachers see in the mirror image."""
    joints = joints[:, list(MIRRORED)]
    return torch.cat([1 - joints[..., :1], joints[..., 1:]], 2), ball.flip(2)


def rescale(model: PooledMaps, features: torch.Tensor) -> torch.Tensor:
    """Set ``model.norm``, in place, so that each feature gets mean 0 and each part of them its say, all spread 1.

    Joints and ball are few numbers that say much; without a say of their own they would drown in the thousands.
    features: float32 (N, 7194), of at least two clips: ``model.embed`` while ``model.norm`` passes them on as they are.
    Returns what it gives for them from now on.
    """
    say = torch.cat([torch.full((n,), w / n**0.5) for n, w in zip(PICTURE_PARTS, PART_WEIGHTS, strict=True)])
    mean, spread = features.mean(0), features.std(0)
    gain = say.repeat(3) / (spread + _SMALLEST)
    gain *= (len(gain) / (gain * spread).square().sum()) ** 0.5
    with torch.no_grad():
        model.norm.gain.copy_(gain)
        model.norm.offset.copy_(-mean * gain)
    return (features - mean) * gain


def _draw(
    transfer_set: TransferSet, part: npt.NDArray[np.int64], augmentation: Augmentation, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures (N, 3, 1, H, W) in other colours, half of the time mirrored, with their joints and balls."""
    x = torch.from_numpy(transfer_set.pictures[part]).permute(0, 3, 1, 2)[:, :, None].float() / 255
    joints, ball = torch.from_numpy(transfer_set.joints[part]), torch.from_numpy(transfer_set.ball[part])
    x = augment(x, augmentation, rng)
    if rng.random() < 0.5:
        return x.flip(4), *mirror(joints, ball)
    return x, joints, ball
