from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.frames import Image
from tracker.looks.describers import ColorDescriber, ReidDescriber, crops

FLOOR = (190, 150, 100)


def picture(*shirts: tuple[int, int, int], light: float = 1.0) -> tuple[Image, np.ndarray]:
    """Players in shirts of these colours and black shorts on a wooden floor, and their boxes."""
    image = np.full((200, 100 * len(shirts), 3), FLOOR, np.float64)
    for k, shirt in enumerate(shirts):
        image[20:170, 100 * k + 25 : 100 * k + 75] = (150, 110, 90)
        image[50:95, 100 * k + 25 : 100 * k + 75] = shirt
        image[95:125, 100 * k + 25 : 100 * k + 75] = 30
    image += np.random.default_rng(0).normal(0, 5, image.shape)
    boxes = np.array([[100 * k + 15, 20, 100 * k + 85, 170] for k in range(len(shirts))], np.float64)
    return (light * image).clip(0, 255).astype(np.uint8), boxes


def test_crops_have_one_size_and_reach_over_edges() -> None:
    image, boxes = picture((200, 0, 0), (0, 0, 200))
    parts = crops(image, np.concatenate([boxes, [[-40, -30, 20, 60], [150, 50, 150.2, 50.2]]]), 32, 64)
    assert parts.shape == (4, 64, 32, 3)
    assert parts[0, 24, 16, 0] > 150 > parts[1, 24, 16, 0]


@given(st.tuples(*[st.integers(0, 255)] * 3))
@settings(max_examples=30, deadline=None)
def test_colors_are_shares_of_each_strip(shirt: tuple[int, int, int]) -> None:
    image, boxes = picture(shirt)
    vectors = ColorDescriber().describe(image, boxes)
    assert vectors.dtype == np.float32 and vectors.shape == (1, 2400)
    assert (vectors.reshape(4, -1) ** 2).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-4)


def test_a_shirt_is_like_itself_in_other_light_and_unlike_other_shirts() -> None:
    shirts = (230, 230, 230), (220, 190, 60), (40, 60, 160), (150, 30, 30)
    image, boxes = picture(*shirts)
    darker, _ = picture(*shirts, light=0.85)
    vectors, again = (ColorDescriber().describe(shown, boxes) for shown in (image, darker))
    apart = np.linalg.norm(vectors[:, None] - again, axis=2)
    assert (apart.argmin(axis=1) == np.arange(4)).all()
    assert np.diag(apart).max() < 0.8 * apart[~np.eye(4, dtype=bool)].min()


def test_boxes_are_described_one_by_one() -> None:
    image, boxes = picture((230, 230, 230), (220, 190, 60))
    describer = ColorDescriber()
    together = describer.describe(image, boxes)
    assert together[1:] == pytest.approx(describer.describe(image, boxes[1:]))


def mean_color(path: Path, shape: list[int]) -> Path:
    """A network in a file: pictures of ``shape`` -> their mean colour (N, 3)."""
    import openvino as ov
    from openvino import opset13 as op

    pixels = op.parameter(shape, np.float32)
    rows_and_columns = [2, 3] if shape[1] == 3 else [1, 2]
    mean = op.reduce_mean(pixels, op.constant(rows_and_columns, np.int64), keep_dims=False)
    ov.save_model(ov.Model([mean], [pixels]), path)
    return path


@pytest.mark.parametrize("shape", [[-1, 3, 64, 32], [1, 3, 64, 32], [-1, 64, 32, 3]])
def test_size_and_layout_are_the_files(tmp_path: Path, shape: list[int]) -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[:, 100:] = (255, 0, 128)
    vectors = ReidDescriber(mean_color(tmp_path / "net.xml", shape)).describe(
        image, np.array([[10.0, 20, 50, 120], [120, 20, 160, 120]])
    )
    assert vectors.dtype == np.float32
    normalised = (np.array([[0, 0, 0], [1, 0, 128 / 255]]) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    normalised /= np.linalg.norm(normalised, axis=1, keepdims=True)
    assert vectors == pytest.approx(normalised, abs=0.01)


def test_files_that_are_no_such_network(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.onnx: no such file"):
        ReidDescriber(tmp_path / "missing.onnx")
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"no network at all")
    with pytest.raises(InputError, match=r"junk\.onnx: not a model that OpenVINO can read"):
        ReidDescriber(junk)
    with pytest.raises(InputError, match=r"expected one input \(N,3,H,W\)") as failure:
        ReidDescriber(mean_color(tmp_path / "four.xml", [1, 4, 64, 32]))
    assert "\n" not in str(failure.value)


def test_osnet_knows_a_player_again(shared: Path) -> None:
    model = shared / "weights/osnet_x0_25/osnet_x0_25_msmt17.onnx"
    describer = ReidDescriber(model)
    image, boxes = picture((230, 230, 230), (150, 30, 30))
    moved, _ = picture((230, 230, 230), (150, 30, 30), light=0.9)
    vectors, again = describer.describe(image, boxes), describer.describe(moved, boxes + 3)
    assert vectors.shape == (2, 512)
    likeness = vectors @ again.T
    assert np.diag(likeness).min() > likeness[~np.eye(2, dtype=bool)].max()
