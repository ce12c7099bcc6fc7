from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tracker.track import sort_filter

if TYPE_CHECKING:
    from filterpy.kalman import KalmanFilter


def reference_filter(xysr: np.ndarray) -> KalmanFilter:
    """The 7-state filter of the SORT paper, one track, as FilterPy's documentation sets one up."""
    from filterpy.kalman import KalmanFilter  # loads all of SciPy's statistics, in each process that collects tests

    reference = KalmanFilter(dim_x=7, dim_z=4)
    reference.F = np.eye(7) + np.eye(7, k=4)
    reference.H = np.eye(4, 7)
    reference.R[2:, 2:] *= 10
    reference.P[4:, 4:] *= 1000
    reference.P *= 10
    reference.Q[-1, -1] *= 0.01
    reference.Q[4:, 4:] *= 0.01
    reference.x[:4, 0] = xysr
    return reference


def predict_reference(reference: KalmanFilter) -> None:
    if reference.x[6, 0] + reference.x[2, 0] <= 0:
        reference.x[6, 0] = 0
    reference.predict()


def random_measurements(rng: np.random.Generator, count: int) -> np.ndarray:
    """xysr (4, count) of people from a few pixels to half a picture."""
    height = rng.uniform(8, 400, count)
    ratio = rng.uniform(0.2, 1.5, count)
    x, y = rng.uniform(-50, 1900, (2, count))
    return np.stack([x, y, height * height * ratio, ratio])


@pytest.mark.parametrize("seed", range(6))
def test_steps_beside_filterpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_tracks = 7
    z = random_measurements(rng, num_tracks)
    states = sort_filter.initiate(z)
    references = [reference_filter(row) for row in z.T]
    velocity = rng.normal(0, [[8], [8], [0], [0]], z.shape)
    for _ in range(80):
        states = sort_filter.predict(states)
        for reference in references:
            predict_reference(reference)
        assert_same(states, references)
        z = z + velocity + rng.normal(0, [[2], [2], [0], [0]], z.shape)
        z[2:] *= rng.uniform(0.8, 1.25, (2, num_tracks))
        seen = np.flatnonzero(rng.random(num_tracks) < 0.75)
        corrected = states[:, :, seen]
        sort_filter.update(corrected, z[:, seen])
        states[:, :, seen] = corrected
        for i in seen:
            references[i].update(z[:, i])
        assert_same(states, references)


def assert_same(states: np.ndarray, references: list[KalmanFilter]) -> None:
    mean, covariance = sort_filter.to_matrices(states)
    np.testing.assert_allclose(mean, [r.x[:, 0] for r in references], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(covariance, [r.P for r in references], rtol=1e-9, atol=1e-9)


def test_area_never_falls_to_zero() -> None:
    states = sort_filter.initiate(np.array([[100.0], [100], [5000], [0.5]]))
    reference = reference_filter(np.array([100.0, 100, 5000, 0.5]))
    for area in (3000.0, 800.0, 100.0):
        states = sort_filter.predict(states)
        predict_reference(reference)
        sort_filter.update(states, np.array([[100], [100], [area], [0.5]]))
        reference.update([100, 100, area, 0.5])
    for _ in range(30):
        states = sort_filter.predict(states)
        predict_reference(reference)
        assert states[sort_filter.VALUE, 2, 0] > 0
        assert_same(states, [reference])


def test_tracks_do_not_influence_each_other() -> None:
    rng = np.random.default_rng(3)
    z = random_measurements(rng, 5)
    together = sort_filter.initiate(z)
    alone = [sort_filter.initiate(z[:, i : i + 1]) for i in range(5)]
    for _ in range(10):
        z = z + rng.normal(0, 2, z.shape) * [[1], [1], [5], [0]]
        together = sort_filter.predict(together)
        sort_filter.update(together, z)
        alone = [sort_filter.predict(states) for states in alone]
        for i, states in enumerate(alone):
            sort_filter.update(states, z[:, i : i + 1])
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=2))


def test_prediction_leaves_what_it_was_given() -> None:
    states = sort_filter.initiate(random_measurements(np.random.default_rng(4), 3))
    before = states.copy()
    sort_filter.predict(states)
    np.testing.assert_array_equal(states, before)


def test_no_tracks() -> None:
    states = sort_filter.predict(sort_filter.initiate(np.empty((4, 0))))
    sort_filter.update(states, np.empty((4, 0)))
    assert states.shape == (8, 4, 0)
    assert sort_filter.to_matrices(states)[1].shape == (0, 7, 7)
