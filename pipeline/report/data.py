"""What the page is told of an analysis: facts, players, and columns of what they did."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.video.images import IMAGES
from pipeline.analysis.timeline import PERSON, UNSURE
from pipeline.analysis.values import Analysis, Frames, player_name
from pipeline.report.columns import LIMIT, pack
from tracker.ball.events import BallEvent
from tracker.ball.scene import NOBODY
from tracker.names import clear_names
from tracker.types import Tracks

FORMAT = 1
"""Of the data that a page is given."""
Color = tuple[int, int, int]
"""RGB, 0..255."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the page finds around it."""

    video: str = ""
    """Address of the analysed video, as seen from the page; empty: there is no file that a browser opens."""
    annotated: str = ""
    """Address of the annotated video; empty: there is none."""
    boxes: str = ""
    """Address of the folder with the boxes."""
    minutes: Sequence[int] = ()
    """Those of which there are boxes."""
    files: Sequence[str] = ()
    """Addresses of other files to download."""
    colors: Mapping[int, Color] = field(default_factory=dict[int, Color])
    """Of every player, by track_id."""


def report_data(analysis: Analysis, events: Sequence[BallEvent], around: Surroundings) -> dict[str, Any]:
    """The data of a page, as JSON takes it. Its columns are explained in ``docs/formats.md``."""
    names, labels = clear_names(analysis.names)[0], (*analysis.timeline.labels, UNSURE)
    ids = sorted({*analysis.tracks.ids.tolist(), *(s.track_id for s in analysis.timeline.segments)})
    teams, facts = analysis.teams, analysis.video
    return {
        "format": FORMAT,
        "version": version_of(analysis.tracks),
        "name": facts.called,
        "video": {
            "url": around.video,
            "source": facts.source,
            "width": facts.width,
            "height": facts.height,
            "codec": facts.codec,
            "fingerprint": "" if facts.codec == IMAGES else facts.fingerprint,
        },
        "annotated": {"url": around.annotated, "start": analysis.settings.get("start") or 0.0},
        "boxes": around.boxes,
        "minutes": list(around.minutes),
        "files": list(around.files),
        "labels": list(labels),
        "players": [
            {"id": i, "name": player_name(names, i), "team": teams.team(i), "color": around.colors.get(i)} for i in ids
        ],
        "teams": [name for name in teams.names if any(teams.team(i) == name for i in ids)],
        "notes": _notes(analysis),
        **pack(_columns(analysis, events, ids, labels)),
    }


@lru_cache(maxsize=2)
def version_of(tracks: Tracks) -> str:
    """A short digest by which boxes are told from those of another state of the analysis."""
    digest = hashlib.sha256()
    for column in (tracks.frame_index, tracks.track_id, tracks.xyxy):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:16]


def microseconds(time: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Whole microseconds of seconds, within what columns hold."""
    return np.clip(np.round(time * 1e6), 1 - LIMIT, LIMIT - 1).astype(np.int64)


def _notes(analysis: Analysis) -> list[str]:
    facts = analysis.classifier
    starter = [f"the action labels are a starter's: {facts.note}"] if facts is not None and facts.starter else []
    return [*starter, *analysis.notes]


def _columns(
    analysis: Analysis, events: Sequence[BallEvent], ids: Sequence[int], labels: Sequence[str]
) -> dict[str, npt.ArrayLike]:
    number, label = {i: n for n, i in enumerate(ids)}, {name: n for n, name in enumerate(labels)}
    segments = sorted(analysis.timeline.segments, key=lambda s: (number[s.track_id], s.start_frame))
    frames, tracks = analysis.frames, analysis.tracks
    event_rows = np.searchsorted(frames.index, [event.frame for event in events])
    return {
        "frame": frames.index,
        "time": microseconds(frames.time),
        "cut": [] if frames.is_cut is None else np.flatnonzero(frames.is_cut),
        "player": [number[s.track_id] for s in segments],
        "action": [label[s.action] for s in segments],
        "start": [_thousandths(s.start) for s in segments],
        "length": [_thousandths(s.end) - _thousandths(s.start) for s in segments],
        "start_frame": [s.start_frame for s in segments],
        "num_frames": [s.end_frame - s.start_frame for s in segments],
        "confidence": [_thousandths(s.confidence) for s in segments],
        "by_person": [s.source == PERSON for s in segments],
        **_presence(tracks, frames, tuple(ids)),
        "event_row": event_rows,
        "event_kind": [KINDS.index(event.kind) for event in events],
        "event_player": [number[event.player] for event in events],
        "event_to": [number.get(event.to, -1) if event.to != NOBODY else -1 for event in events],
        "event_confidence": [_thousandths(event.confidence) for event in events],
    }


@lru_cache(maxsize=2)
def _presence(tracks: Tracks, frames: Frames, ids: tuple[int, ...]) -> dict[str, npt.ArrayLike]:
    """When each player is there, and when he is filled in. Kept, as most edits leave boxes as they are."""
    number, rows = {i: n for n, i in enumerate(ids)}, np.searchsorted(frames.index, tracks.frame_index)
    there = _runs("there", tracks, rows, number, np.ones(len(tracks), np.bool_))
    return {**there, **_runs("filled", tracks, rows, number, ~tracks.observed)}


KINDS = ("pass", "shot", "rebound", "turnover")
"""Of events, in the order of their numbers."""


def _thousandths(value: float) -> int:
    """As ``timeline.csv`` rounds it."""
    return int(f"{value:.3f}".replace(".", ""))


def _runs(
    name: str,
    tracks: Tracks,
    rows: npt.NDArray[np.intp],
    number: Mapping[int, int],
    wanted: npt.NDArray[np.bool_],
) -> dict[str, npt.ArrayLike]:
    """Runs of analysed frames in each of which a player has a box that is ``wanted``: who, first row, how many."""
    chosen = np.flatnonzero(wanted)
    order = chosen[np.lexsort((rows[chosen], tracks.track_id[chosen]))]
    who, row = tracks.track_id[order], rows[order]
    begins = np.flatnonzero(np.diff(who, prepend=-1) | (np.diff(row, prepend=-2) != 1))
    lengths = np.diff(begins, append=len(order))
    players = [number[i] for i in who[begins].tolist()]
    return {f"{name}_player": players, f"{name}_row": row[begins], f"{name}_length": lengths}
