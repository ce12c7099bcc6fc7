"""Passes 1 and 2 without a detector: boxes drawn by hand and carried by CSRT, or tracks that a person corrected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ground.errors import InputError
from ground.video.source import VideoSource
from pipeline.analysis.values import Frames, Players
from pipeline.progress import Progress
from pipeline.stages.court import CourtLook, CourtViews
from pipeline.stages.detect import FrameLog
from tracker.by_hand.csrt import CsrtFollower
from tracker.by_hand.rois import Roi, validate_rois
from tracker.files.track_file import TrackFile
from tracker.types import Detections


class Followed(NamedTuple):
    """What is left of following without a detector."""

    frames: Frames
    players: Players
    views: CourtViews


def follow_by_hand(
    video: VideoSource, rois: Sequence[Roi], progress: Progress, look: CourtLook | None = None
) -> Followed:
    """Passes 1 and 2 in one, with boxes drawn by hand: CSRT follows them.

    Raises InputError for boxes outside the picture, and where this OpenCV has no CSRT.
    """
    log = FrameLog(look)
    follower = CsrtFollower(validate_rois(rois, video.info.width, video.info.height))
    with progress.stage("follow", video.num_frames) as advance:
        for frame in video:
            follower.update(frame)
            log.append(frame, Detections.of(list(follower.boxes.values())))
            advance(1)
    frames, lost, names = log.table(video), follower.lost, follower.names
    notes = (
        *(f"box of player {names.get(i, i)} starts after the last frame" for i in follower.waiting),
        *(_lost_note(names.get(i, str(i)), frames, at) for i, at in sorted(lost.items())),
    )
    return Followed(frames, Players(follower.finish(), names, lost_at=lost, notes=notes), log.views())


def follow_file(video: VideoSource, given: TrackFile, progress: Progress, look: CourtLook | None = None) -> Followed:
    """Passes 1 and 2 in one, with tracks from a file; tracks where the video is not read are left out.

    Raises InputError for tracks of a video of another size.
    """
    size = (video.info.width, video.info.height)
    if given.size not in ((0, 0), size):
        shown = [f"{width}x{height}" for width, height in (given.size, size)]
        raise InputError(f"the tracks are of a video of {shown[0]} pixels, this one has {shown[1]}")
    log = FrameLog(look)
    with progress.stage("detect", video.num_frames) as advance:
        for frame in video:
            log.append(frame, Detections.of(given.tracks.at(frame.index).xyxy))
            advance(1)
    frames = log.table(video)
    inside = np.isin(given.tracks.frame_index, frames.index)
    beyond = (f"{len(inside) - inside.sum()} boxes of the file are on frames that were not read",)
    players = Players(given.tracks[inside], given.names, notes=(*given.notes, *(() if inside.all() else beyond)))
    return Followed(frames, players, log.views())


def _lost_note(player: str, frames: Frames, lost_at: int) -> str:
    time = float(frames.time[np.searchsorted(frames.index, lost_at)])
    return f"player {player} was lost at {time:.2f} s (frame {lost_at}) and is not labelled from there on"
