"""Streams that pass but once: kept as they come, over lost connections, until somebody says that it is enough."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

import ground.video.record
from ground.errors import InputError
from ground.video.record import FACTS, RECORDED, is_live, kept_recording, record
from ground.video.source import open_video
from pipeline.runners.cli import main


def _transport_stream(path: Path, seconds: float, first: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """25 frames a second whose light tells their number, from ``first`` on."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "0"})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for number in range(round(25 * seconds)):
            grey = np.full((*size[::-1], 3), 16 + 2 * (first + number), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@contextmanager
def _server(answers: Callable[[int], bytes | None]) -> Iterator[str]:
    """Serves, without a length, what ``answers`` gives to the n-th GET; None: nothing, and the connection hangs."""
    numbers, ended = itertools.count(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = answers(next(numbers))
            if content == b"":
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            if content is None:
                ended.wait(30)
                return
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live.ts"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground.video.record, "_PAUSES", (0.2,))
    monkeypatch.setattr(ground.video.record, "_PATIENCE", 1.0)
    monkeypatch.setattr(ground.video.record, "_SILENCE", 1.0)


def _never() -> bool:
    return False


def _times(path: Path) -> list[float]:
    with open_video(path) as video:
        return [frame.time for frame in video]


@pytest.mark.slow
def test_a_stream_is_kept_as_it_is_and_time_between_two_connections_counts(tmp_path: Path) -> None:
    first = _transport_stream(tmp_path / "a.ts", 1).read_bytes()
    second = _transport_stream(tmp_path / "b.ts", 1, first=50).read_bytes()
    answers, asked = [first, b"", second], list[int]()

    def answer(number: int) -> bytes:
        asked.append(number)
        return answers[number] if number < len(answers) else b""

    with _server(answer) as address:
        made = record(address, tmp_path / "out", None, lambda: len(asked) > len(answers))
    times = _times(made.path)
    assert len(times) == 50
    steps = np.diff(times)
    gap = int(steps.argmax())
    assert gap == 24 and 0.4 < steps[gap] < 2.5
    assert np.delete(steps, gap) == pytest.approx(0.04, abs=0.002)
    assert len(made.notes) == 1 and "from 1.0 s on there was no connection" in made.notes[0]
    assert float(made.notes[0].split()[1]) == pytest.approx(steps[gap], abs=0.1)


@pytest.mark.slow
def test_a_file_that_is_served_from_its_beginning_again_is_kept_once(tmp_path: Path) -> None:
    content = _transport_stream(tmp_path / "a.ts", 1).read_bytes()
    with _server(lambda _number: content) as address:
        made = record(address, tmp_path / "out", None, _never)
    assert len(_times(made.path)) == 25 and made.notes == ()


@pytest.mark.slow
def test_it_ends_after_the_duration_or_when_somebody_says_so(tmp_path: Path) -> None:
    content = _transport_stream(tmp_path / "a.ts", 3).read_bytes()
    with _server(lambda _number: content) as address:
        made = record(address, tmp_path / "short", 1.0, _never)
        assert _times(made.path)[-1] < 1.0 and len(_times(made.path)) == 25
        packets = iter(range(40))
        made = record(address, tmp_path / "stopped", None, lambda: next(packets, None) is None)
    assert 5 < len(_times(made.path)) < 75


@pytest.mark.slow
def test_a_stream_that_falls_silent_ends_with_what_was_seen(tmp_path: Path) -> None:
    content = _transport_stream(tmp_path / "a.ts", 1).read_bytes()
    begin = time.monotonic()
    with _server(lambda number: content if number == 0 else None) as address:
        made = record(address, tmp_path / "out", None, _never)
    assert len(_times(made.path)) == 25
    assert time.monotonic() - begin < 30


@pytest.mark.slow
def test_what_was_seen_before_a_kill_is_gone_on_with(tmp_path: Path) -> None:
    content = _transport_stream(tmp_path / "a.ts", 1).read_bytes()
    with _server(lambda _number: content) as address:
        first = record(address, tmp_path / "out", None, _never)
    assert kept_recording(address, tmp_path / "out") == first
    whole, facts = first.path.read_bytes(), tmp_path / "out" / FACTS
    facts.write_text(json.dumps({"source": address, "notes": None}))
    first.path.write_bytes(whole[: len(whole) * 2 // 3])
    broken_off = kept_recording(address, tmp_path / "out")
    assert broken_off is not None and "broken off" in broken_off.notes[0]
    assert 5 < len(_times(broken_off.path)) < 25
    facts.unlink()
    with pytest.raises(InputError, match="nobody wrote down"):
        kept_recording(address, tmp_path / "out")
    assert kept_recording(address, tmp_path / "elsewhere") is None


def test_another_stream_does_not_take_the_place_of_the_first(tmp_path: Path) -> None:
    (tmp_path / RECORDED).write_bytes(b"there")
    (tmp_path / FACTS).write_text('{"source": "rtsp://one", "notes": []}')
    with pytest.raises(InputError, match="holds a recording of rtsp://one"):
        kept_recording("rtsp://two", tmp_path)


@pytest.mark.slow
def test_a_camera_that_comes_back_as_another_video_is_not_mixed_with_the_first(tmp_path: Path) -> None:
    first = _transport_stream(tmp_path / "a.ts", 1).read_bytes()
    other = _transport_stream(tmp_path / "b.ts", 1, size=(96, 48)).read_bytes()
    with _server(lambda number: first if number == 0 else other) as address:
        made = record(address, tmp_path / "out", None, _never)
    assert len(_times(made.path)) == 25
    assert made.notes[-1] == "it came back as another kind of video, which was not watched"


def test_what_can_be_read_but_once(tmp_path: Path) -> None:
    assert is_live("rtsp://camera/1") and is_live("rtmp://studio/live") and is_live("device:/dev/video0")
    assert not is_live(str(_transport_stream(tmp_path / "a.ts", 0.2)))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert is_live(str(pipe))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ftp://host/game.mp4", "ftp is no protocol"),
        ("udp://239.0.0.1:1234", "udp is no protocol"),
        ("device:/dev/none", "this FFmpeg cannot open capture devices"),
        ("rtsp://127.0.0.1:1/none", "cannot be read as a video"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    source: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", source, "-o", str(tmp_path / "out"), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


@pytest.mark.slow
@pytest.mark.usefixtures("networks_stay_loaded")
def test_a_pipe_is_watched_and_analysed(tmp_path: Path) -> None:
    content = _transport_stream(tmp_path / "a.ts", 0.8).read_bytes()
    pipe, folder = tmp_path / "pipe", tmp_path / "out"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(content), daemon=True)
    writer.start()
    flags = ["--imgsz", "64", "--device", "cpu", "--jobs", "1", "--quiet"]
    assert main(["analyze", str(pipe), "-o", str(folder), *flags]) == 0
    assert len(_times(folder / RECORDED)) == 20
    assert len(_times(folder / "annotated.mp4")) == 20
    first = (folder / "annotated.mp4").read_bytes()
    assert main(["analyze", str(pipe), "-o", str(folder), *flags]) == 0, "the same command again"
    assert (folder / "annotated.mp4").read_bytes() == first
    assert main(["analyze", "rtsp://camera.local/1", "-o", str(folder), *flags]) == 2
    assert (folder / "annotated.mp4").read_bytes() == first


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1:30", 90), ("0:01:30", 90), ("2.5", 2.5)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    from pipeline.runners.video.watch import read_duration

    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1:2:3:4", "nan", "inf", "a"])
def test_what_is_no_length_of_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyze", "game.mp4", f"--duration={text}"])
    assert ended.value.code == 2
    assert "no length of time" in capsys.readouterr().err


@pytest.mark.parametrize("title", ["a\nb", "a\x1bb", "x" * 201])
def test_what_is_no_title(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["analyze", "game.mp4", f"--title={title}"])
    assert "a title is one line of 200 letters" in capsys.readouterr().err
