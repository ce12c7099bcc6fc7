"""What people do with the report, by mouse and by keyboard alone, in Chromium."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.report.numbered import numbers_in
from pipeline.analysis.timeline import ActionSegment
from pipeline.analysis.values import Analysis
from tests.pipeline.report.conftest import until

pytestmark = pytest.mark.browser
Game = tuple[Path, Analysis]


def _numbers(page: Page) -> tuple[int, int]:
    """What video and boxes show, once the picture that was asked for is there; a busy browser paints it late."""
    until(page, "!video.seeking && frame.textContent === `frame ${overlay.dataset.row}`")
    for _ in range(20):
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)))")
        shot = Image.open(io.BytesIO(page.locator("#screen").screenshot()))
        video, boxes = numbers_in(np.asarray(shot.convert("RGB")))
        if video == boxes:
            break
    return video, boxes


def _time(page: Page) -> float:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return float(page.locator(".ruler").get_attribute("aria-valuenow") or "nan")


def _shots(analysis: Analysis) -> list[float]:
    """When the first frame of each segment of shooting is shown, by time and player."""
    return [s.start for s in analysis.timeline.segments if s.action == "shoot"]


def test_the_third_shot_by_mouse(report: Page, game: Game) -> None:
    report.locator("#filter-actions summary").click()
    popup = report.get_by_role("group", name="Actions")
    popup.get_by_text("shoot").click()
    report.locator("#title").click()
    expect(popup).to_be_hidden()
    starts = _shots(game[1])
    expect(report.locator("#count")).to_have_text(f"{len(starts)} of {len(game[1].timeline.segments)} actions")
    expect(report.locator("#panel-actions caption")).to_contain_text(f"{len(starts)} of")
    report.locator("#panel-actions .jump").nth(2).click()
    expect(report.locator("#play")).to_have_accessible_name("Play", timeout=4000)  # played, and stopped at its end
    assert starts[2] < _time(report) <= starts[2] + 0.45
    report.locator("#step-back").click()
    first = _numbers(report)
    report.locator("#step-on").click()
    second = _numbers(report)
    assert first[0] == first[1] and second == (first[0] + 1, first[0] + 1)


def test_the_third_shot_by_keyboard(report: Page, game: Game) -> None:
    keyboard = report.keyboard
    for _ in range(60):
        keyboard.press("Tab")
        if report.evaluate("document.activeElement.closest('#filter-actions') !== null"):
            break
    keyboard.press("Enter")
    for _ in range(12):
        keyboard.press("Tab")
        if report.evaluate("document.activeElement.value") == "shoot":
            break
    keyboard.press("Space")
    keyboard.press("Escape")
    expect(report.locator("#filter-actions")).not_to_have_attribute("open", "")
    starts = _shots(game[1])
    expect(report.locator("#count")).to_have_text(f"{len(starts)} of {len(game[1].timeline.segments)} actions")
    expect(report.locator("#filter-actions summary")).to_be_focused()
    for _ in range(3):
        keyboard.press("n")
    assert starts[2] <= _time(report) < starts[2] + 0.04
    number = round(starts[2] * 25)
    assert _numbers(report) == (number, number)
    keyboard.press(".")
    keyboard.press(".")
    assert _numbers(report) == (number + 2, number + 2)
    keyboard.press(",")
    assert _numbers(report) == (number + 1, number + 1)
    expect(report.locator("#live")).to_contain_text(f"frame {number + 1}")


def test_a_click_on_the_timeline_or_on_a_row_of_the_table_jumps_and_plays(report: Page) -> None:
    rows = report.locator(".rows")
    box = rows.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 14
    report.mouse.move(x, y)
    expect(report.locator("#tip")).to_be_visible()
    tip = report.locator("#tip").inner_text()
    report.mouse.click(x, y)
    expect(report.locator("#play")).to_have_accessible_name("Pause")
    expect(report.locator("#play")).to_have_accessible_name("Play", timeout=4000)
    start, end = (float(text) for text in re.findall(r"0:(\d\d\.\d\d)", tip))
    assert end - 0.1 < _time(report) < end + 0.06 and start < end
    chosen = report.locator("tr.is-chosen")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text(tip.splitlines()[0])
    row = report.locator("#panel-actions tbody tr").nth(3)
    row.locator("td").last.click()
    expect(report.locator("#play")).to_have_accessible_name("Pause")
    expect(row).to_have_class(re.compile("is-chosen"))
    expect(report.locator("tr.is-chosen")).to_have_count(1)


def test_a_row_is_chosen_and_played_by_keyboard(report: Page) -> None:
    report.locator(".rows").focus()
    report.keyboard.press("ArrowDown")
    report.keyboard.press("ArrowDown")
    expect(report.locator(".name[aria-pressed=true]")).to_have_count(1)
    report.keyboard.press("n")
    expect(report.locator("#live")).to_contain_text("sure" if report.locator("#live").inner_text() else "0:00")
    before = _time(report)
    report.keyboard.press("Enter")
    expect(report.locator("#play")).to_have_accessible_name("Pause")
    expect(report.locator("#play")).to_have_accessible_name("Play", timeout=4000)
    assert _time(report) > before + 0.3


def test_zoom_pan_and_overview_by_mouse_and_by_keyboard(report: Page) -> None:
    rows = report.locator(".rows").bounding_box()
    strip = report.locator("#overview").bounding_box()
    assert rows is not None and strip is not None
    report.mouse.move(rows["x"] + rows["width"] / 2, rows["y"] + 20)
    report.keyboard.down("Control")
    report.mouse.wheel(0, -300)
    report.keyboard.up("Control")
    until(report, "location.hash.includes('view=')")
    view = _view(report)
    assert view[1] - view[0] < 2 and view[0] < 2.4 < view[1]
    report.mouse.down()
    report.mouse.move(rows["x"] + rows["width"] / 2 + 200, rows["y"] + 20, steps=4)
    report.mouse.up()
    assert _settled_view(report, view)[0] < view[0]
    view = _view(report)
    report.mouse.click(strip["x"] + strip["width"] * 0.9, strip["y"] + 10)
    assert _settled_view(report, view)[1] > 4.2
    report.locator("#zoom-all").click()
    until(report, "!location.hash.includes('view=')")
    report.keyboard.press("Home")
    report.keyboard.press("ArrowRight")
    report.keyboard.press("ArrowRight")
    for _ in range(3):
        report.keyboard.press("+")
    until(report, "location.hash.includes('view=')")
    view = _view(report)
    assert view[0] < 2 < view[1] and view[1] - view[0] < 1.5
    report.keyboard.press("Shift+ArrowRight")
    assert _settled_view(report, view)[0] > view[0]
    report.keyboard.press("0")
    until(report, "!location.hash.includes('view=')")


def _view(page: Page) -> tuple[float, float]:
    page.wait_for_timeout(300)
    low, high = re.findall(r"view=([\d.]+)~([\d.]+)", page.evaluate("decodeURIComponent(location.hash)"))[0]
    return float(low), float(high)


def _settled_view(page: Page, before: tuple[float, float]) -> tuple[float, float]:
    for _ in range(10):
        view = _view(page)
        if view != before:
            return view
    raise AssertionError("the view did not change")


def test_a_link_leads_to_the_moment(report: Page, game: Game) -> None:
    report.keyboard.press("x")
    report.locator(".name").nth(3).click()
    report.keyboard.press("o")
    for _ in range(7):
        report.keyboard.press(".")
    shown = _numbers(report)
    report.locator("#link").click()
    expect(report.locator("#toast")).to_be_visible()
    until(report, "location.hash.includes('who=')")
    address, rows = report.url, report.locator(".name").count()
    other = report.context.new_page()
    other.goto(address)
    other.wait_for_selector("body[data-ready]")
    until(other, "video.readyState >= 2")
    assert rows == 1 and other.locator(".name").count() == 1
    assert _numbers(other)[0] == shown[0] == 7
    other.evaluate("location.hash = '#t=0:02.02&what=shoot&what=pass&sure=50~80'")
    expect(other.locator("#filter-actions .chosen")).to_have_text("2")
    expect(other.locator("#filter-confidence .chosen")).to_have_text("50 to 80 %")
    expect(other.locator(".name")).to_have_count(12)
    assert _numbers(other)[0] == 50
    _ = game


_SENSELESS = ("#t=NaN&row=1e9&who=x&what=&sure=9~1&long=-3&view=a~b", "#%E0%A4%A", "#t=1e99", "#view=5~1")


def test_an_address_that_makes_no_sense_does_no_harm(report: Page) -> None:
    heeded = "addEventListener('hashchange', done, { once: true }), (location.hash = address)"
    for address in _SENSELESS:
        report.evaluate(f"(address) => new Promise((done) => {{ {heeded} }})", address)
        report.keyboard.press("End")
        report.keyboard.press("Home")
        assert _numbers(report) == (0, 0), address
        expect(report.locator("#count")).to_have_text("144 actions")


def test_filters_events_and_totals(report: Page, game: Game) -> None:
    report.locator("#filter-confidence summary").click()
    report.get_by_label("Lowest confidence").fill("60")
    segments = game[1].timeline.segments
    wanted = [s for s in segments if round(s.confidence, 3) >= 0.6]
    expect(report.locator("#count")).to_have_text(f"{len(wanted)} of {len(segments)} actions")
    report.get_by_text("Clear filters").click()
    report.locator("#filter-duration summary").click()
    report.get_by_label("Lowest length").fill("0.5")
    expect(report.locator("#count")).to_have_text(f"0 of {len(segments)} actions")
    expect(report.locator("#panel-actions")).to_contain_text("No action is like that")
    report.keyboard.press("x")
    expect(report.locator("#count")).to_have_text(f"{len(segments)} actions")
    _events_are_listed_and_played(report)
    _totals_say_what_the_timeline_says(report, segments)


def _events_are_listed_and_played(report: Page) -> None:
    report.get_by_role("tab", name="Events").click()
    rows = report.locator("#panel-events tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text("shot")
    rows.nth(4).locator("button").click()
    expect(report.locator("#play")).to_have_accessible_name("Pause")
    assert 2.0 < _time(report) < 4.0
    report.keyboard.press("k")
    expect(report.locator("#play")).to_have_accessible_name("Play")


def _totals_say_what_the_timeline_says(report: Page, segments: Sequence[ActionSegment]) -> None:
    report.get_by_role("tab", name="Totals").click()
    measures: dict[str, Callable[[Sequence[ActionSegment]], str]] = {
        "seconds": lambda own: f"{sum(s.end - s.start for s in own):.1f}",
        "count": lambda own: str(len(own)),
        "mean": lambda own: f"{sum(s.end - s.start for s in own) / len(own):.1f}",
    }
    for measure, expected in measures.items():
        report.locator("#measure").select_option(measure)
        head = report.locator("#panel-totals thead th").all_inner_texts()
        for row in report.locator("#panel-totals tbody tr").all()[:3]:
            cells = [cell.inner_text() for cell in row.locator("th, td").all()]
            player = {"7": 7, "9": 9, "8": 8, "10": 10, "11": 11}.get(cells[0])
            for label, cell in zip(head[2:], cells[2:], strict=True):
                own = [s for s in segments if s.track_id == player and s.action.replace("_", " ") == label]
                assert player is None or cell == (expected(own) if own else "")


def test_keys_are_shown_and_can_be_turned_off(report: Page) -> None:
    report.keyboard.press("?")
    dialog = report.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Keys of a single letter work").uncheck()
    report.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    report.locator(".rows").focus()
    report.keyboard.press(".")
    report.keyboard.press("Space")
    expect(report.locator("#play")).to_have_accessible_name("Pause")
    report.keyboard.press("Space")
    report.keyboard.press("Home")
    assert _numbers(report) == (0, 0)
    report.keyboard.press(".")
    assert _numbers(report) == (0, 0)


def test_fingers_pan_pinch_and_tap(browser: Browser, game: Game) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(game[0].as_uri())
    page.wait_for_selector("body[data-ready]")
    until(page, "video.readyState >= 2")
    page.locator(".rows").scroll_into_view_if_needed()
    box = page.locator(".rows").bounding_box()
    assert box is not None
    left, top, width = box["x"], box["y"] + 14, box["width"]
    session = context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": left + x, "y": top, "id": number} for number, x in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 100)
    touch("touchStart", 100, 140)
    for spread in (10, 25, 40, 60):
        touch("touchMove", 100 - spread, 140 + spread)
    touch("touchEnd")
    view = _view(page)
    assert view[1] - view[0] < 2.5
    touch("touchStart", 200)
    for x in (180, 140, 100):
        touch("touchMove", x)
    touch("touchEnd")
    moved = _settled_view(page, view)
    assert moved[0] > view[0] and moved[1] - moved[0] == pytest.approx(view[1] - view[0], abs=0.03)
    page.touchscreen.tap(left + width / 2, top)
    expect(page.locator("tr.is-chosen")).to_have_count(1)
    assert moved[0] < _time(page) < moved[1]
    context.close()
