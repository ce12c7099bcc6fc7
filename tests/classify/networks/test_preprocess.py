"""Preprocessing against the formula in one table, and its profile through JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from classify.networks.preprocess import to_tensor
from classify.networks.profile import KINETICS_MEAN, KINETICS_STD, Profile, to_array
from ground.errors import InputError

PROFILES = {
    "ours": Profile(mean=KINETICS_MEAN, std=KINETICS_STD),
    "hkair: BGR, 0..255": Profile(colour="BGR", scale=1.0),
    "BGR with mean of BGR": Profile(colour="BGR", mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0)),
    "half the frames": Profile(frames=8),
}


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 16, 176, 128, 3), dtype=np.uint8)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_values_follow_the_formula(profile: Profile, clips: np.ndarray) -> None:
    x = to_tensor(clips, profile)
    assert x.is_contiguous(memory_format=torch.channels_last_3d)
    channels = clips[..., ::-1] if profile.colour == "BGR" else clips
    expected = (channels[:, :: 16 // profile.frames] * profile.scale - np.array(profile.mean)) / np.array(profile.std)
    np.testing.assert_allclose(x.permute(0, 2, 3, 4, 1).numpy(), expected, rtol=1e-4, atol=1e-4)


_TRIPLE = st.tuples(*[st.floats(1e-3, 2.0)] * 3)


@given(
    profile=st.builds(
        Profile, frames=st.integers(1, 16), height=st.just(16), width=st.just(16),
        colour=st.sampled_from(["RGB", "BGR"]), scale=st.floats(1e-4, 2.0), mean=_TRIPLE, std=_TRIPLE,
    ),
    length=st.integers(1, 40),
)  # fmt: skip
@example(profile=Profile(16, 16), length=16)
@example(profile=Profile(16, 16, mean=KINETICS_MEAN, std=KINETICS_STD), length=16)
def test_without_pytorch_it_is_the_same_to_the_bit(profile: Profile, length: int) -> None:
    """Every byte in every channel of every frame."""
    frames = np.arange(256, dtype=np.uint8).reshape(16, 16)
    clip = np.stack([np.roll(frames, shift) for shift in range(3 * length)]).reshape(1, length, 3, 16, 16)
    clips = clip.transpose(0, 1, 3, 4, 2)
    given = to_array(clips, profile)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, to_tensor(clips, profile).numpy())


def test_scaling_down_keeps_the_picture() -> None:
    clips = np.zeros((1, 16, 176, 128, 3), np.uint8)
    clips[:, :, :88, :64] = 255
    x = to_tensor(clips, Profile(height=88, width=64))
    assert x.shape == (1, 3, 16, 88, 64)
    assert x[..., :42, :30].min() == pytest.approx(1.0)
    assert x[..., 46:, :].max() == 0.0 == x[..., :, 34:].max()
    np.testing.assert_array_equal(to_array(clips, Profile(height=88, width=64)), x.numpy())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_profile_survives_json(profile: Profile) -> None:
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "GRB"},
        {"height": 0},
        {"height": "tall"},
        {"frames": 17},
        {"std": [1.0, 0.0, 1.0]},
        {"mean": [1.0]},
        {"mean": None},
        {"gamma": 2},
    ],
)
def test_impossible_profiles_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Profile.from_json(Profile().to_json() | change)


def test_a_missing_field_is_refused() -> None:
    value = replace(Profile(), frames=8).to_json()
    del value["pace"]
    with pytest.raises(InputError):
        Profile.from_json(value)
