"""A timeline out of its table, as the reader of annotations takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.annotations.table import read_table
from tracker.names import clear_names


def read_timeline(path: Path, labels: Sequence[str], names: Mapping[int, str] | None = None) -> Timeline:
    """What ``write_timeline_csv`` wrote. names: as they were when it was written."""
    ids = {name: track_id for track_id, name in clear_names(names or {})[0].items()}
    segments: list[ActionSegment] = []
    for a in read_table(path).annotations:
        assert a.frames is not None and a.confidence is not None
        player = ids[a.player] if a.player in ids else int(a.player)
        segments.append(ActionSegment(player, a.action, a.start, a.end, *a.frames, a.confidence))
    return Timeline(tuple(labels), tuple(sorted(segments, key=lambda s: (s.start, s.track_id))))
