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
from pipeline.stages.detect import is_looked_at
from tracker.ball.events import PASS, TURNOVER, BallEvent, ball_events
from tracker.ball.path import BallConfig, BallPath, find_ball
from tracker.ball.scene import BallScene, Spots
from tracker.detect.detector import BALLS, HOOPS
from tracker.teams.teams import NEITHER, Teams
from tracker.types import Tracks


def follow_ball(
    things: DetectionTable | None,
    frames: Frames,
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
    if not config.find or things is None or not set(BALLS) & set(things.classes):
        return None
    scene = _scene(things, frames, players, size, every)
    if scene is None:
        return None
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


def _people(players: Players, frames: Frames) -> Tracks:
    """Players and those left out; ``frame_index`` counts the rows of ``frames``."""
    both = (players.tracks, players.left_out)
    index = np.searchsorted(frames.index, np.concatenate([tracks.frame_index for tracks in both]))
    columns = [
        np.concatenate([getattr(tracks, name) for tracks in both])
        for name in ("track_id", "xyxy", "confidence", "observed")
    ]
    return Tracks.of(index, *columns)
