from __future__ import annotations

import itertools
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from ground.errors import InputError
from pipeline.progress import Advance, Cancellable, Cancelled
from pipeline.web import fetch as fetching
from pipeline.web.fetch import fetch, look_at
from pipeline.web.kept import FACTS, kept_video
from pipeline.web.page import answered
from tests.pipeline.web.conftest import Site

_TAG = '<html><head><title>Finals, game 7</title></head><body><video src="/game.mp4" controls></video></body></html>'
_CARD = '<html><head><title>x</title><meta property="og:title" content="Finals, game 7"><meta property="og:video" '
_CARD += 'content="{url}/game.mp4"><meta property="og:video:type" content="video/mp4"></head><body>hi</body></html>'


class Counted:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None, int]] = []
        self.made = 0

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "frame", done: int = 0) -> Generator[Advance]:
        self.stages.append((name, total, done))
        yield self._count

    def _count(self, count: int) -> None:
        self.made += count


@pytest.fixture
def page(site: Site, video: Path) -> str:
    site.content["/game.mp4"] = ("video/mp4", video.read_bytes())
    return site.page("/watch", _TAG)


@pytest.mark.slow
def test_pages_are_told_by_what_is_answered(site: Site, video: Path) -> None:
    site.content["/a.html"] = ("video/mp4", video.read_bytes())
    site.content["/b.mp4"] = ("text/html", b"<!DOCTYPE html><p>hello")
    site.content["/c"] = ("text/html", video.read_bytes())
    site.content["/d.m3u8"] = ("application/vnd.apple.mpegurl", b"#EXTM3U\n")
    found = {path: answered(site.url + path) for path in (*site.content, "/none")}
    told = {path: one.is_page for path, one in found.items() if one is not None}
    assert told == {"/a.html": False, "/b.mp4": True, "/c": False, "/d.m3u8": False}
    assert not any(map(answered, ("game.mp4", "http://127.0.0.1:1/", "http://[")))


@pytest.mark.slow
@pytest.mark.parametrize("html", [_TAG, _CARD], ids=["a video's tag", "a card for other sites"])
def test_the_video_of_a_page_and_nothing_else_is_kept(
    site: Site, page: str, video: Path, tmp_path: Path, html: str
) -> None:
    site.page("/watch", html.replace("{url}", site.url))
    found, progress = look_at(page), Counted()
    fetched = fetch(found, tmp_path / "out", progress)
    assert found.title == "Finals, game 7" and found.title in fetched.note and page in fetched.note
    assert fetched.path.read_bytes() == video.read_bytes()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {FACTS, "fetched.mp4"}
    assert progress.stages == [("fetch", video.stat().st_size, 0)] and progress.made == video.stat().st_size
    asked = len(site.asked)
    assert fetch(found, tmp_path / "out") == fetched == kept_video(page, tmp_path / "out")
    assert len(site.asked) == asked


