"""The tracks of an analysis in the formats of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.analysis.values import Analysis
from pipeline.evaluate.actions import label_boxes
from pipeline.outputs.coco import write_coco
from pipeline.outputs.cvat import write_cvat
from tracker.files.mot import write_tracks
from tracker.files.track_file import TrackFile

FORMATS: Mapping[str, Callable[[Path, TrackFile], None]] = {
    "mot": lambda path, content: write_tracks(path, content.tracks),
    "coco": write_coco,
    "cvat": write_cvat,
}
"""How each format is written."""


def tracks_of(analysis: Analysis) -> TrackFile:
    """What an analysis says about its players: boxes, names, and the action at each box."""
    frames = analysis.frames.index
    return TrackFile(
        tracks=analysis.tracks,
        names=analysis.names,
        actions=label_boxes(analysis.tracks, analysis.timeline),
        labels=analysis.timeline.labels,
        size=(analysis.video.width, analysis.video.height),
        frames=range(int(frames[0]), int(frames[-1]) + 1) if len(frames) else range(0),
        source=Path(analysis.video.source).name,
    )
