"""The report in Firefox: it opens from disk, shows the frame that was asked for, and heeds mouse and keys."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.report.numbered import numbers_in
from pipeline.analysis.values import Analysis
from tests.pipeline.conftest import found_browser
from tests.pipeline.report.bidi import Firefox, firefox
from tests.pipeline.report.conftest import HOSTILE

pytestmark = pytest.mark.browser
Game = tuple[Path, Analysis]


@pytest.fixture(scope="module")
def fox(game: Game) -> Iterator[Firefox]:
    with firefox(found_browser("firefox-esr")) as page:
        page.resize(1440, 900)
        page.open(game[0].as_uri())
        page.until("document.body.dataset.ready === 'true'")
        page.until("video.readyState >= 2")
        yield page
        assert not page.said


def _numbers(fox: Firefox) -> tuple[int, int]:
    fox.until("!video.seeking && frame.textContent === `frame ${overlay.dataset.row}`")
    fox.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 120)))")
    box = [fox.evaluate(f"document.getElementById('screen').getBoundingClientRect().{side}") for side in _SIDES]
    left, top, right, bottom = map(round, box)
    picture = np.asarray(Image.open(io.BytesIO(fox.screenshot())).convert("RGB"))
    return numbers_in(picture[top:bottom, left:right])


_SIDES = ("left", "top", "right", "bottom")


def test_it_plays_h264_and_shows_everybody(fox: Firefox, game: Game) -> None:
    assert fox.evaluate("video.videoWidth") == 640, "this Firefox does not play H.264"
    assert fox.evaluate("document.querySelectorAll('.name').length") == 12
    assert HOSTILE[1] in fox.evaluate("document.getElementById('timeline').textContent")
    assert fox.evaluate("document.getElementById('count').textContent") == f"{len(game[1].timeline.segments)} actions"


@pytest.mark.parametrize("number", [3, 38, 77, 118])
def test_the_frame_of_a_moment_is_shown_with_its_own_boxes(fox: Firefox, number: int) -> None:
    fox.evaluate(f"location.hash = '#t={(number + 0.6) / 25}'")
    fox.until(f"Math.abs(document.querySelector('.ruler').getAttribute('aria-valuenow') - {number / 25}) < 0.05")
    assert _numbers(fox) == (number, number)


def test_keys_step_frames_and_choose_actions(fox: Firefox) -> None:
    fox.evaluate("location.hash = '#t=1.01'")
    assert _numbers(fox) == (25, 25)
    for key in "...,":
        fox.press(key)
    assert _numbers(fox) == (27, 27)
    fox.press("n")
    fox.until("document.querySelectorAll('tr.is-chosen').length === 1")
    assert _numbers(fox) == (30, 30)
    fox.press("t")
    dark = "document.documentElement.dataset.theme"
    theme = fox.evaluate(dark)
    fox.press("t")
    assert {theme, fox.evaluate(dark)} == {"light", "dark"}


def test_a_click_on_the_timeline_jumps_and_plays(fox: Firefox) -> None:
    left, top = (fox.evaluate(f"document.querySelector('.rows').getBoundingClientRect().{side}") for side in _SIDES[:2])
    width = fox.evaluate("document.querySelector('.rows').clientWidth")
    fox.click(left + width / 2, top + 14)
    fox.until("!video.paused")
    fox.until("video.paused")
    assert 2.0 < fox.evaluate("Number(document.querySelector('.ruler').getAttribute('aria-valuenow'))") < 2.9