@pytest.mark.slow
def test_a_connection_that_breaks_is_gone_on_with(site: Site, page: str, video: Path, tmp_path: Path) -> None:
    size = video.stat().st_size
    found = look_at(page)
    site.asked.clear()
    site.breaks = [size // 3, size // 4, 0, size // 5]
    assert fetch(found, tmp_path).path.read_bytes() == video.read_bytes()
    starts = [int(wanted.removeprefix("bytes=").partition("-")[0]) for path, wanted in site.asked if wanted]
    assert not site.breaks and max(starts) > size // 2


@pytest.mark.slow
def test_a_run_that_was_stopped_is_gone_on_with(
    site: Site, page: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = video.stat().st_size
    monkeypatch.setattr(fetching, "_RETRIES", 0)
    found = look_at(page)
    site.breaks = [size // 2]
    with pytest.raises(InputError, match="cannot be fetched") as error:
        fetch(found, tmp_path)
    assert "\n" not in str(error.value)
    assert kept_video(page, tmp_path) is None
    progress, site.asked[:] = Counted(), []
    assert fetch(look_at(page), tmp_path, progress).path.read_bytes() == video.read_bytes()
    assert progress.stages[0][2] > 0 and progress.made < size
    assert {path.name for path in tmp_path.iterdir()} == {FACTS, "fetched.mp4"}


@pytest.mark.slow
def test_what_goes_wrong_is_one_line(site: Site, page: str, tmp_path: Path) -> None:
    two = site.page("/two", _TAG.replace("<video", '<video src="/other.mp4"></video><video'))
    nothing = site.page("/nothing", "<html><p>no video here</html>")
    for url, said in ((two, "/other.mp4"), (nothing, "no video is found"), (site.url + "/gone", "404")):
        with pytest.raises(InputError) as error:
            look_at(url)
        assert said in str(error.value) and url in str(error.value), error.value
        assert not any(noise in str(error.value) for noise in ("\n", "\x1b", "ERROR", "please report", "caused by"))
    with pytest.raises(InputError, match="which is the limit"):
        fetch(look_at(page), tmp_path / "small", most_bytes=1000)
    fetch(look_at(page), tmp_path)
    with pytest.raises(InputError, match="holds the video of"):
        kept_video(two, tmp_path)


@pytest.mark.slow
def test_who_does_not_wait_any_more_stops_it(page: str, tmp_path: Path) -> None:
    progress = Cancellable()
    found = look_at(page)
    progress.cancel()
    with pytest.raises(Cancelled):
        fetch(found, tmp_path, progress)
    assert kept_video(page, tmp_path) is None


def _format(name: str, **facts: object) -> dict[str, object]:
    return {"format_id": name, "vcodec": "none", "acodec": "none", **facts}


def test_the_last_picture_is_chosen_and_sound_where_it_has_none() -> None:
    low, high = _format("low", vcodec="avc1", acodec="mp4a"), _format("high", vcodec="avc1")
    locked, speech, music = (
        _format("locked", vcodec="avc1", has_drm=True),
        _format("a", acodec="x"),
        _format("b", acodec="x"),
    )
    for formats in itertools.permutations((low, speech, high, music)):
        chosen = list(fetching._chosen({"formats": [*formats, locked]}))
        pictures, sounds = [f for f in formats if f in (low, high)], [f for f in formats if f in (speech, music)]
        assert chosen == ([low] if pictures[-1] is low else [high, sounds[-1]])
    assert list(fetching._chosen({"formats": [locked, music]})) == []


def test_nothing_is_said_by_yt_dlp_itself(
    page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        fetch(look_at(page), tmp_path)
    assert capfd.readouterr() == ("", "") and not caplog.records


def _playlist(name: str, site: Site, folder: Path, streams: list[str], video: Path) -> None:
    """Segments of ``video`` and of a tone, as HLS."""
    with av.open(str(video)) as source, av.open(str(folder / f"{name}.m3u8"), "w", format="hls") as output:
        picture = output.add_stream_from_template(source.streams.video[0]) if "video" in streams else None
        sound = output.add_stream("aac", rate=48000, layout="mono") if "audio" in streams else None
        for packet in source.demux(video=0):
            if picture is not None and packet.dts is not None:
                packet.stream = picture
                output.mux(packet)
        if sound is not None:
            for start in range(0, 28800, 960):
                tone = np.sin(np.arange(start, start + 960) / 20, dtype=np.float32)[None]
                frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                frame.rate, frame.pts = 48000, start
                output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    for path in folder.glob(f"{name}*"):
        kind = "application/vnd.apple.mpegurl" if path.suffix == ".m3u8" else "video/mp2t"
        site.content[f"/{path.name}"] = (kind, path.read_bytes())


_APART = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=320x180,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
picture.m3u8
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds", [{"picture": ["video"], "sound": ["audio"]}, {"both": ["video", "audio"]}], ids="+".join
)
def test_streams_in_pieces_become_one_mp4_without_ffmpeg(
    site: Site, video: Path, tmp_path: Path, kinds: dict[str, list[str]]
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name, streams in kinds.items():
        _playlist(name, site, made, streams, video)
    site.content["/all.m3u8"] = ("application/vnd.apple.mpegurl", _APART.encode())
    address = "/all.m3u8" if len(kinds) == 2 else "/both.m3u8"
    page = site.page("/w", f'<video><source type="application/x-mpegURL" src="{address}"></video>')
    fetched = fetch(look_at(page), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {FACTS, "fetched.mp4"}
    with av.open(str(fetched.path)) as found, av.open(str(video)) as wanted:
        assert found.format.name.startswith("mov") and len(found.streams.audio) == 1
        pictures = [[f.to_ndarray() for f in container.decode(video=0)] for container in (found, wanted)]
    assert len(pictures[0]) == len(pictures[1]) and all(map(np.array_equal, *pictures))
