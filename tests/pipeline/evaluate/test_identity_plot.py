"""The picture of identities over time, looked at by its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluate.identity_plot import draw_identities
from tracker.types import Tracks


def drawn(folder: Path, covering: np.ndarray) -> np.ndarray:
    """The inner rows of the picture of players (P,) over frames (P, F), (P, width, 3)."""
    num_players, num_frames = covering.shape
    frame, player = (grid.T.ravel() for grid in np.meshgrid(np.arange(num_frames), np.arange(num_players)))
    truth = Tracks.of(frame, player + 1, np.tile([0, 0, 9, 9], (len(frame), 1)))
    draw_identities(truth, covering.T.ravel().astype(np.int32), folder / "a.png", "a game")
    image = np.asarray(Image.open(folder / "a.png").convert("RGB"))
    inside = np.flatnonzero((image == (213, 224, 236)).all(axis=2).any(axis=0))
    rows = np.flatnonzero((image == (213, 224, 236)).all(axis=2).any(axis=1))
    heights = np.linspace(rows[0], rows[-1], 2 * num_players + 1)[1::2]
    # Above a row's middle, where the number stands.
    return image[(heights - 0.25 * (heights[1] - heights[0] if num_players > 1 else 20)).astype(int)][
        :, inside[0] : inside[-1] + 1
    ]


def test_colours_are_identities_and_white_is_missed(tmp_path: Path) -> None:
    covering = np.array([[1] * 60 + [2] * 40, [2] * 60 + [1] * 40, [3] * 30 + [-1] * 40 + [3] * 30])
    rows = drawn(tmp_path, covering)
    at = (np.array([0.1, 0.3, 0.5, 0.7, 0.9]) * rows.shape[1]).astype(int)
    first, second, third = (row[at].tolist() for row in rows)
    assert first[0] == first[2] == second[3] == second[4], "identity 1 has the colour of player 1 wherever it is"
    assert second[0] == second[2] == first[3] == first[4]
    assert third[0] == third[4] and third[2] == [255, 255, 255]
    assert len({tuple(first[0]), tuple(second[0]), tuple(third[0])}) == 3


def test_a_break_is_a_black_stroke_and_a_stranger_is_grey(tmp_path: Path) -> None:
    rows = drawn(tmp_path, np.array([[1] * 1000 + [9] * 500 + [1] * 500, [2] * 2000]))
    black = np.flatnonzero((rows[0] < 40).all(axis=1))
    edges = black[np.insert(np.diff(black) > 1, 0, True)] / rows.shape[1]
    np.testing.assert_allclose(edges, [0.5, 0.75], atol=0.003)
    assert not (rows[1] < 40).all(axis=1).any()
    red, green, blue = rows[0][int(0.6 * rows.shape[1])]
    assert red == green == blue


@pytest.mark.slow
@pytest.mark.parametrize("num_players", [1, 10, 24])
def test_many_players_have_a_colour_each(tmp_path: Path, num_players: int) -> None:
    rows = drawn(tmp_path, np.tile(np.arange(num_players)[:, None], (1, 50)))
    middle = {tuple(row[int(0.6 * rows.shape[1])].tolist()) for row in rows}
    assert len(middle) == num_players
    assert all(max(color) - min(color) > 20 for color in middle), "none is grey"


def test_nobody_is_found_or_nobody_is_there(tmp_path: Path) -> None:
    rows = drawn(tmp_path, np.full((2, 30), -1))
    assert (rows[:, 5:-5] == 255).all()
    draw_identities(Tracks.empty(), np.zeros(0, np.int32), tmp_path / "b.png", "empty")
    assert Image.open(tmp_path / "b.png").width > 1000
