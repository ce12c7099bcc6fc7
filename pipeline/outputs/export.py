"""What an analysis says as a file of tracks, which ``tracker.files.formats`` writes for other programs."""

from __future__ import annotations

from pathlib import Path

from pipeline.analysis.values import Analysis
from pipeline.evaluate.actions import label_boxes
from tracker.files.track_file import TrackFile


def tracks_of(analysis: Analysis) -> TrackFile:
    """What an analysis says about its players: boxes, names, teams, and the action at each box."""
    frames = analysis.frames.index
    return TrackFile(
        tracks=analysis.tracks,
        names=analysis.names,
        teams={i: team for i in analysis.tracks.ids.tolist() if (team := analysis.teams.team(i))},
        actions=label_boxes(analysis.tracks, analysis.timeline),
        labels=analysis.timeline.labels,
        size=(analysis.video.width, analysis.video.height),
        frames=range(int(frames[0]), int(frames[-1]) + 1) if len(frames) else range(0),
        source=Path(analysis.video.source).name,
    )
