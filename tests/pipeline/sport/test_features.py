"""What a head is shown of a row: its roots, and what ImageNet's categories say of it, for the network that has them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.sport.embeddings import DEFAULT, open_embedding
from pipeline.sport.features import CATEGORIES, features


def test_rows_of_other_networks_are_their_roots_with_their_signs() -> None:
    rows = np.array([[0.6, -0.8, 0.0]], np.float32)
    seen = features(rows, "another")
    assert seen.shape == (1, 3) and (seen**2).sum() == pytest.approx(6)
    assert (np.sign(seen) == np.sign(rows)).all() and seen[0, 0] ** 4 / seen[0, 1] ** 4 == pytest.approx(0.36 / 0.64)
    assert features(rows, DEFAULT).shape == (1, 3), "the last layer is for rows of its own network"


@pytest.mark.slow
def test_the_last_layer_is_that_of_the_network_and_names_what_is_seen() -> None:
    layer = np.load(CATEGORIES)
    examples_width = open_embedding().row(np.zeros((8, 8, 3), np.uint8)).size
    assert layer.shape == (examples_width + 1, 1000)
    # A row that points as the weights of a category do is of that category.
    rows = layer[:-1, [430, 752, 890]].T.astype(np.float64)  # basketball, racket, volleyball
    seen = features(rows / np.linalg.norm(rows, axis=1, keepdims=True), DEFAULT)
    assert seen[:, examples_width:].argmax(1).tolist() == [430, 752, 890]
    assert (seen[:, examples_width:] ** 2).sum(1) == pytest.approx(np.full(3, (seen[0, examples_width:] ** 2).sum()))
    assert (features(np.zeros((0, examples_width)), DEFAULT)).shape == (0, examples_width + 1000)
