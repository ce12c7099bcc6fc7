"""What people do in the studio, by mouse and by keyboard alone, in Chromium, with a server that is killed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Literal

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ground.video.fingerprint import fingerprint
from pipeline.edits.current import load_current
from pipeline.edits.log import read_edits
from pipeline.runners.offered import offered
from pipeline.studio.access import Address
from pipeline.studio.app import Studio, make_app
from pipeline.studio.places import Places
from pipeline.studio.serve import listen, make_server
from pipeline.video.encode import write_video
from tests.pipeline.axe import COLOURS, violations
from tests.pipeline.studio.conftest import COMMAND, make_game

pytestmark = pytest.mark.browser


class Server:
    """A studio in a process of its own."""

    def __init__(self, place: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "pipeline.runners.cli", "studio", str(place), "--no-browser", f"--port={port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", said)
        assert found, said
        self.url, self.port = found[0], int(found[1])
        self.origin = f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts studios, which end with the test."""
    servers: list[Server] = []

    def started(place: Path, port: int = 0) -> Server:
        servers.append(Server(place, port))
        return servers[-1]

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(timeout=20)
        server.process.stdout.close()  # type: ignore[union-attr]


class Here:
    """A studio in a thread of this process, begun at once: a process of its own loads libraries for a second."""

    def __init__(self, place: Path, port: int = 0) -> None:
        listener = listen(port)
        address = Address.new(listener.getsockname()[1])
        self.url, self.origin = address.url, address.origin
        studio = Studio(Places.below(place), COMMAND, offered())
        self._server = make_server(make_app(studio), address, studio.first_page())
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()

    def end(self) -> None:
        """As Ctrl-C does."""
        self._server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


@pytest.fixture
def serve_here() -> Iterator[Callable[..., Here]]:
    """Starts studios in this process, which end with the test."""
    studios: list[Here] = []

    def started(place: Path, port: int = 0) -> Here:
        studios.append(Here(place, port))
        return studios[-1]

    yield started
    for studio in studios:
        studio.end()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that asks nobody but this machine, and of whose scripts none fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    local = ("http://127.0.0.1:", "blob:", "data:")
    page.on("request", lambda asked: None if asked.url.startswith(local) else wrong.append(asked.url))
    yield page
    context.close()
    assert not wrong, wrong


def _open(page: Page, server: Server | Here, name: str = "game.courtscribe") -> None:
    assert page.request.get(server.url).ok  # the cookie, without the page that it leads to
    page.goto(f"{server.origin}/game?id={name}")
    page.locator("body[data-studio=ready]").wait_for()


def _row(page: Page, name: str) -> Locator:
    return page.locator(".names .name", has=page.locator("bdi", has_text=re.compile(f"^{re.escape(name)}$")))


def _saved(page: Page, number: int, game: Path) -> None:
    """Wait until the page says that it is saved; then the entry is on disk."""
    expect(page.locator("#edit-status")).to_have_text("Saved")
    assert len(read_edits(game)) == number


def test_correct_by_mouse_reload_kill_the_server_and_go_on(
    game: Path, page: Page, serve: Callable[..., Server], serve_here: Callable[..., Here]
) -> None:
    server = serve(game)
    page.goto(server.url)  # leads to the analysis that it was started for
    page.wait_for_url(re.compile(r"/game\?id=game\.courtscribe$"))
    _row(page, "2").click()
    page.locator("#edit-player summary").click()
    page.get_by_role("button", name="Name…").click()
    page.locator("#ask-field").fill("Ann <b>&\"'</b>")
    page.get_by_role("button", name="Name him").click()
    _saved(page, 1, game)
    expect(_row(page, "Ann <b>&\"'</b>")).to_be_visible()
    page.locator("#panel-actions tr", has_text="Ann").first.locator(".jump").click()
    page.locator("#edit-label").select_option("shoot")
    _saved(page, 2, game)
    expect(page.locator("#panel-actions tr", has_text="by a person")).to_have_count(1)
    page.locator("#edit-undo").click()
    _saved(page, 3, game)
    expect(page.locator("#panel-actions tr", has_text="by a person")).to_have_count(0)
    page.reload()
    page.locator("body[data-studio=ready]").wait_for()
    expect(_row(page, "Ann <b>&\"'</b>")).to_be_visible()
    expect(page.locator("#edit-redo")).to_be_enabled()
    server.kill()
    page.locator("#edit-redo").click()
    expect(page.locator("#alert")).to_contain_text("does not answer")
    assert len(read_edits(game)) == 3
    again = serve_here(game.parent, server.port)
    _open(page, again)
    expect(_row(page, "Ann <b>&\"'</b>")).to_be_visible()
    page.locator("#edit-redo").click()
    _saved(page, 4, game)
    assert [s.action for s in load_current(game).timeline.segments if s.source == "person"] == ["shoot"]


