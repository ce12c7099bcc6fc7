"""How the report stands up to what it is given, and to those who see little or nothing of it; in Chromium."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.report.numbered import KINDS, LABELS, analysis_of, numbers_in, write_numbered
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.outputs.captions import write_captions
from pipeline.outputs.table import write_timeline_csv
from pipeline.report.write import write_report
from tests.pipeline.axe import COLOURS, violations
from tests.pipeline.report.conftest import HOSTILE, until
from tracker.names import clear_names
from tracker.types import Tracks

pytestmark = pytest.mark.browser
Game = tuple[Path, Analysis]


def test_hostile_names_are_shown_as_they_are(report: Page) -> None:
    shown = report.locator(".name bdi:first-of-type").all_inner_texts()
    assert set(clear_names(HOSTILE)[0].values()) <= set(shown)
    assert report.title() == "the game's 100%.mp4 - courtscribe"
    assert report.locator("b").count() == 0
    report.locator(".name").filter(has_text="</script>").click()
    expect(report.locator("#live")).to_contain_text("</script>")
    report.get_by_role("tab", name="Totals").click()
    expect(report.locator("#panel-totals tbody")).to_contain_text(HOSTILE[2])


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (720, "light"), (390, "dark")])
def test_nothing_stands_in_the_way_of_those_who_see_little(
    browser: Browser, game: Game, scheme: Literal["light", "dark"], width: int
) -> None:
    """axe-core finds nothing, with every panel open; 720 pixels are 1440 at 200 %.

    Colours hang on the scheme alone, and a narrow page shows a part of what a wide one does: its colours are looked at
    in both schemes, and the others' in one.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width == 390 else 450 if width == 720 else 900},
        color_scheme=scheme,
        device_scale_factor=2 if width == 720 else 1,
    )
    page = context.new_page()
    page.goto(f"{game[0].as_uri()}#t=1&row=7")
    page.wait_for_selector("body[data-ready]")
    until(page, "video.readyState >= 2")

    def look() -> None:
        assert not violations(page)
        if width == 1440:
            page.emulate_media(color_scheme="dark")
            assert not violations(page, COLOURS)
            page.emulate_media(color_scheme="light")

    for tab in ["Actions", "Events", "Totals", "Notes"]:
        page.get_by_role("tab", name=tab).click()
        if tab in ("Actions", "Totals"):
            look()
    page.locator("#filter-actions summary").click()
    look()
    page.locator("#title").click()
    page.locator("#keys").click()
    look()
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
    context.close()


def test_everything_is_reached_by_tab(report: Page) -> None:
    reached: set[str] = set()
    for _ in range(60):
        report.keyboard.press("Tab")
        reached.add(report.evaluate("document.activeElement.id || document.activeElement.className"))
    wanted = report.evaluate(
        "[...document.querySelectorAll('button[id], select[id], [role=slider], .rows')]"
        ".filter((one) => one.checkVisibility() && one.tabIndex >= 0).map((one) => one.id || one.className)"
    )
    assert set(wanted) <= reached


