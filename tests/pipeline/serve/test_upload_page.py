"""New videos on the service's page, in a real browser: chosen, dropped, by address; over breaks and a reload."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from pipeline.runners.offered import offered
from tests.pipeline.axe import violations
from tests.pipeline.report.conftest import until
from tests.pipeline.serve.live import Live, serving
from tests.pipeline.serve.test_hostile_videos import made
from tests.pipeline.web.conftest import Site, site

__all__ = ["site"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
_PIECE = 8 << 20
_JOB = "document.querySelectorAll('#jobs [data-job]').length"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    about: dict[str, Any] = {"command": (sys.executable, "-c", "pass"), "allow_private_urls": True}
    with serving(tmp_path / "data", fields=tuple(offered()), **about) as found:
        yield found


@pytest.fixture
def page(browser: Browser, live: Live) -> Iterator[Page]:
    """The service's page with a token; what it complains of fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    context.set_default_timeout(10000)
    context.add_cookies([{"name": "courtscribe-token", "value": live.token, "url": live.url}])
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(live.url)
    yield page
    context.close()
    assert not wrong, wrong


def _large(path: Path) -> Path:
    """A video of two pieces and a bit: what is in it besides pictures is nobody's concern."""
    content = made(path, times=[i / 25 for i in range(20)], size=(64, 48)).read_bytes()
    path.write_bytes(content + (2 * _PIECE + 8).to_bytes(4, "big") + b"free" + bytes(2 * _PIECE))
    return path


def _clean(page: Page) -> None:
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"


def test_an_upload_goes_on_after_a_break_and_after_a_reload(page: Page, live: Live, tmp_path: Path) -> None:
    video = _large(tmp_path / "<b>Finals & more.mp4")
    asked: list[tuple[str, str | None]] = []

    def pass_on(route: Route) -> None:
        offset = route.request.headers.get("upload-offset")
        asked.append((route.request.method, offset))
        is_held = route.request.method == "PATCH" and offset == str(_PIECE)
        route.abort("connectionreset") if is_held else route.continue_()

    page.route("**/videos/*", pass_on)
    page.get_by_text("What is to be done with it").click()
    page.get_by_label("preset").select_option("fast")
    page.get_by_label("Choose a video").set_input_files(video)
    page.get_by_text("the connection is lost").wait_for()
    until(page, f"document.querySelector('#coming progress').value * {video.stat().st_size} >= {_PIECE}")
    _clean(page)
    page.reload()
    page.get_by_text("choose the same file again").wait_for()
    page.unroute("**/videos/*")
    page.on("request", lambda one: asked.append((one.method, one.headers.get("upload-offset"))))
    asked.clear()
    page.get_by_label("Choose a video").set_input_files(video)
    until(page, f"{_JOB} === 1", 20)
    assert [at for method, at in asked if method == "PATCH"] == [str(_PIECE), str(2 * _PIECE)]
    [job] = live.client.get("/jobs").json()
    assert job["settings"] == {"preset": "fast"}, "as it was given, before the reload"
    assert job["name"] == video.name and live.kept(f"/videos/{job['video']}") == video.read_bytes()
    assert page.get_by_text(video.name, exact=True).is_visible() and page.locator("#coming").is_hidden()
    assert page.evaluate("Object.keys(JSON.parse(localStorage['courtscribe-coming'])).length") == 0


def test_what_is_dropped_or_given_by_address_becomes_a_job_or_says_why(page: Page, live: Live, site: Site) -> None:
    content = made(live.app.state.videos.folder.parent / "a.mp4", times=[0.0, 0.04], size=(64, 48)).read_bytes()
    site.content["/game%201.mp4"] = ("video/mp4", content)
    _clean(page)
    page.evaluate(
        "(bytes) => { const given = new DataTransfer(); "
        "for (const [name, part] of [['text.mp4', [1, 2, 3]], ['game 2.mp4', bytes]])"
        " given.items.add(new File([new Uint8Array(part)], name));"
        " document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true })); }",
        list(content),
    )
    until(page, f"{_JOB} === 1", 20)
    refused = page.locator("#coming li").filter(has_text="text.mp4")
    assert "not one of the kinds" in refused.inner_text() or "kind" in refused.inner_text()
    page.get_by_label("Or the address").fill(f"{site.url}/game%201.mp4")
    page.get_by_role("button", name="Fetch").click()
    until(page, f"{_JOB} === 2", 20)
    assert {job["name"] for job in live.client.get("/jobs").json()} == {"game 1.mp4", "game 2.mp4"}
    page.get_by_role("button", name="Remove: text.mp4").click()
    assert page.locator("#coming").is_hidden()


def test_what_is_chosen_is_what_each_job_is_asked_to_do(page: Page, live: Live, tmp_path: Path) -> None:
    page.get_by_text("What is to be done with it").click()
    _clean(page)
    page.get_by_label("teams", exact=True).fill("Hawks, Kings, Bulls")
    page.get_by_label("court in metres").uncheck()
    page.get_by_label("preset").select_option("fast")
    video = made(tmp_path / "game.mp4", times=[0.0, 0.04], size=(64, 48))
    page.get_by_label("Choose a video").set_input_files(video)
    until(page, f"{_JOB} === 1", 20)
    chosen = {"preset": "fast", "teams": {"names": ["Hawks", "Kings", "Bulls"]}, "court": {"find": False}}
    assert [job["settings"] for job in live.client.get("/jobs").json()] == [chosen]


def test_a_choice_that_cannot_be_costs_no_upload(page: Page, live: Live, tmp_path: Path) -> None:
    page.get_by_text("What is to be done with it").click()
    page.get_by_label("players", exact=True).fill("99999999999")
    video = made(tmp_path / "game.mp4", times=[0.0, 0.04], size=(64, 48))
    page.get_by_label("Choose a video").set_input_files(video)
    page.get_by_text("selection.players is to be of this kind: integer", exact=True).wait_for()
    page.get_by_label("players", exact=True).fill("5")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method))
    page.get_by_role("button", name="Try again").click()
    until(page, f"{_JOB} === 1", 20)
    assert [job["settings"] for job in live.client.get("/jobs").json()] == [{"selection": {"players": 5}}]
    assert not {"PATCH", "PUT"} & set(sent), "it was there already"
    assert page.locator("#coming").is_hidden()


def test_who_may_only_read_sees_nothing_to_send_or_delete(page: Page, live: Live) -> None:
    token = live.app.state.tokens.add("looks on", ["read"])
    page.context.add_cookies([{"name": "courtscribe-token", "value": token, "url": live.url}])
    page.goto(live.url)
    page.get_by_text("There are no jobs.").wait_for()
    assert page.locator("#new").is_hidden()
