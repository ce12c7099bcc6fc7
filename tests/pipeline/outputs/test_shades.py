"""Colours by team: told apart at a glance, steady, and each player's own."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.outputs.draw import Color
from pipeline.outputs.shades import team_colors, team_shades
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

COLORS = st.tuples(*[st.integers(0, 255)] * 3)


def lab(colors: list[Color]) -> np.ndarray:
    return cv2.cvtColor(np.array([colors], np.float32) / 255, cv2.COLOR_RGB2Lab)[0]


def apart(one: list[Color], other: list[Color]) -> np.ndarray:
    return np.linalg.norm(lab(one)[:, None] - lab(other)[None], axis=2)


@given(COLORS, COLORS)
@settings(deadline=None, max_examples=60)
def test_no_shade_of_a_team_looks_like_one_of_the_other(first: Color, second: Color) -> None:
    one, other = team_shades(first, second)
    assert apart(one, other).min() > 20
    assert len(set(one)) == len(one) and len(set(other)) == len(other)
    assert min(lab([*one, *other])[:, 0]) > 30, "dark lines are not seen"


def test_shirts_that_differ_keep_their_hue() -> None:
    red, blue = team_shades((150, 40, 40), (40, 60, 140))
    assert all(r > g and r > b for r, g, b in red) and all(b > r and b > g for r, g, b in blue)


def test_players_have_shades_of_their_team_and_others_are_grey() -> None:
    tracks = Tracks.of([0] * 5, [1, 2, 3, 4, 5], np.tile([0, 0, 9, 9], (5, 1)))
    members = {i: Member(team, 1.0) for i, team in ((1, "A"), (2, "B"), (3, "A"), (4, ""), (9, "A"))}
    colors = team_colors(tracks, Teams(colors=((240, 240, 240), (10, 90, 40)), members=members))
    assert set(colors) == {1, 2, 3, 4} and len(set(colors.values())) == 4
    red, green, blue = colors[4]
    assert red == green == blue and colors[2][1] > max(colors[2][0], colors[2][2])


def test_colors_are_there_where_no_shirt_was_seen() -> None:
    tracks = Tracks.of([0, 0], [1, 2], np.tile([0, 0, 9, 9], (2, 1)))
    colors = team_colors(tracks, Teams(members={1: Member("A", 1.0), 2: Member("B", 1.0)}))
    assert apart([colors[1]], [colors[2]]).min() > 20
