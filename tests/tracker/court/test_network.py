"""The court's network: its sizes, its file, and that it can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ground.errors import InputError
from tracker.court.network import CourtNetwork, save_network
from tracker.court.segmenter import AREAS, CourtSegmenter, cell_centres
from tracker.court.train import fit, varied


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 240), (360, 640)])
def test_maps_lie_where_their_cells_say(tmp_path: Path, width: int, height: int) -> None:
    save_network(CourtNetwork(), tmp_path / "court.safetensors")
    seen = CourtSegmenter(tmp_path / "court.safetensors").areas(np.zeros((height, width, 3), np.uint8))
    centres = cell_centres(width, height, seen.shape[1:])
    assert len(seen) == len(AREAS)
    assert (centres >= 0).all() and (centres[-1, -1] < [width, height]).all()
    assert (np.array([width, height]) - centres[-1, -1] < centres[-1, -1] - centres[-3, -3]).all(), "all is covered"


def test_another_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "court.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no weights of the court's network"):
        CourtSegmenter(tmp_path / "court.safetensors")


def test_any_number_of_threads_sees_the_same(tmp_path: Path) -> None:
    save_network(CourtNetwork(), tmp_path / "court.safetensors")
    segmenter, before = CourtSegmenter(tmp_path / "court.safetensors"), torch.get_num_threads()
    image = np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
    seen: list[bytes] = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        seen.append(segmenter.areas(image).tobytes())
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert len(set(seen)) == 1


def test_variations_keep_picture_and_areas_together() -> None:
    masks = np.zeros((216, 384, 4), np.uint8)
    masks[90:140, 150:250] = 1
    image = np.repeat(255 * masks[:, :, :1], 3, axis=2)
    rng = np.random.default_rng(3)
    for _ in range(5):
        seen, areas = varied(image, masks, rng)
        light = seen.mean(axis=2).reshape(56, 4, 96, 4).mean(axis=(1, 3))
        assert np.corrcoef(light.ravel(), areas[:, :, 0].astype(float).ravel())[0, 1] ** 2 > 0.25


@pytest.mark.slow
def test_it_learns_a_picture() -> None:
    masks = np.zeros((216, 384, 4), np.uint8)
    masks[80:] = 1
    losses = list(fit(CourtNetwork(), [(200 * masks[:, :, :3], masks)], 24, size=1))
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])
