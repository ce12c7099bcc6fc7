from __future__ import annotations

import numpy as np
import pytest

from tracker.players.rts import Line, smoothed


def line_of(rng: np.random.Generator, count: int) -> Line:
    """A player of some size who goes about, seen now and then, at uneven times."""
    size = rng.uniform(20, 300) * np.array([0.4, 1.0])
    centre = np.cumsum(rng.normal(0, 5, (count, 2)), axis=0) + rng.uniform(0, 900, 2)
    boxes = np.concatenate([centre, size * rng.uniform(0.9, 1.1, (count, 2))], axis=1)
    observed = rng.random(count) < 0.8
    observed[0] = True
    return Line(boxes, 7 + np.cumsum(rng.choice([1, 2, 5], count)) / 60, observed)


def by_filterpy(line: Line) -> np.ndarray:
    """The same model as 8x8 matrices, as FilterPy's documentation sets one up."""
    from filterpy.kalman import KalmanFilter  # loads all of SciPy's statistics, in each process that collects tests

    height, dt = line.boxes[:, 3], np.diff(line.seconds, prepend=line.seconds[0])
    transitions = np.kron(np.eye(2, k=1)[None] * dt[:, None, None], np.eye(4)) + np.eye(8)
    wander = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]) * height**2
    noise = np.kron(wander.transpose(2, 0, 1), np.diag([10.0, 10.0, 5.0, 5.0]))
    kalman = KalmanFilter(dim_x=8, dim_z=4)
    kalman.H = np.eye(4, 8)
    kalman.x[:4, 0] = line.boxes[0]
    kalman.P = np.diag(np.repeat([0.025, 3.0], 4) * height[0]) ** 2
    measured = [box[:, None] if seen else None for box, seen in zip(line.boxes, line.observed, strict=True)]
    variances = np.eye(4) * ((0.025 * height) ** 2)[:, None, None]
    means, covariances, _, _ = kalman.batch_filter(measured, Fs=transitions, Qs=noise, Rs=variances)
    return kalman.rts_smoother(means, covariances, Fs=transitions, Qs=noise)[0][:, :4, 0]


@pytest.mark.parametrize("seed", range(4))
def test_lines_of_any_length_together_are_as_filterpy_has_each(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [line_of(rng, int(count)) for count in rng.integers(2, 120, 5)]
    for line, found in zip(lines, smoothed(lines), strict=True):
        np.testing.assert_allclose(found, by_filterpy(line), rtol=1e-9)


def test_company_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    lines = [line_of(rng, count) for count in (1, 40, 90)]
    for line, found in zip(lines, smoothed(lines), strict=True):
        np.testing.assert_array_equal(found, smoothed([line])[0])
