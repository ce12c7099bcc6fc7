"""What strangers send: videos are kept; what is none, or would cost too much to read, is refused, and nothing dies."""

from __future__ import annotations

import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest

from ground.errors import InputError
from ground.video.check import check_video
from pipeline.serve.probe import probe
from tests.pipeline.serve.live import Live, serving

_SECONDS, _PIXELS = 20.0, 640 * 480


def made(
    path: Path,
    codec: str = "libx264",
    times: list[float] | None = None,
    size: tuple[int, int] = (64, 48),
    sound: bool = False,
) -> Path:
    """A video with a picture at each of ``times`` (seconds)."""
    with av.open(str(path), "w") as output:
        if sound:
            stream = output.add_stream("aac", rate=8000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.rate, frame.pts = 8000, 0
            output.mux([*stream.encode(frame), *stream.encode(None)])
            return path
        stream = output.add_stream(codec, rate=25, width=size[0], height=size[1])
        stream.codec_context.time_base = stream.time_base = Fraction(1, 90_000)
        stream.pix_fmt = {"libx264": "yuv420p", "mjpeg": "yuvj420p", "png": "rgb24"}[codec]
        for at in times or [0.0, 0.04, 0.08]:
            picture = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = round(at * 90_000), Fraction(1, 90_000)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path


@cache
def _bomb() -> bytes:
    """A picture of 60000x60000 pixels in half a megabyte."""
    lines, packer = bytes(1 + 60_000 // 8), zlib.compressobj(1)
    data = b"".join(packer.compress(lines * 1000) for _ in range(60)) + packer.flush()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)), (b"IDAT", data), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _claims(folder: Path) -> bytes:
    """Pictures that claim 100000x100000 pixels."""
    content = made(folder / "claims.mov", "png").read_bytes()
    claimed = content.replace(b"IHDR" + struct.pack(">II", 64, 48), b"IHDR" + struct.pack(">II", 100_000, 100_000))
    assert claimed != content
    return claimed


def _large(folder: Path) -> bytes:
    return made(folder / "large.mp4", size=(1280, 720)).read_bytes()


def _jpeg_bomb(folder: Path) -> bytes:
    """Pictures that claim 65500x65500 pixels in a container that says nothing of it."""
    content = bytearray(made(folder / "jpeg.mkv", "mjpeg").read_bytes())
    at = content.find(b"\xff\xc0")
    assert at > 0
    while at >= 0:
        content[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
        at = content.find(b"\xff\xc0", at + 9)
    return bytes(content)


def _hours(folder: Path) -> bytes:
    return made(folder / "hours.mkv", times=[0.0, 1.0, 360_000.0]).read_bytes()


def _many(folder: Path) -> bytes:
    """More pictures than could be looked at in the time that they claim to last."""
    return made(folder / "many.mkv", times=[i / 1000 for i in range(6000)], size=(16, 16)).read_bytes()


def _archive(folder: Path) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mp4", bytes(10_000_000))
    return file.getvalue()


_HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "a picture of 60000x60000": lambda _: _bomb(),
    "a picture": lambda _: cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes(),
    "a claim of large pictures": _claims,
    "large pictures": _large,
    "large pictures inside": _jpeg_bomb,
    "hours in a few bytes": _hours,
    "more frames than time": _many,
    "an archive": _archive,
    "a playlist of a file": lambda _: (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    ),
    "a list of files": lambda _: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a session": lambda _: b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "a page": lambda _: b"<!doctype html><html><body>" + b"x" * 1000,
    "text": lambda _: b"hello\n" * 1000,
    "nothing": lambda _: bytes(1000),
    "sound alone": lambda folder: made(folder / "sound.mp4", sound=True).read_bytes(),
    "a video cut off": lambda folder: made(folder / "whole.mp4").read_bytes()[:600],
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    limits = {"most_seconds": _SECONDS, "most_pixels": _PIXELS}
    with serving(tmp_path_factory.mktemp("service"), **limits) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("name", _HOSTILE)
def test_what_is_no_video_or_too_much_is_refused_by_what_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "stranger"
    path.write_bytes(_HOSTILE[name](tmp_path))
    before = psutil.Process().memory_info().rss
    begin = time.process_time()
    with pytest.raises(InputError) as error:
        check_video(path, _SECONDS, _PIXELS)
    assert time.process_time() - begin < 5  # of processors; it takes a hundredth of it
    assert psutil.Process().memory_info().rss - before < 200e6
    assert "\n" not in str(error.value) and "passwd" not in str(error.value) and str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi", "mov", "webm", "flv"])
def test_videos_are_taken_whatever_their_container(ending: str, tmp_path: Path) -> None:
    path = made(tmp_path / f"a.{'mkv' if ending == 'webm' else ending}", times=[i / 25 for i in range(25)])
    found = check_video(path.rename(tmp_path / "no-name"), _SECONDS, _PIXELS)
    assert (found.width, found.height, found.num_frames) == (64, 48, 25)
    assert found.seconds == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_the_service_refuses_says_why_and_lives(live: Live, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a picture of 60000x60000", "large pictures inside", "hours in a few bytes", "a playlist of a file"):
        answer = live.upload(_HOSTILE[name](tmp_path))
        assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
        place = answer.request.url.path
        told = live.client.get(place).json()
        assert told["state"] == "refused" and told["error"] == answer.json()["detail"] in caplog.text
        assert live.client.head(place).status_code == 410
    assert not list(live.app.state.videos.folder.iterdir())
    good = live.upload(made(tmp_path / "good.mp4").read_bytes())
    assert good.status_code == 204
    told = live.client.get(good.request.url.path).json()
    assert (told["state"], told["width"], told["height"]) == ("ready", 64, 48)
    assert live.app.state.videos.find(live.caller, told["id"]).path.is_file()


def test_what_takes_too_long_to_look_at_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.serve.probe._TIME", 0.01)
    with pytest.raises(InputError, match="could not be looked through"):
        probe(made(tmp_path / "a.mp4"), _SECONDS, _PIXELS)


def test_what_takes_too_much_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin"
    program.write_text('#!/bin/sh\nulimit -v 100000\nexec python "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(InputError, match="too much memory or time"):
        probe(made(tmp_path / "a.mp4"), _SECONDS, _PIXELS)
