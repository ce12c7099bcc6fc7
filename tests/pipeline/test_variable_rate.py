"""Times that vary, from the video's time stamps through to timeline.csv."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from classify.types import ActionScores, Clip
from ground.video.source import open_video
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.runners.cli import main
from pipeline.video.encode import write_video

LABELS = ("dark", "bright")


class ByBrightness:
    """Says what a clip shows: a dark player or a bright one."""

    def __init__(self, _config: PipelineConfig) -> None:
        pass

    labels, batch, unsure_below = LABELS, 8, 0.0
    info = SimpleNamespace(model="m", origin=SimpleNamespace(data="", starter=False, note=""))

    def classify(self, clips: Sequence[Clip]) -> list[ActionScores]:
        shares = [float((clip.frames[:, 60:120, 50:80] > 128).mean()) for clip in clips]
        rows = [np.array([1 - share, share], np.float32) for share in shares]
        return [ActionScores(c.track_id, c.start, c.end, row) for c, row in zip(clips, rows, strict=True)]


def phone(num: int) -> np.ndarray:
    """Milliseconds: 60 frames a second in the sun, 24 in the hall, a stutter now and then."""
    steps = np.where(np.arange(num) < num // 2, 17, 42)
    steps[::29] += 30
    return np.cumsum([0, *steps[1:]])


def recorder(num: int) -> np.ndarray:
    """Milliseconds: a browser's recording, 20 to 60 apart."""
    return np.cumsum([0, *np.random.default_rng(1).integers(20, 61, num - 1)])


def analyse(monkeypatch: pytest.MonkeyPatch, video: Path, num: int, *flags: str) -> list[dict[str, str]]:
    """Rows of timeline.csv of one player who stands in the middle of each of ``num`` frames."""
    monkeypatch.setattr(Models, "classifier", lambda _models, config: ByBrightness(config))
    tracks = video.parent / "tracks.txt"
    tracks.write_text("".join(f"{i + 1},1,40,20,40,80,1,-1,-1,-1\n" for i in range(num)))
    folder = video.parent / "out"
    command = ["analyze", str(video), "--tracks", str(tracks), "-o", str(folder), "--no-heed-speed", *flags]
    assert main(command) == 0
    with (folder / "timeline.csv").open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def grey(value: int) -> np.ndarray:
    return np.full((120, 160, 3), value, np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("pace", [phone, recorder])
def test_segments_change_when_the_picture_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pace: Callable[[int], np.ndarray]
) -> None:
    times = pace(120) / 1000
    moment = float(times[75])
    pictures = ((float(t), grey(230 if t >= moment else 20)) for t in times)
    video = tmp_path / "v.mp4"
    write_video(video, pictures, frame_rate=Fraction(1000), time_base=Fraction(1, 1000))
    rows = analyse(monkeypatch, video, len(times), "--clip-stride", "1", "--no-video")
    assert [row["action"] for row in rows] == ["dark", "bright"]
    assert float(rows[0]["end_s"]) == pytest.approx(moment, abs=0.1)
    assert float(rows[0]["start_s"]) == 0 and float(rows[1]["end_s"]) == pytest.approx(times[-1], abs=0.1)


@pytest.mark.slow
def test_pictures_of_another_rate_keep_it_in_all_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "img1"
    folder.mkdir()
    for i in range(60):
        cv2.imwrite(str(folder / f"{i:06d}.png"), grey(230 if i >= 30 else 20))
    rows = analyse(monkeypatch, folder, 60, "--clip-stride", "1", "--frame-rate", "20")
    assert float(rows[-1]["end_s"]) == pytest.approx(3, abs=0.06)
    for again in ("annotated.mp4", "again.mp4"):
        if again == "again.mp4":
            assert main(["render", str(folder), str(tmp_path / "out"), "-o", str(tmp_path / "out" / again)]) == 0
        with open_video(tmp_path / "out" / again) as video:
            assert [f.time for f in video][-1] == pytest.approx(59 / 20) and video.info.frame_rate == 20


@pytest.mark.slow
def test_a_time_lapse_has_no_labels_and_a_word_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "v.mp4"
    write_video(video, ((2.0 * i, grey(20)) for i in range(30)), frame_rate=Fraction(1, 2))
    assert analyse(monkeypatch, video, 30, "--no-video") == []
    assert "frames are over 0.44 s apart, and nothing can be labelled" in capsys.readouterr().out
