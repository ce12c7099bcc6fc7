"""Boxes drawn with the mouse: the state without a display, the real window under Xvfb where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.runners.video.roi_window import CourtDrawing, Drawing, draw_boxes, draw_court, select_court, select_rois
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import MIN_SIDE

_ROOT = Path(__file__).resolve().parents[4]
points = st.tuples(st.integers(-50, 900), st.integers(-50, 700))


def drag(drawing: Drawing, start: tuple[int, int], end: tuple[int, int]) -> None:
    drawing.press(*start)
    drawing.move((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    drawing.release(*end)


@given(points, points, st.sampled_from([0.25, 1.0, 2.5]))
def test_a_drag_in_any_direction_gives_the_box_between_its_ends(
    start: tuple[int, int], end: tuple[int, int], zoom: float
) -> None:
    width, height = round(800 / zoom), round(600 / zoom)
    forth, back = Drawing(width, height, zoom), Drawing(width, height, zoom)
    drag(forth, start, end)
    drag(back, end, start)
    assert forth.boxes == back.boxes
    corners = np.clip(np.array([start, end]) / zoom, 0, [width, height])
    size = np.abs(corners[1] - corners[0])
    if size.min() < MIN_SIDE:
        assert forth.boxes == []
    else:
        np.testing.assert_allclose(forth.boxes, [[*corners.min(0), *size]])


@given(st.lists(st.sampled_from(["box", "undo", "click", "cancelled drag"]), max_size=12))
def test_undo_takes_back_the_last_box(actions: list[str]) -> None:
    drawing, expected = Drawing(800, 600, 1.0), []
    for n, action in enumerate(actions):
        if action == "box":
            drag(drawing, (n, n), (n + 20, n + 40))
            expected.append((float(n), float(n), 20.0, 40.0))
        elif action == "click":
            drag(drawing, (n, n), (n, n))
        elif action == "undo":
            drawing.undo()
            expected = expected[:-1]
        else:
            drawing.press(5, 5)
            drawing.move(99, 99)
            drawing.undo()
            drawing.release(120, 120)
    assert drawing.boxes == expected


def test_boxes_numbers_and_help_are_drawn_on_a_copy() -> None:
    view = np.full((360, 640, 3), 90, np.uint8)
    drawing = Drawing(1280, 720, 0.5)
    drag(drawing, (100, 50), (150, 150))
    drawing.press(300, 50)
    drawing.move(350, 150)
    shown = draw_boxes(view, drawing)
    assert (view == 90).all()
    for x in (100, 300):
        assert (shown[100, x] != 90).any(), "the box's edge"
        assert (shown[40:50, x + 2 : x + 10] != 90).any(), "its number"
    assert (shown[-20:] != 90).any(), "the key help"


def click(drawing: CourtDrawing, x: int, y: int) -> None:
    drawing.move(x - 3, y)
    drawing.press(x, y)
    drawing.release(x, y)


@given(st.lists(st.one_of(points, st.just("undo")), max_size=12), st.sampled_from([0.25, 1.0, 2.5]))
def test_clicks_set_corners_and_undo_takes_back_the_last(actions: list[tuple[int, int] | str], zoom: float) -> None:
    width, height = round(800 / zoom), round(600 / zoom)
    drawing, expected = CourtDrawing(width, height, zoom), []
    for action in actions:
        if isinstance(action, str):
            drawing.undo()
            expected = expected[:-1]
            continue
        click(drawing, *action)
        corner = tuple(np.clip(np.array(action) / zoom, 0, [width, height]).tolist())
        expected += [] if corner in expected else [corner]
    assert drawing.corners == expected
    assert drawing.finished == (drawing.court() is not None)
    assert drawing.finished or len(expected) < 3 or not _is_court(expected)


def _is_court(corners: list[tuple[float, float]]) -> bool:
    try:
        CourtPolygon(tuple(corners))
    except ValueError:
        return False
    return True


def test_a_court_is_accepted_when_its_corners_hold_room() -> None:
    drawing = CourtDrawing(1280, 720, 0.5)
    for x, y in ((50, 100), (600, 100), (600, 100)):
        click(drawing, x, y)
    assert not drawing.finished, "a double click is one corner"
    click(drawing, 620, 350)
    assert drawing.court() == CourtPolygon(((100.0, 200.0), (1200.0, 200.0), (1240.0, 700.0)))


def test_the_outline_and_help_are_drawn_on_a_copy() -> None:
    view = np.full((360, 640, 3), 90, np.uint8)
    drawing = CourtDrawing(1280, 720, 0.5)
    assert draw_court(view, drawing).shape == view.shape
    click(drawing, 100, 50)
    click(drawing, 300, 50)
    drawing.move(300, 250)
    shown = draw_court(view, drawing)
    assert (view == 90).all()
    for x, y in ((200, 50), (300, 150), (200, 150), (100, 50)):
        assert (shown[y - 2 : y + 3, x - 2 : x + 3] != 90).any(), "a side, to the pointer, or a corner"
    assert (shown[-20:] != 90).any(), "the key help"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has machines without a display that matter here")
@pytest.mark.parametrize("display", [None, ":987"])
def test_without_a_display_the_error_names_the_flags(monkeypatch: pytest.MonkeyPatch, display: str | None) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(InputError, match=r"--roi x,y,width,height or --roi-file FILE"):
        select_rois(np.zeros((36, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r"--select-court: no window .*--court FILE"):
        select_court(np.zeros((36, 64, 3), np.uint8))


@pytest.fixture
def display() -> Iterator[dict[str, str]]:
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("no Xvfb and xdotool to open a window with")
    read, write = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    ) as server:
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        yield {**os.environ, "DISPLAY": f":{number}"}
        server.terminate()


_PICK = """
import numpy as np
from pipeline.runners.video.roi_window import select_rois
print(select_rois(np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8), title="pick"))
"""


_PICK_COURT = _PICK.replace("select_rois", "select_court")


@pytest.mark.parametrize("key", ["Return", "Escape"])
@pytest.mark.parametrize("pick", [_PICK, _PICK_COURT], ids=["boxes", "court"])
def test_the_real_window(display: dict[str, str], key: str, pick: str) -> None:
    def xdotool(*words: object) -> str:
        done = subprocess.run(
            ["xdotool", *map(str, words)], env=display, capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout.strip()

    def slow_drag(x0: int, y0: int, x1: int, y1: int) -> None:
        xdotool("mousemove", x0, y0, "sleep", 0.1, "mousedown", 1, "sleep", 0.1)
        xdotool("mousemove", x1, y1, "sleep", 0.1, "mouseup", 1, "sleep", 0.1)

    with subprocess.Popen([sys.executable, "-c", pick], env=display, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 30
        while not (window := xdotool("search", "--name", "^pick$")):
            assert process.poll() is None and time.monotonic() < until, "the window did not open"
            time.sleep(0.2)
        time.sleep(0.5)
        slow_drag(100, 200, 160, 320)
        slow_drag(300, 200, 360, 330)
        if pick == _PICK_COURT:
            for x, y in ((600, 330), (600, 500), (7, 7)):
                slow_drag(x, y, x, y)
        xdotool("windowfocus", window.split()[-1], "key", "u", "sleep", 0.2, "key", key)
        output, _ = process.communicate(timeout=30)
    expected = (
        {
            _PICK: "[Roi(box=(150.0, 300.0, 90.0, 180.0), name=None, frame=0, time=None)]",
            _PICK_COURT: "CourtPolygon(corners=((240.0, 480.0), (540.0, 495.0), (900.0, 495.0), (900.0, 750.0)), "
            "frame=0, time=None)",
        }[pick]
        if key == "Return"
        else "None"
    )
    assert output.decode().strip() == expected
