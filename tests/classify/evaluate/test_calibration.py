"""Sureness: errors counted by hand, temperatures found again, and thresholds that pay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.evaluate.calibration import (
    calibration_error,
    fit_temperature,
    fit_threshold,
    reliability,
    with_temperature,
)
from ground.errors import InputError


def _logits(seed: int, number: int = 4000, labels: int = 6, spread: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (number, labels))


def _softmax(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits), 1).numpy()


def _drawn(probabilities: np.ndarray, seed: int = 1) -> np.ndarray:
    """Right labels that are as likely as ``probabilities`` say."""
    u = np.random.default_rng(seed).random((len(probabilities), 1))
    return (probabilities.cumsum(1) < u).sum(1).clip(max=probabilities.shape[1] - 1)


def test_the_error_of_a_small_table() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    truth = np.array([0, 1, 0, 1])
    # Two answers at 0.9 of which half are right, two at 0.6 which both are.
    assert calibration_error(probabilities, truth) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    assert [(b.count, b.accuracy) for b in reliability(probabilities, truth)] == [(2, 1.0), (2, 0.5)]


def test_who_is_as_sure_as_right_has_a_small_error_and_a_temperature_of_one() -> None:
    probabilities = _softmax(_logits(0))
    truth = _drawn(probabilities)
    assert calibration_error(probabilities, truth) < 0.03
    assert fit_temperature(probabilities, truth) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("temperature", [0.5, 1.7, 3.0])
def test_a_temperature_is_found_again_and_mends_the_error(temperature: float) -> None:
    honest = _softmax(_logits(2))
    truth = _drawn(honest)
    sure = with_temperature(honest, 1 / temperature)
    found = fit_temperature(sure, truth)
    assert found == pytest.approx(temperature, rel=0.07)
    assert calibration_error(with_temperature(sure, found), truth) < 0.03 < calibration_error(sure, truth)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_a_temperature_divides_logits_and_never_changes_the_answer(seed: int, temperature: float) -> None:
    logits = _logits(seed, 20)
    scaled = with_temperature(_softmax(logits), temperature)
    np.testing.assert_allclose(scaled, _softmax(logits / temperature), atol=1e-9)
    assert (scaled.argmax(1) == logits.argmax(1)).all()
    np.testing.assert_allclose(scaled.sum(1), 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_gains_more(answers: list[tuple[int, bool]]) -> None:
    confidence = np.array([0.5 + 0.5 * c / 21 for c, _ in answers])
    right = np.array([r for _, r in answers])
    probabilities = np.stack([confidence, 1 - confidence], 1)
    threshold = fit_threshold(probabilities, np.where(right, 0, 1))

    def gain(below: float) -> float:
        return float((right[confidence >= below] - 1 / 4).sum())

    best = max(gain(t) for t in (0.0, 1.0, *(confidence + 1e-6)))
    assert gain(threshold) == pytest.approx(best, abs=1e-9)


def test_thresholds_at_the_ends() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    assert fit_threshold(probabilities, np.array([0, 0, 0])) == 0.0
    assert fit_threshold(probabilities, np.array([1, 1, 1])) == 1.0
    assert fit_threshold(probabilities, np.array([0, 0, 1])) == pytest.approx(0.75)


def test_certainty_and_no_clips() -> None:
    certain = np.eye(3, dtype=np.float32)
    assert fit_temperature(certain, np.array([0, 1, 2])) < 0.2
    assert fit_temperature(certain, np.array([1, 2, 0])) == pytest.approx(20, rel=0.01)
    assert np.isfinite(with_temperature(certain, 20.0)).all()
    with pytest.raises(InputError, match="no clips"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, np.int64))