def test_correct_by_keyboard_alone(game: Path, page: Page, serve_here: Callable[[Path], Here]) -> None:
    _open(page, serve_here(game.parent))
    keys = page.keyboard
    keys.press("ArrowDown")  # 1
    keys.press("ArrowDown")  # 2
    keys.press("a")
    keys.type("Bo")
    keys.press("Enter")
    _saved(page, 1, game)
    keys.press("n")  # the next action of his: shooting, from 1 s on
    keys.press("1")
    _saved(page, 2, game)
    assert {s.action for s in load_current(game).timeline.segments if s.track_id == 2} == {"run"}
    for _ in range(5):
        keys.press(".")
    keys.press("s")
    _saved(page, 3, game)
    assert load_current(game).tracks.ids.tolist() == [1, 2, 3, 4]
    keys.press("Control+z")
    _saved(page, 4, game)
    keys.press("Control+Shift+z")
    _saved(page, 5, game)
    keys.press("g")  # merge: the dialog's first choice is made with Enter
    page.locator("#ask-field").select_option(label="4")
    page.locator("#ask-field").press("Enter")
    _saved(page, 6, game)
    assert load_current(game).tracks.ids.tolist() == [1, 2, 3]
    keys.press("q")
    page.locator("#tab-doubts").click()
    expect(page.locator("#panel-doubts li.is-chosen")).to_have_count(1)


def test_marks_and_edges(game: Path, page: Page, serve_here: Callable[[Path], Here]) -> None:
    _open(page, serve_here(game.parent))
    _row(page, "1").click()
    page.evaluate("document.activeElement.blur()")
    for key in ("Home", *["."] * 10, "i", *["."] * 9, "y", "2"):
        page.keyboard.press(key)
    _saved(page, 1, game)
    mine = [s for s in load_current(game).timeline.segments if s.source == "person"]
    assert [(s.action, s.start_frame, s.end_frame) for s in mine] == [("shoot", 10, 20)]
    rows = page.locator(".rows").bounding_box()
    assert rows is not None
    edge = rows["x"] + rows["width"] * 0.5  # of 2, at 1 s
    order = page.locator(".names .name bdi:first-of-type").all_inner_texts()
    y = rows["y"] + 28 * order.index("2") + 14
    page.mouse.move(edge - 2, y)
    page.mouse.down()
    page.mouse.move(edge + rows["width"] * 0.1, y, steps=5)
    page.mouse.up()
    _saved(page, 2, game)
    two = [(s.action, s.start_frame, s.end_frame) for s in load_current(game).timeline.segments if s.track_id == 2]
    assert two == [("run", 0, 30), ("shoot", 30, 50)]


def test_take_files_along_leave_out_and_bring_back_and_several_at_once(
    game: Path, page: Page, serve_here: Callable[[Path], Here]
) -> None:
    _open(page, serve_here(game.parent))
    page.get_by_title("Downloads").click()
    with page.expect_download() as taken:
        page.locator("#downloads").get_by_text("timeline.csv", exact=True).click()
    assert taken.value.suggested_filename == "timeline.csv"
    assert Path(taken.value.path()).read_bytes() == (game / "timeline.csv").read_bytes()
    page.keyboard.press("Escape")
    rows = page.locator(".rows").bounding_box()
    assert rows is not None
    for i in range(3):
        page.keyboard.down("Shift")
        page.mouse.click(rows["x"] + rows["width"] * 0.2, rows["y"] + 28 * i + 14)
        page.keyboard.up("Shift")
    expect(page.locator("#edit-chosen")).to_have_text("3 actions")
    page.locator("#edit-label").select_option("shoot")
    _saved(page, 1, game)
    assert len([s for s in load_current(game).timeline.segments if s.source == "person"]) == 3
    _row(page, "3").click()
    page.keyboard.press("h")
    _saved(page, 2, game)
    expect(_row(page, "3")).to_have_count(0)
    page.locator("#tab-corrections").click()
    page.get_by_role("button", name="Bring back 3").click()
    _saved(page, 3, game)
    expect(_row(page, "3")).to_be_visible()