def test_what_is_downloaded_is_what_courtscribe_writes(report: Page, game: Game, tmp_path: Path) -> None:
    analysis = game[1]
    write_timeline_csv(analysis.timeline, analysis.names, tmp_path / "timeline.csv", analysis.teams)
    report.locator("summary[title=Downloads]").click()
    with report.expect_download() as waited:
        report.get_by_text("Actions, as filtered (CSV)").click()
    assert waited.value.suggested_filename == "the game's 100%-timeline.csv"
    assert Path(waited.value.path()).read_bytes() == (tmp_path / "timeline.csv").read_bytes()
    report.locator("#filter-actions summary").click()
    report.get_by_role("group", name="Actions").get_by_text("walk").click()
    report.locator("summary[title=Downloads]").click()
    with report.expect_download() as waited:
        report.get_by_text("Actions, as filtered (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(waited.value.path()).read_text(encoding="utf-8"))))
    assert {row["action"] for row in rows} == {"walk"}
    report.get_by_text("Clear filters").click()
    events = [(0.8, 1, f"pass to {HOSTILE[2]}"), (1.6, 2, "shot"), (2.4, 7, "shot"), (2.8, 3, "pass"), (3.6, 4, "shot")]
    write_captions(analysis.timeline, analysis.names, tmp_path / "captions.vtt", events=events)
    report.locator("summary[title=Downloads]").click()
    with report.expect_download() as waited:
        report.get_by_text("Captions, as filtered (WebVTT)").click()
    assert Path(waited.value.path()).read_text(encoding="utf-8") == (tmp_path / "captions.vtt").read_text(
        encoding="utf-8"
    )


@pytest.fixture(scope="session", params=list(KINDS))
def numbered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbered")
    video = folder / "video.mp4"
    write_numbered(video, request.param, 90, seed=4)
    analysis = analysis_of(video)
    write_report(analysis, folder / "report.html", colors=dict.fromkeys(range(1, 13), (250, 40, 250)))
    return folder / "report.html"


def test_the_frame_of_a_moment_is_shown_with_its_own_boxes(page: Page, numbered: Path) -> None:
    page.goto(numbered.as_uri())
    page.wait_for_selector("body[data-ready]")
    until(page, "video.readyState >= 2")
    # frame and time of each, as the page has them, to ask for a moment anywhere within a frame
    rng = np.random.default_rng(7)
    analysis = analysis_of(numbered.parent / "video.mp4")
    for number in rng.choice(89, 6, replace=False).tolist():
        begin, end = analysis.frames.time[number : number + 2]
        moment = begin + rng.uniform(0.1, 0.9) * (end - begin)
        page.evaluate("(hash) => (location.hash = hash)", f"#t={moment:.4f}")
        until(page, f"Math.abs(document.querySelector('.ruler').ariaValueNow - {moment}) < 0.006")
        until(page, f"overlay.dataset.row === '{number}'", 8)
        page.wait_for_timeout(120)
        shot = Image.open(io.BytesIO(page.locator("#screen").screenshot())).convert("RGB")
        assert numbers_in(np.asarray(shot)) == (number, number)


@pytest.fixture
def alone(game: Game, tmp_path: Path) -> Path:
    """A copy of the page, without its video."""
    shutil.copytree(game[0].parent, tmp_path / "game.courtscribe")
    return tmp_path / "game.courtscribe" / "report.html"


def test_a_video_that_moved_is_asked_for(page: Page, alone: Path, game: Game, tmp_path: Path) -> None:
    page.goto(alone.as_uri())
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("is not where it was")
    page.wrong.clear()  # type: ignore[attr-defined]  # the browser says that there is no such file
    other = tmp_path / "other.mp4"
    write_numbered(other, "cfr", 30)
    page.locator("#choose-video").set_input_files(other)
    expect(trouble).to_contain_text("other.mp4 is another video")
    page.locator("#choose-video").set_input_files(game[1].video.source)
    expect(trouble).to_be_hidden()
    page.keyboard.press("ArrowRight")
    until(page, "!video.seeking && overlay.dataset.row === '25'")


def _written(folder: Path, codec: str) -> Path:
    path = folder / "old.mp4"
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(30):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8))))
        file.mux(stream.encode(None))
    return path


def _short(video: Path, codec: str) -> Analysis:
    frames = Frames(np.arange(30, dtype=np.int32), np.arange(30) / 25)
    facts = VideoFacts(str(video), 64, 64, "25", 1.2, codec)
    return Analysis(facts, {}, frames, Players(Tracks.empty()), Timeline(LABELS, ()))


