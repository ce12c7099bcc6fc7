"""Passes 1 and 2 without a detector: boxes drawn by hand and carried by CSRT, or tracks that a person corrected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ground.errors import InputError
from ground.video.source import VideoSource
from pipeline.analysis import Analysis, FrameTable
from pipeline.follow import say_if_empty
from pipeline.progress import Progress
from tracker.csrt import CsrtFollower
from tracker.roi import Roi, validate_rois
from tracker.track_file import TrackFile


def follow_by_hand(analysis: Analysis, video: VideoSource, rois: Sequence[Roi], progress: Progress) -> Analysis:
    """Passes 1 and 2 in one, with boxes drawn by hand: CSRT follows them."""
    indices: list[int] = []
    times: list[float] = []
    follower = CsrtFollower(validate_rois(rois, analysis.video.width, analysis.video.height))
    with progress.stage("follow", video.num_frames) as advance:
        for frame in video:
            follower.update(frame)
            indices.append(frame.index)
            times.append(frame.time)
            advance(1)
    tracks, lost, names = follower.finish(), follower.lost, follower.names
    frames = FrameTable(np.array(indices, np.int32), np.array(times, np.float64))
    notes = (
        *video.notes,
        *(f"box of player {names.get(i, i)} starts after the last frame" for i in follower.waiting),
        *(_lost_note(names.get(i, str(i)), frames, at) for i, at in sorted(lost.items())),
    )
    found = dataclasses.replace(analysis, frames=frames, tracks=tracks, names=names, lost_at=lost, notes=notes)
    return say_if_empty(found)


def follow_file(analysis: Analysis, video: VideoSource, given: TrackFile, progress: Progress) -> Analysis:
    """Passes 1 and 2 in one, with tracks from a file; tracks where the video is not read are left out.

    Raises InputError for tracks of a video of another size.
    """
    size = (analysis.video.width, analysis.video.height)
    if given.size not in ((0, 0), size):
        shown = [f"{width}x{height}" for width, height in (given.size, size)]
        raise InputError(f"the tracks are of a video of {shown[0]} pixels, this one has {shown[1]}")
    with progress.stage("look", video.num_frames) as advance:
        stamps: list[tuple[int, float]] = []
        for frame in video:
            stamps.append((frame.index, frame.time))
            advance(1)
    index, time = np.array([i for i, _ in stamps], np.int32), np.array([t for _, t in stamps], np.float64)
    inside = np.isin(given.tracks.frame_index, index)
    beyond = f"{len(inside) - inside.sum()} boxes of the file are on frames that were not read"
    notes = (*video.notes, *(() if inside.all() else (beyond,)))
    names = {track_id: name for track_id, name in given.names.items() if name}
    found = dataclasses.replace(
        analysis, frames=FrameTable(index, time), tracks=given.tracks[inside], names=names, notes=notes
    )
    return say_if_empty(found)


def _lost_note(player: str, frames: FrameTable, lost_at: int) -> str:
    time = float(frames.time[np.searchsorted(frames.index, lost_at)])
    return f"player {player} was lost at {time:.2f} s (frame {lost_at}) and is not labelled from there on"
