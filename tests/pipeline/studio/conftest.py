"""A small game on disk, and a studio about its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from ground.video.fingerprint import fingerprint
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.outputs.write import write_outputs
from pipeline.runners.cli import main
from pipeline.studio.access import Address, Guard
from pipeline.studio.app import Studio, make_app
from pipeline.studio.lessons import Lessons
from pipeline.studio.places import Places
from pipeline.video.encode import write_video
from tracker.types import Tracks

FRAMES = 50
_UNCONVERTED = {"classifier": {"runtime": "torch"}}
"""Weights that were just learnt are not converted, which takes longer than two seconds of video do."""
COMMAND = (sys.executable, "-m", "pipeline.runners.cli")


def make_game(folder: Path, name: str = "game") -> Path:
    """The results of two seconds with three players, 1 run, 2 run and shoot, 3 run and seen at both ends only."""
    video = folder / f"{name}.mp4"

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for i in range(FRAMES):
            yield i / 25, np.full((120, 160, 3), 3 * i, np.uint8)

    write_video(video, pictures(), frame_rate=Fraction(25))
    index = np.arange(FRAMES, dtype=np.int32)
    ids = (1, 2, 3)
    boxes = np.concatenate([np.tile([40 * i - 30, 20, 40 * i, 100], (FRAMES, 1)) for i in ids])
    seen = np.ones(3 * FRAMES, np.bool_)
    seen[2 * FRAMES + 10 : 3 * FRAMES - 10] = False
    tracks = Tracks.of(np.tile(index, 3), np.repeat(ids, FRAMES), boxes, observed=seen)
    segments = (
        ActionSegment(1, "run", 0.0, 2.0, 0, FRAMES, 0.9),
        ActionSegment(2, "run", 0.0, 1.0, 0, 25, 0.5),
        ActionSegment(2, "shoot", 1.0, 2.0, 25, FRAMES, 0.7),
        ActionSegment(3, "run", 0.0, 2.0, 0, FRAMES, 0.4),
    )
    facts = VideoFacts(str(video), 160, 120, "25", 2.0, "h264", fingerprint(video))
    ordered = tuple(sorted(segments, key=lambda s: (s.start, s.track_id)))
    analysis = Analysis(
        facts, {"start": None, "end": None} | _UNCONVERTED, Frames(index, index / 25), Players(tracks),
        Timeline(("run", "shoot"), ordered),
    )  # fmt: skip
    write_outputs(analysis, folder / f"{name}.courtscribe", with_video=False)
    return folder / f"{name}.courtscribe"


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """The folder of an analysis, its video beside it."""
    return make_game(tmp_path)


ADDRESS = Address(8765, "secret-of-the-test")
Connect = Callable[[Path], TestClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Whoever calls it with a folder gets a browser at a studio about it."""
    clients: list[TestClient] = []

    def connected(root: Path) -> TestClient:
        studio = Studio(Places.below(root), COMMAND)
        client = TestClient(Guard(make_app(studio), ADDRESS), base_url=ADDRESS.origin, follow_redirects=False)
        client.__enter__()
        client.headers.update({"origin": ADDRESS.origin})
        client.cookies.set(ADDRESS.cookie, ADDRESS.token)
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def commands_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a studio learns, it learns in this process, which has loaded the libraries; nothing is converted."""

    def do(_: Lessons, arguments: Sequence[str]) -> None:
        assert main([*arguments, *(("--runtime", "torch") if arguments[0] == "classify" else ())]) == 0

    monkeypatch.setattr(Lessons, "_do", do)


@pytest.fixture
def is_root() -> bool:
    """Whether permissions keep nobody from anything."""
    return os.geteuid() == 0
