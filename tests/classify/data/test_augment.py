"""Changes of clips: the same in every frame, within bounds, none where none is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classify.data.augment import Augmentation, augment, vary_time

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.slow
def test_augmentation_changes_all_frames_of_a_clip_alike() -> None:
    still = torch.rand(3, 3, 1, 44, 32).expand(3, 3, 5, 44, 32)
    changed = augment(still, Augmentation(), np.random.default_rng(0))
    assert changed.shape == still.shape and changed.min() >= 0 and changed.max() <= 1
    torch.testing.assert_close(changed, changed[:, :, :1].expand_as(changed), atol=1e-5, rtol=0)
    assert (changed - still).abs().mean() > 0.05
    assert (changed[0] - changed[1]).abs().mean() > 0.05


def test_augmentation_of_nothing_is_the_identity() -> None:
    x = torch.rand(2, 3, 4, 44, 32)
    torch.testing.assert_close(augment(x, STILL, np.random.default_rng(0)), x, atol=1e-4, rtol=0)
    mirrored = augment(x, replace(STILL, mirror=1.0), np.random.default_rng(0))
    torch.testing.assert_close(mirrored, x.flip(-1), atol=1e-4, rtol=0)


def _place(x: torch.Tensor) -> tuple[float, float, float]:
    """Centre (x, y) in parts of the picture, and area, of what is white."""
    weight = x.mean((0, 1, 2))
    height, width = weight.shape
    total = float(weight.sum())
    across = float((weight.sum(0) * torch.arange(width)).sum()) / total / (width - 1)
    down = float((weight.sum(1) * torch.arange(height)).sum()) / total / (height - 1)
    return across, down, total


@pytest.mark.parametrize("seed", range(5))
def test_each_change_stays_within_its_reach(seed: int) -> None:
    x = torch.zeros(1, 3, 2, 88, 64)
    x[..., 34:54, 24:40] = 1
    _, _, area = _place(x)

    def changed(change: Augmentation) -> torch.Tensor:
        return augment(x, change, np.random.default_rng(seed))

    across, down, _ = _place(changed(replace(STILL, shift=0.2)))
    assert abs(across - 0.5) <= 0.21 and abs(down - 0.5) <= 0.21 and abs(across - 0.5) + abs(down - 0.5) > 0.005
    across, down, grown = _place(changed(replace(STILL, zoom=0.2)))
    assert 0.8**2 * 0.95 <= grown / area <= 1.2**2 * 1.05 and abs(across - 0.5) < 0.02 and abs(down - 0.5) < 0.02
    turned = changed(replace(STILL, rotation=20))
    assert abs(_place(turned)[2] / area - 1) < 0.03, "turned, not stretched"
    assert (turned - x).abs().sum() > 0
    erased = augment(torch.ones_like(x), replace(STILL, erase=1.0), np.random.default_rng(seed))
    part = float((erased != 1).float().mean())
    assert 0.15**2 * 0.8 <= part <= 0.4**2 * 1.05


def test_black_bars_stay_black_whatever_the_colours() -> None:
    x = torch.rand(4, 3, 2, 44, 32)
    x[..., :6] = 0
    assert augment(x, replace(STILL, colour=0.4), np.random.default_rng(0))[..., :6].abs().max() == 0


@given(st.integers(1, 120), st.integers(0, 2**32), st.floats(0.01, 1))
def test_time_is_varied_and_nobody_freezes(length: int, seed: int, reach: float) -> None:
    frames = np.broadcast_to(np.arange(length, dtype=np.uint8)[:, None, None, None], (length, 2, 2, 3))
    varied = vary_time(frames, Augmentation(time=reach), np.random.default_rng(seed))[:, 0, 0, 0].astype(int)
    steps = np.diff(varied)
    assert len(varied) == 16 and varied.max() < length
    assert (np.abs(steps) <= 2).all() and ((steps != 0).all() or length == 1)
    if length >= 16 * (1 + reach):
        assert (steps > 0).all(), "a clip that is long enough is a window of it, played forwards"
        assert steps.sum() <= 15 * (1 + reach) + 1, "at most so much faster"


def test_windows_come_from_all_over_a_long_clip_at_many_paces() -> None:
    frames = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None, None], (100, 1, 1, 3))
    seen = [vary_time(frames, Augmentation(), np.random.default_rng(i))[:, 0, 0, 0].astype(int) for i in range(300)]
    assert min(w[0] for w in seen) < 5 and max(w[-1] for w in seen) > 94
    assert {int(w[-1] - w[0]) for w in seen} == {15, 16, 17, 18}
    np.testing.assert_array_equal(vary_time(frames, STILL, np.random.default_rng(0))[:, 0, 0, 0], np.arange(42, 58))
