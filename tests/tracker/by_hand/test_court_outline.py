"""The court drawn by hand: what is read is what was written, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.by_hand.court_outline import CourtPolygon, read_court_file, write_court_file


@st.composite
def courts(draw: st.DrawFn) -> CourtPolygon:
    angles = np.linspace(0, 2 * np.pi, draw(st.integers(3, 12)), endpoint=False)
    x, y, wide, high = (draw(st.floats(low, 2000)) for low in (-500, -500, 20, 20))
    corners = tuple(zip((x + wide * np.cos(angles)).tolist(), (y + high * np.sin(angles)).tolist(), strict=True))
    if draw(st.booleans()):
        return CourtPolygon(corners, time=draw(st.floats(0, 1e5)))
    return CourtPolygon(corners, frame=draw(st.integers(0, 2**31 - 1)))


@pytest.mark.slow
@given(st.lists(courts(), min_size=1, max_size=4))
def test_court_file_round_trip(tmp_path_factory: pytest.TempPathFactory, given_courts: list[CourtPolygon]) -> None:
    path = tmp_path_factory.mktemp("court") / "court.json"
    write_court_file(path, given_courts)
    assert read_court_file(path) == given_courts
    path.write_text(json.dumps(given_courts[0].corners))
    assert read_court_file(path) == [CourtPolygon(given_courts[0].corners)], "bare corners are drawn in the first frame"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[[1, 2],\n [3 4]]", "line 2, column 5: not JSON"),
        ("{}", "a list of at least one corner [x, y]"),
        ("[]", "a list of at least one corner [x, y]"),
        ("[[0, 0], [100, 0]]", "three or more corners"),
        ("[[0, 0], [100, 0], [100]]", "corner 3 must be two numbers"),
        ("[[0, 0], [100, 0], [100, true]]", "corner 3 must be two numbers"),
        ("[[0, 0], [100, 0], [100, NaN]]", "corner 3 must be two numbers"),
        ("[[0, 0], [100, 0], [200, 0]]", "hold some room"),
        ("[[0, 0], [100, 100], [100, 0], [0, 100]]", "in order around it"),
        ('[[0, 0], [100, 0], {"polygon": []}]', "entry 1: expected an object"),
        ("[7]", "entry 1: expected an object"),
        ('[{"polygon": 7}]', "entry 1: a court has three or more corners"),
        ('[{"corners": []}]', "entry 1: unknown key 'corners'; known are polygon, frame, time"),
        ('[{"polygon": [[0, 0], [9, 0], [9, 9]], "frame": -1}]', '"frame" must be a whole number'),
        ('[{"polygon": [[0, 0], [9, 0], [9, 9]], "frame": 1, "time": 1}]', 'give "frame" or "time"'),
    ],
)
def test_bad_court_file_is_named(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "court.json"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_court_file(path)
    assert expected in str(error.value)
    assert "court.json" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError, match="expected a JSON file") as missing:
        read_court_file(tmp_path / "missing.json")
    assert missing.value.setting == "court"
