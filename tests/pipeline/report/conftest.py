"""Browsers, and a game that they show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.report.numbered import analysis_of, write_numbered
from pipeline.analysis.values import Analysis
from pipeline.outputs.draw import color_of
from pipeline.report.write import write_report
from tracker.ball.events import PASS, SHOT, BallEvent
from tracker.ball.scene import NOBODY

HOSTILE = {
    1: "</script><script>document.title='run'</script>",
    2: 'Ann "the" O\'Neil & <b>sons</b>',
    3: "משה לוי",
    4: "🏀👩‍👩‍👧 Zoë",
    5: "../../etc/passwd",
    6: "Very long name that goes on and on until nobody can read it all of it",
}
"""Names that a page must show as they are."""


def until(page: Page, condition: str, seconds: float = 5.0) -> None:
    """Wait until a JavaScript condition holds; Playwright's own way needs ``eval``, which the page forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"not after {seconds} s: {condition}"
        page.wait_for_timeout(20)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a screen of 1440 x 900; what it complains of or asks of a network fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(5000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "blob:", "data:")) else wrong.append(asked.url)
    )
    page.wrong = wrong  # type: ignore[attr-defined]
    yield page
    context.close()
    assert not wrong, wrong


@pytest.fixture(scope="session")
def game(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Analysis]:
    """A page about a numbered video of 120 frames with players of hostile names, passes and shots."""
    folder = tmp_path_factory.mktemp("report") / "a & b #1"
    folder.mkdir()
    video = folder / "the game's 100%.mp4"
    write_numbered(video, "cfr", 120)
    analysis = analysis_of(video, HOSTILE)
    kinds = [
        (PASS, 20, 1, 2),
        (SHOT, 40, 2, NOBODY),
        (SHOT, 60, 7, NOBODY),
        (PASS, 70, 3, NOBODY),
        (SHOT, 90, 4, NOBODY),
    ]
    events = [BallEvent(kind, frame, player, to, 0.8) for kind, frame, player, to in kinds]
    page = folder / "game.courtscribe" / "report.html"
    colors = {i: color_of(i) for i in range(1, 13)}
    write_report(analysis, page, events, colors=colors)
    return page, analysis


@pytest.fixture
def report(page: Page, game: tuple[Path, Analysis]) -> Page:
    """The page, opened from disk, its video ready."""
    page.goto(game[0].as_uri())
    page.wait_for_selector("body[data-ready]")
    until(page, "video.readyState >= 2 || trouble.hidden === false")
    assert page.evaluate("video.videoWidth") == 640, "this Chromium does not play H.264"
    return page