_HURRIED = "const wait = setTimeout; window.setTimeout = (call, time, ...more) => wait(call, time / 20, ...more);"
"""A page that looks every 0.2 s for what another studio did, not every 4 s."""


def test_the_second_studio_says_that_it_only_reads(
    game: Path, page: Page, serve: Callable[..., Server], serve_here: Callable[[Path], Here]
) -> None:
    page.context.add_init_script(_HURRIED)
    first, second = serve(game.parent), serve_here(game.parent)
    _open(page, first)
    other = page.context.new_page()
    _open(other, second)
    expect(other.locator("#edit-status")).to_have_text("Only reading")
    _row(page, "1").click()
    page.keyboard.press("d")
    _saved(page, 1, game)
    expect(_row(other, "1")).to_have_count(0, timeout=10_000)
    first.kill()
    expect(other.locator("#edit-undo")).to_be_enabled(timeout=10_000)
    other.locator("#edit-undo").click()
    _saved(other, 2, game)


def test_a_video_that_moved_is_found_again(game: Path, page: Page, serve_here: Callable[[Path], Here]) -> None:
    (game.parent / "new").mkdir()
    (game.parent / "game.mp4").rename(game.parent / "new" / "moved.mp4")
    _open(page, serve_here(game.parent))
    page.locator("#find-video").click()
    expect(page.locator("#asks")).to_be_visible()
    page.get_by_role("link", name="new").click()
    page.get_by_role("button", name="This one: moved.mp4").click()
    page.wait_for_url(re.compile("/game"))
    page.locator("body[data-studio=ready]").wait_for()
    expect(page.locator("#trouble")).to_be_hidden()
    assert page.evaluate("document.getElementById('video').readyState") >= 0


def test_a_video_that_the_browser_cannot_play_gets_a_copy(
    tmp_path: Path, page: Page, serve_here: Callable[[Path], Here]
) -> None:
    game = make_game(tmp_path)
    content = json.loads((game / "analysis.json").read_text())
    _write_old(tmp_path / "game.avi")
    content["video"] |= {"source": str(tmp_path / "game.avi"), "codec": "mpeg4"}
    content["video"]["fingerprint"] = fingerprint(tmp_path / "game.avi")
    (game / "analysis.json").write_text(json.dumps(content))
    (tmp_path / "game.mp4").unlink()
    _open(page, serve_here(tmp_path))
    expect(page.locator("#trouble")).to_contain_text("cannot play")
    page.locator("#make-copy").click()
    expect(page.locator("#trouble")).to_be_hidden(timeout=20_000)
    for _ in range(100):
        if page.evaluate("document.getElementById('video').videoWidth") == 160:
            break
        page.wait_for_timeout(50)
    assert page.evaluate("document.getElementById('video').videoWidth") == 160
    assert (game / "playable.mp4").is_file()