def test_a_codec_that_the_browser_cannot_play_is_said_with_a_way_out(page: Page, tmp_path: Path) -> None:
    video = _written(tmp_path, "mpeg4")
    write_report(_short(video, "mpeg4"), tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    expect(page.locator("#trouble")).to_contain_text("This browser cannot play old.mp4 (mpeg4).")
    expect(page.locator("#trouble code")).to_contain_text(f"courtscribe render {video} ")
    page.wrong.clear()  # type: ignore[attr-defined]


def test_in_its_place_the_annotated_video_is_shown(page: Page, tmp_path: Path) -> None:
    video, annotated = _written(tmp_path, "mpeg4"), tmp_path / "annotated.mp4"
    write_numbered(annotated, "cfr", 30)
    write_report(_short(video, "mpeg4"), tmp_path / "report.html", annotated=annotated)
    page.goto((tmp_path / "report.html").as_uri())
    until(page, "video.videoWidth === 640 && video.src.endsWith('annotated.mp4')")
    expect(page.locator("#trouble")).to_contain_text("This is the annotated video.")
    expect(page.locator("#boxes")).to_be_disabled()
    page.locator("#trouble").get_by_label("Close").click()
    expect(page.locator("#trouble")).to_be_hidden()
    page.wrong.clear()  # type: ignore[attr-defined]


def test_the_annotated_video_is_shown_at_the_same_moment(page: Page, tmp_path: Path) -> None:
    """It begins where the analysis does; here at 1.2 s, so that its picture 15 is the source's 45."""
    source, annotated = tmp_path / "game.mp4", tmp_path / "annotated.mp4"
    write_numbered(source, "cfr", 60)
    write_numbered(annotated, "cfr", 30)
    whole = analysis_of(source)
    frames = Frames(whole.frames.index[30:], whole.frames.time[30:])
    tracks = whole.tracks[whole.tracks.frame_index >= 30]
    analysis = Analysis(whole.video, {"start": 1.2}, frames, Players(tracks), Timeline(LABELS, ()))
    colors = dict.fromkeys(range(1, 13), (250, 40, 250))
    write_report(analysis, tmp_path / "report.html", colors=colors, annotated=annotated)
    page.goto(f"{(tmp_path / 'report.html').as_uri()}#t=1.82")
    for shown in (45, 15, 45):
        until(page, f"video.readyState >= 2 && !video.seeking && video.src.includes('{_NAMES[shown]}')")
        page.wait_for_timeout(200)
        until(page, "video.paused && overlay.dataset.row === '15'")
        page.wait_for_timeout(150)
        picture = Image.open(io.BytesIO(page.locator("#screen").screenshot())).convert("RGB")
        assert numbers_in(np.asarray(picture)) == (shown, 45 if shown == 45 else 0)
        page.keyboard.press("v")


_NAMES = {45: "game", 15: "annotated"}


def test_boxes_are_loaded_as_the_playhead_comes_near(page: Page, tmp_path: Path) -> None:
    index = np.arange(400, dtype=np.int32)
    frames = Frames(index, index / 2.0)
    tracks = Tracks.of(index, np.ones(400), np.tile([1, 2, 30, 40], (400, 1)))
    facts = VideoFacts("nowhere.mp4", 64, 64, "2", 200.0, "h264")
    write_report(Analysis(facts, {}, frames, Players(tracks), Timeline(LABELS, ())), tmp_path / "report.html")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(Path(request.url).name) if "boxes-" in request.url else None)
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(100)
    assert asked == ["boxes-0000.js"]
    page.evaluate("location.hash = '#t=175'")
    page.wait_for_timeout(100)
    assert asked == ["boxes-0000.js", "boxes-0002.js", "boxes-0003.js"]
    page.wrong.clear()  # type: ignore[attr-defined]


def test_what_came_in_as_text_does_not_run(report: Page) -> None:
    """The policy stops what would get past the escaping: handlers, addresses that are scripts, other hosts."""
    report.evaluate(
        """() => {
          const html = `<img src=x onerror="document.title='ran'"><a id=js href="javascript:document.title='ran'">x</a>
            <img src="http://127.0.0.1:9/x.png"><style>#title{display:none}</style>`;
          document.querySelector('.tools').insertAdjacentHTML('beforeend', html);
        }"""
    )
    report.locator("#js").click()
    report.wait_for_timeout(150)
    assert report.title() != "ran"
    expect(report.locator("#title")).to_be_visible()
    said = report.wrong  # type: ignore[attr-defined]
    assert sum("Content Security Policy" in line for line in said) >= 4, said
    said.clear()


def test_an_analysis_without_anybody_is_shown_too(page: Page, tmp_path: Path) -> None:
    video = tmp_path / "empty.mp4"
    write_numbered(video, "cfr", 10)
    found = analysis_of(video)
    nobody = Analysis(found.video, {}, found.frames, Players(Tracks.empty()), Timeline(LABELS, ()))
    for number, analysis in enumerate(
        [nobody, Analysis(found.video, {}, Frames.empty(), Players(Tracks.empty()), Timeline(LABELS, ()))]
    ):
        write_report(analysis, tmp_path / f"{number}.html")
        page.goto((tmp_path / f"{number}.html").as_uri())
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("#panel-actions")).to_contain_text("There are no actions.")
        for key in (".", "n", "ArrowDown", "Enter", "End", "+", "z", "o", "r"):
            page.keyboard.press(key)
        page.get_by_role("tab", name="Totals").click()
        page.get_by_role("tab", name="Notes").click()
        expect(page.locator("#notes")).to_contain_text("nobody was found")
