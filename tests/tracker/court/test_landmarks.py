"""Points of the court by hand: read with what they mean, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS
from tracker.court.homography import moved
from tracker.court.landmarks import read_court

SEEN = Camera(0.0, 25.0, 10.0, 0.0, 0.38, 0.0, -0.1).homography(1280, 720)
FOUR = [[100, 300, -14, -7.5], [1200, 300, 14, -7.5], [1270, 700, 14, 7.5], [20, 700, -14, 7.5]]


def _write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.slow
@given(st.sets(st.sampled_from(sorted(COURTS["fiba"].landmarks())), min_size=6))
def test_landmarks_by_name_and_points_by_metres_mean_the_same(
    tmp_path_factory: pytest.TempPathFactory, names: set[str]
) -> None:
    known = COURTS["fiba"].landmarks()
    pixels = {name: moved(SEEN, np.array([known[name]]))[0].tolist() for name in sorted(names)}
    by_name = {"landmarks": pixels, "time": 1.5}
    by_point = {"points": [[*at, *known[name]] for name, at in pixels.items()], "frame": 7}
    path = _write(tmp_path_factory.mktemp("court") / "court.json", [by_name, by_point])
    try:
        outlines, (first, second) = read_court(path, "fiba")
    except InputError as error:
        assert "tell no court" in str(error), "all of them in a line"
        return
    assert not outlines and (first.time, second.frame) == (1.5, 7)
    assert (first.pixels, first.metres) == (second.pixels, second.metres)
    found = moved(first.homography(), np.array(first.pixels))
    assert np.abs(found - np.array(first.metres)).max() < 1e-6


def test_an_outline_and_points_are_kept_apart(tmp_path: Path) -> None:
    outline = [[100, 300], [1200, 300], [1270, 700], [20, 700]]
    outlines, landmarks = read_court(_write(tmp_path / "a.json", outline), "auto")
    assert len(outlines) == 1 and not landmarks
    both = [{"polygon": outline}, {"points": FOUR}]
    outlines, landmarks = read_court(_write(tmp_path / "b.json", both), "auto")
    assert len(outlines) == len(landmarks) == 1


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"points": FOUR[:3]}, "entry 1: a court needs 4 points or more"),
        ({"points": [*FOUR[:3], [1, 2, 3]]}, "entry 1: point 4 must be 4 numbers"),
        ({"points": [[i, i, i, i] for i in range(5)]}, "entry 1: these points tell no court"),
        ({"points": FOUR, "frame": 1, "time": 2}, 'entry 1: give "frame" or "time", not both'),
        ({"points": FOUR, "colour": 1}, "entry 1: unknown key 'colour'"),
        ({"landmarks": {"hoop": [1, 2]}}, "entry 1: there is no landmark 'hoop'; there is centre"),
        ({"landmarks": {"centre": [1]}}, "entry 1: centre must be 2 numbers"),
        ({"landmarks": [1]}, "entry 1: landmarks must be an object"),
        ({"points": 7}, "entry 1: points must be a list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_court(_write(tmp_path / "c.json", [entry]), "nba")


def test_landmarks_by_name_need_the_kind_of_court(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read_court(_write(tmp_path / "c.json", [{"landmarks": {"centre": [1, 2]}}]), "auto")
    assert error.value.setting == "court.type"
