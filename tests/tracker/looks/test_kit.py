from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.frames import Image
from tracker.looks.kit import kits

FLOOR = (190, 150, 100)
Color = tuple[int, int, int]


def picture(shirt: Color, shorts: Color, *, number: bool = False, stripes: bool = False) -> tuple[Image, np.ndarray]:
    image = np.full((240, 200, 3), FLOOR, np.float64)
    image[20:200, 75:125] = (150, 110, 90)
    image[50:98, 70:130] = shirt
    image[98:140, 72:128] = shorts
    if number:
        image[60:80, 94:106] = (10, 10, 10)
    if stripes:
        image[50:140, 88:91] = (250, 250, 250)
    image += np.random.default_rng(0).normal(0, 4, image.shape)
    return image.clip(0, 255).astype(np.uint8), np.array([[60.0, 20.0, 140.0, 200.0]])


def lab(color: Color) -> np.ndarray:
    return cv2.cvtColor(np.array([[color]], np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0]


@given(st.tuples(*[st.integers(20, 235)] * 3), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_kit_is_the_color_of_its_cloth_whatever_is_printed_on_it(shirt: Color, number: bool, stripes: bool) -> None:
    if np.linalg.norm(lab(shirt) - lab(FLOOR)) < 30:
        return
    image, boxes = picture(shirt, (40, 60, 160), number=number, stripes=stripes)
    (kit,) = kits(image, boxes)
    assert np.linalg.norm(kit[:3] - lab(shirt)) < 8
    assert np.linalg.norm(kit[4:7] - lab((40, 60, 160))) < 8
    assert 0.4 < kit[3] <= 1 and 0.4 < kit[7] <= 1


def test_floor_where_the_shorts_were_counts_for_nothing() -> None:
    image, boxes = picture((240, 240, 240), FLOOR)
    image[98:200] = FLOOR
    (kit,) = kits(image, boxes)
    assert kit[7] == pytest.approx(0, abs=0.05)


def test_no_boxes_have_no_kits() -> None:
    image, _ = picture((240, 240, 240), (0, 0, 0))
    assert kits(image, np.zeros((0, 4))).shape == (0, 8)
