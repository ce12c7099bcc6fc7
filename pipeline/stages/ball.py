"""Pass 2, the ball: its path, who has it, and what happens to it, from what the detector told and the players' tracks.

It needs no pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.analysis.values import Analysis, DetectionTable, Frames, Players
from pipeline.progress import Progress
from pipeline.stages.detect import Detected, is_looked_at
from tracker.ball.events import PASS, TURNOVER, BallEvent, ball_events
from tracker.ball.path import BallConfig, BallPath, find_ball
from tracker.ball.scene import BallScene, Spots
from tracker.detect.detector import BALLS, HOOPS, REFEREE
from tracker.teams.teams import NEITHER, Teams
from tracker.types import Tracks

_HEAD_ACROSS, _HEAD_DOWN = 0.12, (-0.03, 0.17)
"""Where a head is in a person's box, in heights: from its middle across, from its top down."""
_AT_REFEREE = 0.05
"""Odds of a ball where a referee's head is, against elsewhere: of 197 balls of eleven games one was there, of 47 other
spots of some score five, and they are there for seconds."""


def follow_ball(
    detected: Detected,
    players: Players,
    size: tuple[int, int],
    config: BallConfig,
    progress: Progress,
    every: int = 1,
) -> BallPath | None:
    """The ball's path; None where nobody looks for it, or the detector knows no ball.

    size: width and height of the picture, pixels. every: see ``DetectorConfig``. Those whom a rule left out may have
    the ball, too: a referee has it now and then, and nobody else then.
    """
    things, frames = detected.things, detected.frames
    if not config.find or things is None or not set(BALLS) & set(things.classes):
        return None
    scene = _scene(things, frames, players, size, every)
    if scene is None:
        return None
    scene = replace(scene, balls=_less_at_referees(scene.balls, detected.detections, frames))
    with progress.stage("ball", len(frames)) as advance:
        return find_ball(scene, frames.index, config, advance)


def events_of(analysis: Analysis) -> list[BallEvent]:
    """What happens to the ball; none where it was not followed."""
    if analysis.ball is None or analysis.things is None:
        return []
    size = (analysis.video.width, analysis.video.height)
    scene = _scene(analysis.things, analysis.frames, analysis.players, size, _every(analysis.settings))
    if scene is None:
        return []
    rows = np.searchsorted(analysis.frames.index, analysis.ball.frame_index)
    played = set(analysis.tracks.ids.tolist())
    found = ball_events(analysis.ball, scene, rows)
    return [_by_team(event, analysis.teams) for event in found if event.player in played]


def _by_team(event: BallEvent, teams: Teams) -> BallEvent:
    """A pass that the other team gets is a turnover."""
    one, other = teams.team(event.player), teams.team(event.to)
    is_lost = event.kind == PASS and one != other and NEITHER not in (one, other)
    return replace(event, kind=TURNOVER) if is_lost else event


def events_found(analysis: Analysis) -> list[tuple[float, str]]:
    """Seconds and kind of each event of an analysis."""
    times = dict(zip(analysis.frames.index.tolist(), analysis.frames.time.tolist(), strict=True))
    return [(times[event.frame], event.kind) for event in events_of(analysis)]


def _every(settings: Mapping[str, Any]) -> int:
    return int(settings.get("detector", {}).get("every", 1))


def _scene(
    things: DetectionTable, frames: Frames, players: Players, size: tuple[int, int], every: int
) -> BallScene | None:
    """None where nobody looked at the camera."""
    if frames.shift is None or frames.zoom is None or frames.is_cut is None:
        return None
    looked = np.array([is_looked_at(int(index), every) for index in frames.index], np.bool_)
    balls, hoops = (_spots(things, frames, names) for names in (BALLS, HOOPS))
    people = _people(players, frames)
    return BallScene(frames.time, frames.shift, frames.zoom, frames.is_cut, looked, size, balls, hoops, people)


def _spots(things: DetectionTable, frames: Frames, names: Sequence[str]) -> Spots:
    wanted = [class_id for class_id, name in enumerate(things.classes) if name in names]
    rows = np.isin(things.boxes.class_id, wanted)
    boxes = things.boxes[rows]
    at = np.searchsorted(frames.index, things.frame_index[rows])
    return Spots(at, boxes.xyxy.astype(np.float64), boxes.confidence.astype(np.float64))


def _less_at_referees(balls: Spots, detections: DetectionTable, frames: Frames) -> Spots:
    """``balls`` with lower scores where a referee's head is, who stands out of the players' way for long."""
    classes = [class_id for class_id, name in enumerate(detections.classes) if name == REFEREE]
    referees = np.isin(detections.boxes.class_id, classes)
    box = detections.boxes.xyxy[referees].astype(np.float64)
    row = np.searchsorted(frames.index, detections.frame_index[referees])
    xy, bounds, is_head = balls.xy, balls.bounds(len(frames)), np.zeros(len(balls), np.bool_)
    for at, (x1, y1, x2, y2) in zip(row.tolist(), box.tolist(), strict=True):
        spots = slice(bounds[at], bounds[at + 1])
        across, down = ((xy[spots] - ((x1 + x2) / 2, y1)) / (y2 - y1)).T
        is_head[spots] |= (np.abs(across) < _HEAD_ACROSS) & (down > _HEAD_DOWN[0]) & (down < _HEAD_DOWN[1])
    odds = np.where(is_head, _AT_REFEREE, 1.0)
    return replace(balls, score=balls.score * odds / (1 - balls.score * (1 - odds)))


def _people(players: Players, frames: Frames) -> Tracks:
    """Players and those left out; ``frame_index`` counts the rows of ``frames``."""
    both = (players.tracks, players.left_out)
    index = np.searchsorted(frames.index, np.concatenate([tracks.frame_index for tracks in both]))
    columns = [
        np.concatenate([getattr(tracks, name) for tracks in both])
        for name in ("track_id", "xyxy", "confidence", "observed")
    ]
    return Tracks.of(index, *columns)
