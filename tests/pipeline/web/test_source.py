"""What is fetched before it is read: videos of pages, and those that a server gives from the beginning only."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from ground.errors import FullError, InputError
from ground.video.source import open_video
from pipeline.batch import run
from pipeline.batch.videos import Video
from pipeline.config import PipelineConfig
from pipeline.progress import Silent
from pipeline.runners.video.studio import _place
from pipeline.web import source as sources
from pipeline.web.fetch import Page
from pipeline.web.kept import FACTS, kept_video
from pipeline.web.source import WholeFile, find, have, on_disk
from tests.pipeline.web.conftest import Site

_PAGE = '<html><head><title>Final</title></head><body><video src="/game.mp4"></video></body></html>'


@pytest.fixture(scope="module")
def late(video: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The video, its index at its end."""
    path = tmp_path_factory.mktemp("late") / "game.mp4"
    with av.open(str(video)) as before, av.open(str(path), "w") as after:
        copied = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                after.mux(packet)
    content = path.read_bytes()
    assert content.index(b"moov") > content.index(b"mdat")
    return content


def test_what_is_fetched_first_is_told_by_the_answer(site: Site, late: bytes) -> None:
    site.content["/a%20b.mp4"] = ("video/mp4", late)
    site.content["/list.m3u8"] = ("application/vnd.apple.mpegurl", b"#EXTM3U\n#EXTINF:2,\n0.ts\n")
    page, url = site.page("/watch", _PAGE.replace("game", "a%20b")), f"{site.url}/a%20b.mp4"
    assert isinstance(find(page), Page)
    for there in (url, f"{site.url}/list.m3u8", f"{site.url}/none", "game.mp4", "rtsp://127.0.0.1:1/x"):
        assert find(there) is None
    site.has_ranges, site.says_ranges = False, True
    assert find(url) is None
    site.says_ranges = False
    assert find(url) == WholeFile(url, "a b.mp4", len(late))
    assert find(f"{site.url}/list.m3u8") is None


@pytest.mark.slow
def test_an_index_at_the_end_needs_no_server_that_gives_parts(site: Site, late: bytes, tmp_path: Path) -> None:
    site.content["/game"], site.has_ranges = ("video/mp4", late), False
    url = f"{site.url}/game"
    site.breaks = [10**9, len(late) // 2]  # the first answer is only looked at
    found = find(url)
    assert found is not None
    kept = have(found, tmp_path / "out")
    assert (kept.path.name, kept.title, kept.path.read_bytes()) == ("fetched.mp4", "game", late)
    assert {path.name for path in kept.path.parent.iterdir()} == {"fetched.mp4", FACTS}
    assert kept == kept_video(url, tmp_path / "out") == have(found, tmp_path / "out")
    with on_disk(url) as there, open_video(there) as opened:
        assert opened.info.width == 320
        place = Path(there)
    assert not place.exists()


def test_what_cannot_be_fetched_is_a_line(
    site: Site, late: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content["/game.mp4"], site.has_ranges = ("video/mp4", late), False
    url = f"{site.url}/game.mp4"
    found = find(url)
    assert isinstance(found, WholeFile)
    with pytest.raises(FullError, match="no room"):
        have(WholeFile(url, "game.mp4", 1 << 60), tmp_path / "full")
    with pytest.raises(InputError, match="holds the video of"):
        have(found, tmp_path / "full")
        have(WholeFile(f"{site.url}/other", "other", 5), tmp_path / "full")
    del site.content["/game.mp4"]
    with pytest.raises(InputError, match=f"{url}: cannot be fetched: 404"):
        have(found, tmp_path / "gone")
    site.page("/game.mp4", "<html>bye</html>")
    with pytest.raises(InputError, match="answers with a page now"):
        have(found, tmp_path / "page")
    with pytest.raises(InputError, match="analyze the address first"):
        _place(Path("https://club.example/game.mp4"))


def test_a_sport_is_told_of_a_page(site: Site, late: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.sport import source

    site.content["/game.mp4"] = ("video/mp4", late)
    asked: list[tuple[str, int]] = []

    def tell(video: source.VideoSource, *_: object) -> str:
        asked.append((str(video.source), video.info.width))
        return "told"

    monkeypatch.setattr(source, "tell_video", tell)
    assert source.tell_source(site.page("/watch", _PAGE), None, Silent()) == "told"  # type: ignore[arg-type]
    assert asked[0][0].endswith("fetched.mp4") and asked[0][1] == 320


def test_a_page_in_a_batch_is_fetched_into_its_folder_once(
    site: Site, late: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content["/game.mp4"] = ("video/mp4", late)
    video, folder = Video(site.page("/watch", _PAGE), "watch"), tmp_path / "watch"
    analysed: list[str] = []
    monkeypatch.setattr(run, "analyze_video", lambda path, *_, **__: analysed.append(str(path)))
    monkeypatch.setattr(run, "noted", lambda _, notes, title: (*notes, title))
    for _ in range(2):
        told = run._analyzed(video, PipelineConfig(), folder, None, Silent())  # type: ignore[arg-type]
        assert told == (f"fetched from {video.source} (Final)", "Final")
        monkeypatch.setattr(run, "find", sources.find)
        site.content.pop("/watch", None)
    assert analysed == [str(folder / "fetched.mp4")] * 2
    batch = run.Batch(tmp_path, PipelineConfig())
    assert run._kept(batch, video) == folder / "fetched.mp4"
