from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from tracker.looks.backbone import BackboneDescriber

WEIGHTS = Path(__file__).parents[3] / "weights/players.pt"


def test_players_are_described_one_by_one_and_known_again() -> None:
    rng = np.random.default_rng(0)
    image = np.full((300, 400, 3), 120, np.uint8)
    image[50:200, 50:110] = rng.integers(0, 256, (150, 60, 3))
    image[50:200, 250:310, 2] = 250
    boxes = np.array([[50.0, 50, 110, 200], [250, 50, 310, 200]])
    describer = BackboneDescriber(WEIGHTS)
    vectors = describer.describe(image, boxes)
    assert vectors.dtype == np.float32 and vectors.shape == (2, 512)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert vectors[1:] == pytest.approx(describer.describe(image, boxes[1:]), abs=1e-5)
    likeness = vectors @ describer.describe(image, boxes + 2).T
    assert np.diag(likeness).min() > likeness[~np.eye(2, dtype=bool)].max() + 0.1


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "junk.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"junk\.pt: not a model .* \(damaged, or no checkpoint\)"):
        BackboneDescriber(tmp_path / "junk.pt")
