"""What a person said about actions in a file of tracks, as a timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ground.errors import InputError
from pipeline.analysis.timeline import ActionSegment, Timeline, frame_ends
from pipeline.analysis.values import Frames
from tracker.files.track_file import Texts
from tracker.types import Tracks


def timeline_of(tracks: Tracks, actions: Texts, labels: Sequence[str], frames: Frames) -> Timeline:
    """Segments of equal actions, each with confidence 1; boxes without an action and without a frame are left out.

    actions: object (N,), one per row of ``tracks``, as in ``TrackFile``. frames: those of the video.
    Raises InputError for an action that is not one of ``labels``.
    """
    if unknown := sorted(set(actions.tolist()) - {"", *labels}):
        raise InputError(f"the action {unknown[0]!r} is not one of {', '.join(labels)}")
    ends = frame_ends(frames.time)
    labelled = np.isin(tracks.frame_index, frames.index) & (actions != "")
    order = np.flatnonzero(labelled)[np.argsort(tracks.track_id[labelled], kind="stable")]
    player, action = tracks.track_id[order], np.array(actions[order].tolist(), np.str_)
    at = np.searchsorted(frames.index, tracks.frame_index[order])
    starts = np.flatnonzero((np.diff(at) != 1) | (np.diff(player) != 0) | (action[1:] != action[:-1])) + 1
    segments = [
        ActionSegment(
            int(player[run[0]]), str(action[run[0]]), float(frames.time[at[run[0]]]), float(ends[at[run[-1]]]),
            int(frames.index[at[run[0]]]), int(frames.index[at[run[-1]]]) + 1, 1.0,
        )
        for run in np.split(np.arange(len(order)), starts) if len(run)
    ]  # fmt: skip
    return Timeline(tuple(labels), tuple(sorted(segments, key=lambda s: (s.start, s.track_id))))
