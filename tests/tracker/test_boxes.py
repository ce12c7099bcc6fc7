from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracker.boxes import iou, xysr_to_xyxy, xywh_to_xyxy, xyxy_to_xysr, xyxy_to_xywh


def boxes(min_size: float = 0.0) -> st.SearchStrategy[np.ndarray]:
    """(N, 4) xyxy, N from 0 to 6."""
    corner = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(0, 1000))

    def ordered(raw: np.ndarray) -> np.ndarray:
        return np.concatenate([raw[:, :2], raw[:, :2] + min_size + raw[:, 2:]], axis=1)

    return corner.map(ordered)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),
        ((0, 0, 10, 10), (-5, -5, 5, 5), 25 / 175),
        ((3, 3, 3, 3), (3, 3, 3, 3), 0.0),
        ((3, 3, 3, 9), (0, 0, 10, 10), 0.0),
        ((8, 8, 2, 2), (0, 0, 10, 10), 0.0),
        ((8, 8, 2, 2), (8, 8, 2, 2), 0.0),
    ],
)
def test_known_overlaps(a: tuple[float, ...], b: tuple[float, ...], expected: float) -> None:
    assert iou(np.array([a], float), np.array([b], float))[0, 0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@given(boxes(), boxes())
def test_iou_is_symmetric_and_between_0_and_1(a: np.ndarray, b: np.ndarray) -> None:
    overlap = iou(a, b)
    assert overlap.shape == (len(a), len(b))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-12)).all()
    np.testing.assert_allclose(overlap, iou(b, a).T, atol=1e-12)


@given(boxes(1e-3), st.floats(-500, 500), st.floats(0.1, 10))
def test_iou_with_itself_is_1_wherever_it_stands(a: np.ndarray, shift: float, scale: float) -> None:
    moved = a * scale + shift
    np.testing.assert_allclose(np.diagonal(iou(moved, moved)), 1, atol=1e-9)


@pytest.mark.slow
@given(boxes(0.5), boxes(0.5))
def test_known_areas_change_nothing(a: np.ndarray, b: np.ndarray) -> None:
    areas_a, areas_b = xyxy_to_xysr(a)[:, 2], xyxy_to_xysr(b)[:, 2]
    np.testing.assert_allclose(iou(a, b, areas_a, areas_b), iou(a, b), atol=1e-12)


@given(boxes(0.5))
def test_conversions_there_and_back(a: np.ndarray) -> None:
    np.testing.assert_allclose(xysr_to_xyxy(xyxy_to_xysr(a)), a, atol=1e-6)
    np.testing.assert_allclose(xywh_to_xyxy(xyxy_to_xywh(a)), a, atol=1e-9)


def test_xysr_is_centre_area_ratio() -> None:
    np.testing.assert_allclose(xyxy_to_xysr(np.array([[10.0, 20, 40, 80]])), [[25, 50, 1800, 0.5]])
