"""A small network learns to see what its teachers say it should, and nothing else of it changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.player_maps import NUM_JOINTS
from classify.networks.pooled_maps import PICTURE_PARTS, PooledMaps
from classify.train.distillation import PART_WEIGHTS, TransferSet, maps_loss, mirror, rescale, taught, teach
from classify.weights.checkpoint import load_start
from ground.errors import InputError

H, W = 48, 32


def _transfer_set(number: int, seed: int = 0) -> TransferSet:
    """White squares on grey: all joints are in the square's middle, and so is the ball, which only some have."""
    rng = np.random.default_rng(seed)
    pictures = np.full((number, H, W, 3), 90, np.uint8)
    joints, ball = np.ones((number, NUM_JOINTS, 3), np.float32), np.zeros((number, H // 8, W // 8), np.float32)
    for i in range(number):
        row, column = int(rng.integers(H // 8)), int(rng.integers(W // 8))
        pictures[i, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 255
        joints[i, :, :2] = (column + 0.5) * 8 / W, (row + 0.5) * 8 / H
        ball[i, row, column] = i % 2
    return TransferSet(pictures, joints, ball)


@pytest.mark.slow
def test_learns_where_things_are_in_pictures_never_seen() -> None:
    torch.manual_seed(0)
    model = PooledMaps(3)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    losses = teach(model, _transfer_set(64), steps=60, batch=16)
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed and all(name.startswith("maps.") for name in changed)
    fresh = _transfer_set(32, seed=1)
    with torch.no_grad():
        x = torch.from_numpy(fresh.pictures).permute(0, 3, 1, 2)[:, :, None].float() / 255
        found = model.maps(model.scales(x))[:, 0].flatten(1).argmax(1)
    truth = torch.from_numpy(fresh.joints[:, 0])
    right = (found % (W // 8) == (truth[:, 0] * W // 8)) & (found // (W // 8) == (truth[:, 1] * H // 8))
    assert right.float().mean() > 0.8


def test_what_was_taught_can_be_started_from(tmp_path: Path) -> None:
    model = PooledMaps(2)
    (tmp_path / "maps.safetensors").write_bytes(taught(model))
    started = load_start(tmp_path / "maps.safetensors", "pooled_maps", 7)
    for name, value in started.state_dict().items():
        if name.startswith(("spatial.", "maps.")):
            assert torch.equal(value, model.state_dict()[name]), name


def test_same_seed_same_result() -> None:
    results: list[list[float]] = []
    for _ in range(2):
        torch.manual_seed(0)
        results.append(teach(PooledMaps(2), _transfer_set(8), steps=3, batch=4, seed=5))
    assert results[0] == results[1]


def test_loss_is_least_at_the_truth_and_blind_to_joints_outside() -> None:
    transfer_set = _transfer_set(4)
    joints, ball = torch.from_numpy(transfer_set.joints), torch.from_numpy(transfer_set.ball)
    rows, columns = torch.arange(H // 8) + 0.5, torch.arange(W // 8) + 0.5
    across = (columns - joints[:, :1, 0] * (W // 8)).square()[:, None, :]
    down = (rows - joints[:, :1, 1] * (H // 8)).square()[:, :, None]
    bell = (-(across + down) / 0.98)[:, None].expand(4, NUM_JOINTS, H // 8, W // 8)
    right = torch.cat([bell, (ball[:, None] - 0.5) * 20], 1)
    wrong = right.flip(2)
    assert maps_loss(right, joints, ball) < maps_loss(wrong, joints, ball)
    outside = joints.clone()
    outside[:, 3:, 0] = 1.5
    noisy = right.clone()
    noisy[:, 3:NUM_JOINTS] = torch.randn(4, NUM_JOINTS - 3, H // 8, W // 8)
    torch.testing.assert_close(maps_loss(noisy, outside, ball), maps_loss(right, outside, ball))


def test_mirror_swaps_left_and_right() -> None:
    joints = torch.rand(2, NUM_JOINTS, 3)
    ball = torch.rand(2, 6, 4)
    once, ball_once = mirror(joints, ball)
    assert torch.allclose(once[:, 5, 0], 1 - joints[:, 6, 0]) and torch.equal(once[:, 5, 1:], joints[:, 6, 1:])
    twice, ball_twice = mirror(once, ball_once)
    torch.testing.assert_close(twice, joints)
    assert torch.equal(ball_twice, ball) and not torch.equal(ball_once, ball)


def test_rescale_gives_each_part_its_say() -> None:
    torch.manual_seed(0)
    model = PooledMaps(3)
    batches = [torch.rand(8, 3, 4, H, W) for _ in range(4)]
    with torch.no_grad():
        rescaled = rescale(model, torch.cat([model.embed(x) for x in batches]))
        features = torch.cat([model.embed(x) for x in batches])
        torch.testing.assert_close(features, rescaled, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(features.mean(0), torch.zeros(features.shape[1]), atol=1e-3, rtol=0)
    variance = features.var(0).reshape(3, -1).split(PICTURE_PARTS, 1)
    assert abs(features.square().mean() - 1) < 0.1
    assert float(variance[2].sum() / variance[3].sum()) == pytest.approx(
        (PART_WEIGHTS[2] / PART_WEIGHTS[3]) ** 2, rel=0.3
    )


def test_teachers_answers_of_other_pictures_are_refused() -> None:
    transfer_set = _transfer_set(4)
    with pytest.raises(InputError, match="not of 4 pictures"):
        TransferSet(transfer_set.pictures, transfer_set.joints[:3], transfer_set.ball)
    with pytest.raises(InputError, match="too few for batches of 5"):
        teach(PooledMaps(2), transfer_set, steps=1, batch=5)
