"""The ball in an analysis: kept and read again, shown, edited and judged."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, DetectionTable, Frames, Players, VideoFacts
from pipeline.config import PipelineConfig
from pipeline.edits.entries import Edit, Who
from pipeline.edits.fold import fold
from pipeline.evaluate.ball import agree_on_ball, count_events
from pipeline.outputs.ball import write_ball_csv, write_events_csv
from pipeline.outputs.draw import draw_ball
from pipeline.outputs.write import write_current
from pipeline.progress import Silent
from pipeline.stages.ball import events_of, follow_ball
from pipeline.stages.detect import Detected
from tracker.ball.path import INFERRED, SEEN, UNSEEN, BallConfig, BallPath
from tracker.ball.scene import NOBODY
from tracker.types import Detections, Tracks

_FRAMES = 60
_NOBODY_SEEN = DetectionTable(np.empty(0, np.int32), Detections.empty())
_BOXES = {1: (100, 200, 160, 350), 2: (500, 210, 560, 360)}


def _analysis() -> Analysis:
    """Player 1 has the ball for 30 frames, then 2; it flies for 10."""
    index = np.arange(_FRAMES, dtype=np.int32)
    frames = Frames(index, index / 30, np.zeros((_FRAMES, 2)), np.ones(_FRAMES), np.zeros(_FRAMES, np.bool_))
    tracks = Tracks.of(np.repeat(index, 2), np.tile([1, 2], _FRAMES), np.tile([*_BOXES.values()], (_FRAMES, 1)))
    x = np.interp(index, [0, 29, 40, 59], [150, 150, 510, 510])
    box = np.column_stack([x - 10, np.full(_FRAMES, 280), x + 10, np.full(_FRAMES, 300)])
    things = DetectionTable(index, Detections.of(box, np.full(_FRAMES, 0.9)), classes=("ball", "hoop"))
    players = Players(tracks, names={1: "Ann"})
    ball = follow_ball(Detected(frames, _NOBODY_SEEN, things), players, (1280, 720), BallConfig(), Silent())
    video = VideoFacts("game.mp4", 1280, 720, "30", 2.0, "h264")
    return Analysis(video, {}, frames, players, Timeline(("walk",), ()), things=things, ball=ball)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    analysis = _analysis()
    save_analysis(analysis, tmp_path)
    again = load_analysis(tmp_path)
    assert analysis.ball is not None and again.ball is not None and again.things is not None
    for name in ("frame_index", "xy", "state", "holder"):
        assert (getattr(again.ball, name) == getattr(analysis.ball, name)).all()
    assert (again.things.boxes.xyxy == analysis.things.boxes.xyxy).all()  # type: ignore[union-attr]
    assert again.things.classes == ("ball", "hoop")


def test_an_analysis_without_a_ball_has_no_files_of_one(tmp_path: Path) -> None:
    without = dataclasses.replace(_analysis(), ball=None, things=None)
    save_analysis(without, tmp_path)
    assert load_analysis(tmp_path).ball is None
    write_current(without, tmp_path, with_video=False)
    assert not {path.name for path in tmp_path.iterdir()} & {"ball.csv", "events.csv"}


def test_the_tables_say_who_has_it_and_who_passes(tmp_path: Path) -> None:
    analysis = _analysis()
    write_ball_csv(analysis, tmp_path / "ball.csv")
    rows = _rows(tmp_path / "ball.csv")
    assert list(rows[0]) == ["frame", "time_s", "x", "y", "state", "player"] and len(rows) == _FRAMES
    assert rows[3] == {"frame": "3", "time_s": "0.100", "x": "150.0", "y": "290.0", "state": "seen", "player": "Ann"}
    assert rows[50]["player"] == "2" and rows[35]["player"] in ("", "Ann", "2")
    write_events_csv(events_of(analysis), analysis, tmp_path / "events.csv")
    (event,) = _rows(tmp_path / "events.csv")
    assert (event["event"], event["player"], event["to"], event["team"]) == ("pass", "Ann", "2", "")
    assert abs(int(event["frame"]) - 29) < 6


def test_a_merged_player_has_the_ball_of_both() -> None:
    analysis = _analysis()
    half = analysis.tracks[~((analysis.tracks.track_id == 2) & (analysis.tracks.frame_index < 30))]
    half = half[~((half.track_id == 1) & (half.frame_index >= 30))]
    apart = dataclasses.replace(analysis, players=Players(half))
    merged = fold(apart, [Edit("merge", (Who(1, 3, _BOXES[1]), Who(2, 50, _BOXES[2])))])
    assert merged.ball is not None and set(merged.ball.holder.tolist()) <= {1, NOBODY} and merged.ball.holder[50] == 1
    assert events_of(merged) == [] or all(event.to != 2 for event in events_of(merged))


def test_nobody_looks_where_there_is_no_ball_or_it_is_not_wanted() -> None:
    analysis = _analysis()
    given = (analysis.players, (1280, 720))
    found = Detected(analysis.frames, _NOBODY_SEEN, analysis.things)
    assert follow_ball(found, *given, BallConfig(find=False), Silent()) is None
    assert follow_ball(found._replace(things=None), *given, BallConfig(), Silent()) is None
    people = dataclasses.replace(analysis.things, classes=("person", "hoop"))  # type: ignore[type-var]
    assert follow_ball(found._replace(things=people), *given, PipelineConfig().ball, Silent()) is None


def test_a_referees_head_is_no_ball() -> None:
    analysis, index = _analysis(), np.arange(_FRAMES, dtype=np.int32)
    head, referee = [840, 205, 860, 225], [820, 200, 880, 350]
    box, score = np.tile([[120, 280, 140, 300], head], (_FRAMES, 1)), np.tile([0.2, 0.95], _FRAMES)
    things = DetectionTable(np.repeat(index, 2), Detections.of(box, score), classes=("ball", "hoop"))
    standing = Detections.of(np.tile(referee, (_FRAMES, 1)), np.full(_FRAMES, 0.9))
    for name, x in (("player", 850), ("referee", 130)):
        found = Detected(analysis.frames, DetectionTable(index, standing, classes=(name,)), things)
        path = follow_ball(found, analysis.players, (1280, 720), BallConfig(), Silent())
        assert path is not None and np.median(path.xy[:, 0]) == x


def _truth(folder: Path, holder: str = "1,31,1\n31,41,-1\n41,61,2\n") -> Path:
    lines = [f"{f + 1},{p},{b[0]},{b[1]},60,150,1,1,1" for p, b in _BOXES.items() for f in range(_FRAMES)]
    (folder / "gt.txt").write_text("\n".join(lines) + "\n")
    (folder / "holder.csv").write_text("start_frame,end_frame,player\n" + holder)
    (folder / "ball.csv").write_text("frame,x,y,visible\n1,150,290,1\n4,190,290,1\n55,510,290,1\n58,0,0,0\n")
    return folder


def test_the_ball_is_judged_by_what_a_person_saw(tmp_path: Path) -> None:
    own = agree_on_ball(_analysis(), _truth(tmp_path))
    assert own.num_frames == 50 and own.holder > 0.9
    assert own.num_places == 3 and own.recall == pytest.approx(2 / 3)
    other = agree_on_ball(_analysis(), _truth(tmp_path, "1,61,0\n"))
    assert other.num_frames == _FRAMES and other.holder < 0.3
    with pytest.raises(InputError, match="nobody looked for the ball"):
        agree_on_ball(dataclasses.replace(_analysis(), ball=None), tmp_path)
    (tmp_path / "holder.csv").write_text("start_frame,end_frame,player\n1,two,3\n")
    with pytest.raises(InputError, match="line 2"):
        agree_on_ball(_analysis(), tmp_path)


def test_events_are_paired_once_and_in_time() -> None:
    found, true = [(1.0, "pass"), (1.2, "pass"), (5.0, "shot")], [(1.4, "pass"), (5.6, "shot")]
    counts = count_events(found, true, ["pass", "shot"])
    assert (counts["pass"].right, counts["pass"].wrong, counts["pass"].missed) == (1, 1, 0)
    assert (counts["shot"].right, counts["shot"].wrong, counts["shot"].missed) == (0, 1, 1)
    nothing = count_events([], true, ["pass"])["pass"], count_events(found, [], ["pass"])["pass"]
    assert [(n.right, n.wrong, n.missed) for n in nothing] == [(0, 0, 1), (0, 2, 0)]
    assert counts["pass"].f1 == pytest.approx(2 / 3) and counts["shot"].f1 == 0


@pytest.mark.parametrize(("state", "drawn"), [("seen", True), ("inferred", True), ("hidden", False)])
def test_a_hidden_ball_is_not_drawn(state: str, drawn: bool) -> None:
    image = np.full((90, 120, 3), 90, np.uint8)
    draw_ball(image, np.array([119.0, -3.0], np.float32), state)  # partly beyond the edge
    draw_ball(image, np.array([60.0, 45.0], np.float32), state)
    assert (image != 90).any() == drawn
    assert (image[45, 60] == 90).all(), "the ball itself stays to be seen"


def test_a_path_is_checked() -> None:
    index, xy = np.array([0, 1], np.int32), np.zeros((2, 2), np.float32)
    state, holder = np.array([SEEN, INFERRED], np.uint8), np.array([NOBODY, 1], np.int32)
    assert len(BallPath(index, xy, state, holder)) == 2
    for change in (
        {"frame_index": index[::-1]}, {"xy": xy + np.nan}, {"state": state + UNSEEN + 1}, {"holder": holder[:1]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="path"):
            dataclasses.replace(BallPath(index, xy, state, holder), **change)  # type: ignore[arg-type]
