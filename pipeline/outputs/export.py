"""What an analysis says in files for other programs: its tracks, and its annotations, who does what when."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

from ground.errors import InputError
from pipeline.analysis.folder import JSON_NAME
from pipeline.analysis.timeline import frame_ends
from pipeline.analysis.values import Analysis, player_name
from pipeline.annotations.annotation_file import (
    UNKNOWN,
    Annotation,
    AnnotationFile,
    event_action,
    sorted_annotations,
)
from pipeline.evaluate.actions import label_boxes
from pipeline.outputs.draw import color_of
from pipeline.outputs.shades import team_colors
from pipeline.stages.ball import events_of
from tracker.ball.scene import NOBODY
from tracker.files.track_file import TrackFile
from tracker.names import clear_names


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
        source=analysis.video.called,
    )


def annotations_of(analysis: Analysis, only: Collection[str] = (), made: datetime = UNKNOWN) -> AnnotationFile:
    """What every player does, and what happens to the ball, as one file of annotations.

    only: actions to take, instead of all; of an event, ``ball pass`` and the like. made: when the analysis was made.
    Raises InputError where one of ``only`` is no action of the analysis.
    """
    names, ids = clear_names(analysis.names)[0], analysis.tracks.ids.tolist()
    annotations = [*_actions(analysis, names), *_events(analysis, names)]
    labels = analysis.timeline.labels
    known = {action.casefold(): action for action in (*labels, *(a.action for a in annotations))}
    strange = sorted(action for action in only if action.strip().casefold() not in known)
    if strange:
        raise InputError(
            f"{', '.join(strange)}: no action of this analysis; there is {', '.join(known.values())}", "only"
        )
    wanted = {known[action.strip().casefold()] for action in only}
    colors = {i: color_of(i) for i in ids} | team_colors(analysis.tracks, analysis.teams)
    return AnnotationFile(
        annotations=sorted_annotations(a for a in annotations if not wanted or a.action in wanted),
        labels=tuple(label for label in labels if not wanted or label in wanted),
        players=tuple(player_name(names, i) for i in ids),
        video=analysis.video.source,
        duration=_duration(analysis),
        frame_rate=_frame_rate(analysis.video.frame_rate),
        teams={player_name(names, i): team for i in ids if (team := _line(analysis.teams.team(i)))},
        colors={player_name(names, i): color for i, color in colors.items()},
        made=made,
    )


def made_at(folder: Path) -> datetime:
    """When the analysis in ``folder`` was made."""
    try:
        return datetime.fromtimestamp((folder / JSON_NAME).stat().st_mtime, UTC)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; it is not a whole analysis") from error


def _actions(analysis: Analysis, names: dict[int, str]) -> Iterator[Annotation]:
    for s in analysis.timeline.segments:
        yield Annotation(
            player_name(names, s.track_id), s.action, s.start, s.end, (s.start_frame, s.end_frame), s.confidence,
            _line(analysis.teams.team(s.track_id)), s.source,
        )  # fmt: skip


def _events(analysis: Analysis, names: dict[int, str]) -> Iterator[Annotation]:
    """Each for as long as its frame is shown."""
    times, ends = analysis.frames.time, frame_ends(analysis.frames.time)
    for event in events_of(analysis):
        row = int(np.searchsorted(analysis.frames.index, event.frame))
        yield Annotation(
            player_name(names, event.player), event_action(event.kind), float(times[row]), float(ends[row]),
            (event.frame, event.frame + 1), event.confidence, _line(analysis.teams.team(event.player)),
            to="" if event.to == NOBODY else player_name(names, event.to),
        )  # fmt: skip


def _duration(analysis: Analysis) -> float:
    """Seconds of the video; what its container says may be too little."""
    last = float(frame_ends(analysis.frames.time)[-1]) if len(analysis.frames) else 0.0
    stated = analysis.video.duration
    return max(last, stated if stated is not None and np.isfinite(stated) else 0.0)


def _frame_rate(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return 0.0


def _line(text: str) -> str:
    """A team's name in a line that every format can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