def _write_old(path: Path) -> None:
    """Two seconds of MPEG-4 part 2."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 160, 120
        for i in range(FRAMES):
            image = np.full((120, 160, 3), 3 * i, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (640, "light"), (390, "dark")])
def test_nothing_keeps_anybody_out(
    game: Path, browser: Browser, serve_here: Callable[[Path], Here], width: int, scheme: Literal["light", "dark"]
) -> None:
    """640 pixels are 1280 at 200 %. Colours hang on the scheme alone: wide pages are looked at in both."""
    server = serve_here(game.parent)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    assert page.request.get(server.url).ok
    pages = ["/", "/new?id=game.mp4", "/game?id=game.courtscribe"]
    wrong: list[str] = []
    for address in pages:
        page.goto(server.origin + address)
        page.locator("body[data-ready]").wait_for()
        tabs = ["doubts", "corrections", "teach"] if "game?" in address else [""]
        for tab in tabs:
            if tab:
                page.locator(f"#tab-{tab}").click()
                _row(page, "1").click()
            found = violations(page)
            if width == 1280:
                page.emulate_media(color_scheme="dark")
                found += violations(page, COLOURS)
                page.emulate_media(color_scheme="light")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
            wrong += [f"{address} {tab}: {one}" for one in found]
    context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_draw_two_boxes_run_and_correct(
    tmp_path: Path, page: Page, serve: Callable[..., Server], serve_here: Callable[..., Here]
) -> None:
    _write_moving(tmp_path / "game.mp4")
    server = serve(tmp_path / "game.mp4")
    page.goto(server.url)
    page.wait_for_url(re.compile(r"/new\?id=game\.mp4$"))
    page.locator("body[data-frame='0']").wait_for()
    board = page.locator("#board").bounding_box()
    assert board is not None
    scale = min(board["width"] / 320, board["height"] / 240)
    left, top = board["x"] + (board["width"] - 320 * scale) / 2, board["y"] + (board["height"] - 240 * scale) / 2
    page.mouse.move(left + 38 * scale, top + 78 * scale)
    page.mouse.down()
    page.mouse.move(left + 82 * scale, top + 182 * scale, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="New box").click()  # the second one by keys and fields
    for label, value in (("Left", 198), ("Top", 78), ("Width", 44), ("Height", 104)):
        page.locator(".drawn fieldset").nth(1).get_by_label(label, exact=True).fill(str(value))
    page.locator(".drawn fieldset").nth(1).get_by_label("Name").fill("Ann")
    page.get_by_label("preset", exact=True).select_option("fast")
    page.locator("#start").click()
    page.locator("body[data-run]").wait_for()
    server.kill()  # the analysis does not mind
    again = serve_here(tmp_path, server.port)
    assert page.request.get(again.url).ok
    page.goto(f"{again.origin}/new?id=game.mp4")
    page.locator("#open").wait_for(timeout=90_000)
    page.locator("body[data-run=done]").wait_for(timeout=90_000)
    page.locator("#open").click()
    page.locator("body[data-studio=ready]").wait_for()
    request = json.loads((tmp_path / "game.courtscribe" / "run" / "request.json").read_text())
    assert [roi["box"][2:] for roi in request["rois"]] == [[44, 104], [44, 104]]
    assert request["settings"] == {"preset": "fast"}
    expect(page.locator(".names .name")).to_have_count(2)
    expect(_row(page, "Ann")).to_be_visible()
    _row(page, "1").click()
    page.keyboard.press("a")
    page.keyboard.type("Bo")
    page.keyboard.press("Enter")
    _saved(page, 1, tmp_path / "game.courtscribe")
    assert load_current(tmp_path / "game.courtscribe").names == {1: "Bo", 2: "Ann"}
    page.goto(f"http://127.0.0.1:{server.port}/new?id=game.mp4")  # as for whoever comes when it is done
    expect(page.locator("#open")).to_be_visible()


def _write_moving(path: Path) -> None:
    """Two seconds with two figures that move."""
    rng = np.random.default_rng(0)
    figures = [rng.integers(0, 255, (100, 40, 3), np.uint8) for _ in range(2)]

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for i in range(FRAMES):
            image = np.full((240, 320, 3), 90, np.uint8)
            for k, figure in enumerate(figures):
                x = 40 + 160 * k + i // 2
                image[80:180, x : x + 40] = figure
            yield i / 25, image

    write_video(path, pictures(), frame_rate=Fraction(25))


FRAMES = 50


@pytest.mark.slow
@pytest.mark.usefixtures("commands_here")
def test_teach_a_label(tmp_path: Path, page: Page, serve_here: Callable[[Path], Here]) -> None:
    game = make_game(tmp_path)
    _open(page, serve_here(tmp_path))
    page.locator("#tab-teach").click()
    for player, label in (("1", "left"), ("3", "right")):
        for begin in (0, 2, 4):
            _row(page, player).click()
            page.evaluate("document.activeElement.blur()")
            for key in ("Home", *["."] * begin, "i", "ArrowRight", "y"):  # from a frame on for a second
                page.keyboard.press(key)
            page.locator("#teach-label").fill(label)
            page.locator("#teach-add").click()
            expect(page.locator("#teach-says")).to_have_text(f"An example of {label} added")
            page.locator("#edit-unmark").click()
    assert len(list((tmp_path / "taught.examples").rglob("*.mp4"))) == 6
    page.locator("#teach-learn").click()
    page.locator("#panel-teach[data-state=ready]").wait_for(timeout=120_000)
    expect(page.locator("#teach-table tbody tr").first).to_be_visible()
    page.locator("#teach-keep").click()
    expect(page.locator("#teach-says")).to_contain_text("Kept")
    kept = load_current(game)
    assert kept.timeline.labels == ("left", "right") and (tmp_path / "taught.safetensors").is_file()
    assert not (game / "trial").exists()
    expect(page.locator("#edit-label option")).to_have_count(3)
