"""What the maps of joints and ball say, against pictures whose truth is known."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.networks.player_maps import BALL_GRID, MAP_PARTS, MIRRORED, NUM_JOINTS, PlayerMaps, describe

H, W = 22, 16
cells = st.tuples(st.integers(0, H - 1), st.integers(0, W - 1))


def _maps(joints: list[tuple[int, int]], ball: tuple[int, int]) -> torch.Tensor:
    """Logits with one sharp peak for each joint and the ball."""
    maps = torch.full((1, NUM_JOINTS + 1, H, W), -20.0)
    for i, (row, column) in enumerate([*joints, ball]):
        maps[0, i, row, column] = 20.0
    return maps


@settings(max_examples=25, deadline=None)
@given(st.lists(cells, min_size=NUM_JOINTS, max_size=NUM_JOINTS), cells)
def test_sharp_maps_are_read_out_exactly(joints: list[tuple[int, int]], ball: tuple[int, int]) -> None:
    seen = describe(_maps(joints, ball))[0]
    place = torch.tensor(joints).flip(1) + 0.5
    middle = place.mean(0)
    expected = torch.cat([(place - middle)[:, 0], (place - middle)[:, 1]]) / H
    torch.testing.assert_close(seen[: 2 * NUM_JOINTS], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[3 * NUM_JOINTS : MAP_PARTS[0]], middle / H, atol=1e-4, rtol=0)
    cell = int(seen[MAP_PARTS[0] :].argmax())
    rows, columns = BALL_GRID
    assert abs(cell // columns - ball[0] * rows / H) < 1.01 and abs(cell % columns - ball[1] * columns / W) < 1.01


@settings(max_examples=10, deadline=None)
@given(st.lists(cells, min_size=NUM_JOINTS, max_size=NUM_JOINTS), st.integers(0, H - 1), st.integers(0, W - 1))
def test_moving_the_player_moves_only_his_middle(joints: list[tuple[int, int]], down: int, right: int) -> None:
    maps = _maps(joints, (0, 0))
    moved = maps.roll((down, right), (2, 3))
    wraps = any(r + down >= H or c + right >= W for r, c in joints)
    same = torch.allclose(describe(maps)[0, : 3 * NUM_JOINTS], describe(moved)[0, : 3 * NUM_JOINTS], atol=1e-4)
    assert wraps or same


def test_an_unsure_joint_is_less_sharp() -> None:
    sharp = _maps([(5, 5)] * NUM_JOINTS, (0, 0))
    sharpness = [float(describe(sharp * s)[0, 2 * NUM_JOINTS]) for s in (1.0, 0.1, 0.0)]
    assert sharpness[0] > sharpness[1] > sharpness[2] == np.float32(sharpness[2]) and abs(sharpness[2]) < 1


def test_mirroring_twice_changes_nothing() -> None:
    assert [MIRRORED[i] for i in MIRRORED] == list(range(NUM_JOINTS))


def test_maps_fit_odd_sizes() -> None:
    maps = PlayerMaps()([torch.rand(2, 128, 22, 16), torch.rand(2, 128, 11, 8), torch.rand(2, 256, 6, 4)])
    assert maps.shape == (2, NUM_JOINTS + 1, 22, 16)
