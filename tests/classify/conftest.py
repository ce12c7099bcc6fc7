"""Clips that a small network learns in seconds, and a network that is small enough for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classify.data.clips import LabelledClip
from classify.networks.pooled_maps import PooledMaps
from classify.networks.profile import Profile
from classify.networks.registry import MODELS


@pytest.fixture
def tiny_input(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """The small network, at 44x32 pixels, four frames and without dropout."""
    small = replace(MODELS["pooled_maps"], profile=Profile(44, 32, 4), factory=lambda n: PooledMaps(n, dropout=0.0))
    monkeypatch.setitem(MODELS, "pooled_maps", small)
    return small.profile


@pytest.fixture(scope="session")
def squares() -> list[LabelledClip]:
    """Four clips of a square that moves down ("walk"), four of the same that moves right ("run"); pairs are a group."""
    made: list[LabelledClip] = []
    for i in range(8):
        frames = np.full((16, 176, 128, 3), 20 * i, np.uint8)
        for t in range(16):
            along, across = 6 * t, 40
            top, left = (along, across) if i % 2 else (across, along)
            frames[t, top : top + 36, left : left + 36] = 255 - 20 * i
        made.append(LabelledClip(f"clip {i}", ("run", "walk")[i % 2], str(i // 2), frames))
    return made
