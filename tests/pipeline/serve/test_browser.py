"""The page in a real browser: let in by a token, to the jobs, to a report whose video seeks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks.report.numbered import analysis_of, write_numbered
from benchmarks.serve.cases import done_job
from pipeline.report.write import write_report
from pipeline.serve.folders import JobFolder
from tests.pipeline.report.conftest import until
from tests.pipeline.serve.live import Live, serving


def _with_report(live: Live, data: Path, frames: int) -> str:
    """A job with a report, as ``analyze`` leaves it, about a video of so many frames, 25 a second."""
    state = live.app.state
    job, video = done_job(state.jobs, state.videos, live.token, data)
    folder = JobFolder.of(data, job)
    write_numbered(data / "videos" / video, "cfr", frames)
    folder.video.hardlink_to(data / "videos" / video)
    write_report(analysis_of(folder.video, {1: "Ann"}), folder.results / "report.html")
    folder.video.unlink()
    return job


@pytest.mark.browser
@pytest.mark.slow
def test_a_person_comes_in_and_seeks_in_a_report(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as live:
        job = _with_report(live, tmp_path, 250)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(10000)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        answers: list[tuple[str, int, str]] = []
        page.on("response", lambda r: answers.append((r.url, r.status, r.headers.get("content-range", ""))))
        page.goto(live.url)
        wrong.clear()  # 401, before there is a token
        page.get_by_label("Token").fill(live.token)
        page.get_by_role("button", name="Open").click()
        page.get_by_role("link", name="game.mp4").click()
        until(page, "video.videoWidth === 640 && video.readyState >= 2", 10)
        assert page.url.partition("#")[0].endswith(f"/jobs/{job}/results/report.html")
        for time in (9.5, 0.5, 5.0):
            page.evaluate(f"video.currentTime = {time}")
            until(page, f"!video.seeking && Math.abs(video.currentTime - {time}) < 0.1", 10)
        assert page.evaluate("video.seekable.end(0)") > 9.9
        parts = [(status, told) for url, status, told in answers if url.endswith(f"/jobs/{job}/video")]
        assert parts and all(status == 206 and told.startswith("bytes ") for status, told in parts), parts
        assert not wrong, wrong
        context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_job_is_deleted_on_the_page_and_another_site_can_do_nothing(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as live:
        job = _with_report(live, tmp_path, 10)
        context = browser.new_context()
        context.set_default_timeout(10000)
        page = context.new_page()
        page.goto(live.url)
        page.get_by_label("Token").fill(live.token)
        page.get_by_role("button", name="Open").click()
        page.get_by_role("link", name="game.mp4").wait_for()
        assert page.evaluate("document.cookie") == ""
        other = context.new_page()
        other.goto(f"http://localhost:{live.port}/healthz")  # another site, as a browser sees it
        told = other.evaluate(
            "(url) => fetch(url, {method: 'DELETE', credentials: 'include', mode: 'no-cors'})"
            ".then((answer) => answer.type, (error) => String(error))",
            f"{live.url}/jobs/{job}",
        )
        assert told != "basic" and live.client.get(f"/jobs/{job}").status_code == 200, told
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete: game.mp4").click()
        page.get_by_text("There are no jobs.").wait_for()
        assert json.loads(live.client.get("/jobs").text) == []
        context.close()
