"""Passes 1 and 2 without a detector: boxes drawn by hand and carried by CSRT, or tracks that a person corrected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ground.errors import InputError
from ground.video.source import VideoSource
from pipeline.analysis.values import Frames, Players
from pipeline.progress import Progress
from pipeline.stages.court import CourtLook, CourtViews
from pipeline.stages.detect import FrameLog
from pipeline.stages.players import tell_teams
from tracker.by_hand.csrt import CsrtFollower
from tracker.by_hand.rois import Roi, validate_rois
from tracker.files.track_file import TrackFile
from tracker.looks.kit import KitCollector
from tracker.teams.teams import TeamsConfig
from tracker.types import Detections


class Followed(NamedTuple):
    """What is left of following without a detector."""

    frames: Frames
    players: Players
    views: CourtViews


def follow_by_hand(
    video: VideoSource,
    rois: Sequence[Roi],
    progress: Progress,
    look: CourtLook | None = None,
    teams: TeamsConfig | None = None,
) -> Followed:
    """Passes 1 and 2 in one, with boxes drawn by hand: CSRT follows them.

    Raises InputError for boxes outside the picture, and where this OpenCV has no CSRT.
    """
    log, worn = FrameLog(look), KitCollector()
    follower = CsrtFollower(validate_rois(rois, video.info.width, video.info.height))
    with progress.stage("follow", video.num_frames) as advance:
        for frame in video:
            follower.update(frame)
            boxes = Detections.of(list(follower.boxes.values()))
            log.append(frame, boxes)
            worn.add(frame, boxes.xyxy)
            advance(1)
    frames, lost, names = log.table(video), follower.lost, follower.names
    notes = (
        *(f"box of player {names.get(i, i)} starts after the last frame" for i in follower.waiting),
        *(_lost_note(names.get(i, str(i)), frames, at) for i, at in sorted(lost.items())),
    )
    players = Players(follower.finish(), names, lost_at=lost, notes=notes)
    return Followed(frames, tell_teams(players, worn.finish(), teams or TeamsConfig()), log.views())


def follow_file(
    video: VideoSource,
    given: TrackFile,
    progress: Progress,
    look: CourtLook | None = None,
    teams: TeamsConfig | None = None,
) -> Followed:
    """Passes 1 and 2 in one, with tracks from a file; tracks where the video is not read are left out.

    Where the file says who is of which team, that holds. Raises InputError for tracks of a video of another size.
    """
    size = (video.info.width, video.info.height)
    if given.size not in ((0, 0), size):
        shown = [f"{width}x{height}" for width, height in (given.size, size)]
        raise InputError(f"the tracks are of a video of {shown[0]} pixels, this one has {shown[1]}")
    log, worn = FrameLog(look), KitCollector()
    with progress.stage("detect", video.num_frames) as advance:
        for frame in video:
            boxes = Detections.of(given.tracks.at(frame.index).xyxy)
            log.append(frame, boxes)
            worn.add(frame, boxes.xyxy)
            advance(1)
    frames = log.table(video)
    inside = np.isin(given.tracks.frame_index, frames.index)
    beyond = (f"{len(inside) - inside.sum()} boxes of the file are on frames that were not read",)
    notes = (*given.notes, *(() if inside.all() else beyond))
    players = tell_teams(Players(given.tracks[inside], given.names, notes=notes), worn.finish(), teams or TeamsConfig())
    return Followed(frames, dataclasses.replace(players, teams=players.teams.said(given.teams)), log.views())


def _lost_note(player: str, frames: Frames, lost_at: int) -> str:
    time = float(frames.time[np.searchsorted(frames.index, lost_at)])
    return f"player {player} was lost at {time:.2f} s (frame {lost_at}) and is not labelled from there on"
