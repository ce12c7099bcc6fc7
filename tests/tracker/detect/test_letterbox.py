"""What goes into a YOLO network and how its output is read: to the bit as ultralytics does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracker.detect.letterbox import Letterbox, read_chosen, read_output, suppress
from tracker.detect.yolo import contained

with contained:
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils.nms import TorchNMS, non_max_suppression
    from ultralytics.utils.ops import scale_boxes

_SIDES = st.integers(8, 700)


def _theirs(image: np.ndarray, size: tuple[int, int], auto: bool) -> np.ndarray:
    boxed = torch.from_numpy(LetterBox(size, auto=auto, stride=32)(image=image)).permute(2, 0, 1)
    return boxed.float().div_(255).numpy()


@pytest.mark.slow
@settings(deadline=None)
@given(height=_SIDES, width=_SIDES, most=st.integers(1, 20), fixed=st.booleans(), seed=st.integers(0, 9))
def test_a_picture_comes_in_as_there(height: int, width: int, most: int, fixed: bool, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    side = (32 * most, 32 * most)
    given = Letterbox.of((height, width), side, 0 if fixed else 32).fill(image)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given[0], _theirs(image, side, not fixed))


@pytest.mark.slow
@settings(deadline=None)
@given(height=_SIDES, width=_SIDES, classes=st.integers(1, 5), seed=st.integers(0, 10_000), number=st.integers(0, 300))
def test_boxes_come_out_as_there(height: int, width: int, classes: int, seed: int, number: int) -> None:
    rng, box = np.random.default_rng(seed), Letterbox.of((height, width), (320, 320), 32)
    inputs = tuple(int(s + b + a) for s, b, a in zip(box.scaled, box.before, box.after, strict=True))
    # Where the shorter side was rounded and has no grey beside it, ultralytics takes its scale for both sides'.
    assume(min(inputs[0] / height, inputs[1] / width) == min(320 / height, 320 / width))
    output = np.concatenate([
        rng.uniform(-20, 340, (2, number)), rng.uniform(0, 150, (2, number)), rng.uniform(0, 1, (classes, number)) ** 2,
    ]).astype(np.float32)  # fmt: skip
    found = read_output(output, 0.2, 0.6)
    wanted: Any = non_max_suppression(torch.from_numpy(output[None]), 0.2, 0.6, agnostic=True, nc=classes)[0]
    wanted[:, :4] = scale_boxes(inputs, wanted[:, :4], (height, width))
    ours = np.column_stack([box.in_picture(found.xyxy), found.confidence, found.class_id])
    np.testing.assert_array_equal(ours, wanted.numpy())


@pytest.mark.slow
@given(st.integers(0, 200), st.integers(0, 10_000), st.floats(0.01, 1.0))
def test_who_is_kept_is_not_covered_and_who_is_not_is(number: int, seed: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 60, (number, 2))
    boxes = np.concatenate([low, low + rng.integers(0, 30, (number, 2))], 1).astype(np.float32)
    kept = suppress(boxes, most)
    theirs = TorchNMS.nms(torch.from_numpy(boxes), -torch.arange(number, dtype=torch.float32), most)
    solid = (boxes[:, 2:] > boxes[:, :2]).all(1)
    assert [i for i in kept if solid[i]] == [i for i in theirs.tolist() if solid[i]]
    assert (np.diff(kept) > 0).all()


def test_of_more_than_three_hundred_the_surest_are_kept() -> None:
    number = 1000
    output = np.concatenate([
        np.arange(2 * number, dtype=np.float32).reshape(2, -1) * 9, np.full((2, number), 5, np.float32),
        np.linspace(0.3, 0.9, number, dtype=np.float32)[None],
    ])  # fmt: skip
    found = read_output(output, 0.2, 0.6)
    assert len(found.xyxy) == 300 and found.confidence.min() > 0.7


def test_a_network_that_has_chosen_itself_is_believed() -> None:
    rows = np.array([[1, 2, 30, 40, 0.9, 2], [1, 2, 30, 41, 0.3, 0], [5, 5, 6, 6, 0.1, 1]], np.float32)
    found = read_chosen(rows, 0.2, 0.6)
    np.testing.assert_array_equal(found.xyxy, rows[:2, :4])
    assert found.class_id.tolist() == [2, 0] and found.class_id.dtype == np.int64


def test_boxes_end_where_the_picture_ends() -> None:
    box = Letterbox.of((90, 160), (320, 320), 32)
    (left, top, right, bottom) = box.in_picture(np.array([[-50, -50, 999, 999]], np.float32))[0]
    assert (left, top, right, bottom) == pytest.approx((0, 0, 160, 90))
