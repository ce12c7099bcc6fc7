"""annotated.mp4: the video again, with every player boxed, numbered and labelled with what he is doing."""

from __future__ import annotations

import dataclasses
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ground.fonts import drawable, note_on
from ground.frames import Frame, Image
from ground.prefetch import prefetch
from ground.video.fingerprint import fingerprint
from ground.video.parts import Part, UnplannedError, by_part, split_parts
from ground.video.source import VideoSource
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import player_name
from pipeline.models import Models
from pipeline.outputs.captions import EVENT_SECONDS
from pipeline.outputs.court_map import CourtMap, draw_map
from pipeline.outputs.draw import Color, draw_ball, draw_players
from pipeline.parts.passes import Span, columns_of, load_input
from pipeline.parts.run import Workers, run_pass
from pipeline.parts.store import Columns, PartStore
from pipeline.progress import Advance, Progress, Silent
from pipeline.video.encode import join_video
from pipeline.video.packets import X264_PRESET, Encoded, VideoFormat, encode
from tracker.ball.path import STATES, BallPath
from tracker.types import Tracks

_BANNER_SECONDS = 6.0
_DRAWN_AHEAD = 4
_LONGEST_NAME = 20
"""Letters of a name that a plate shows."""


class ShownEvent(NamedTuple):
    """What happens to the ball."""

    time: float
    """Seconds of the source."""
    player: int
    """track_id."""
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is drawn over a video."""

    tracks: Tracks
    timeline: Timeline
    names: Mapping[int, str]
    """Players' names by track_id; the others go by number."""
    banner: str | None = None
    """A line shown during the first seconds."""
    x264_preset: str = X264_PRESET
    """See ``VideoFormat``."""
    colors: Mapping[int, Color] = field(default_factory=dict[int, Color])
    """By track_id; the others have ``color_of``."""
    court: CourtMap | None = None
    """Shown in a corner."""
    ball: BallPath | None = None
    events: tuple[ShownEvent, ...] = ()


def render_video(
    span: Span, shown: Shown, output: Path, *, workers: Workers | None = None, progress: Progress | None = None
) -> list[str]:
    """Decode a video, draw the players, and encode it with its sound.

    A frame of the source that is shown at t seconds is shown at t - start in ``output`` (MP4). workers: where parts
    are kept and who makes them; None: here, and nowhere. The file is the same either way.
    Returns notes on what could not be kept. Raises InputError for an unreadable source or an unwritable output.
    """
    progress = progress or Silent()
    with span.read() as video:
        made = _stretches(video, span, shown, workers, progress)
        info = video.info
        notes = join_video(
            output,
            made,
            _format(video, shown),
            audio_from=span.source if info.has_audio else None,
            start=video.start,
            end=video.end,
        )
    on_letters = note_on([*shown.names.values(), *(segment.action for segment in shown.timeline.segments)])
    return notes if on_letters is None else [*notes, on_letters]


def _stretches(
    video: VideoSource, span: Span, shown: Shown, workers: Workers | None, progress: Progress
) -> Iterator[Encoded]:
    parts = video.plan() if workers is not None else None
    if parts and workers is not None:
        try:
            yield from _kept_stretches(video, parts, span, shown, workers, progress)
            return
        except UnplannedError:  # before the first stretch: all are made before one is given
            pass
    with progress.stage("show", video.num_frames) as advance:
        for frames in by_part(video, video.info.frame_rate):
            yield _encoded(frames, video, shown, advance)


def _kept_stretches(
    video: VideoSource, parts: Sequence[Part], span: Span, shown: Shown, workers: Workers, progress: Progress
) -> Iterator[Encoded]:
    resting_on = workers.store.keep(SHOWN, _pack_shown(shown))
    about = span.about(fingerprint(span.source), ("av", "pillow", "opencv-contrib-python"))
    digest = workers.store.begin(ShowPass.name, {**about, "shown": resting_on})
    for columns in run_pass(ShowPass(span, workers.store, resting_on), parts, digest, workers, progress):
        yield Encoded(**columns)


SHOWN = "shown"
"""What is drawn, kept beside the parts."""
_BALL = "ball_"
"""How the names of the ball's columns begin there."""


@dataclass(frozen=True, slots=True)
class ShowPass:
    """Drawing and encoding."""

    name: ClassVar[str] = "show"
    span: Span
    store: PartStore
    shown: str
    """Digest of what is drawn, in the store."""

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """See ``pipeline.parts.run.Pass``; no model is needed."""
        _ = models
        shown = _unpack_shown(load_input(self.store, SHOWN, self.shown))
        with self.span.read() as video:
            for frames in split_parts(video.read_parts(parts), parts):
                yield columns_of(_encoded(frames, video, shown, lambda _: None))


_MAP_COLUMNS = ("frame_index", "track_id", "metres")


def _pack_shown(shown: Shown) -> Columns:
    facts = {
        "timeline": dataclasses.asdict(shown.timeline),
        "names": {str(track_id): name for track_id, name in shown.names.items()},
        "banner": shown.banner,
        "x264_preset": shown.x264_preset,
        "colors": {str(track_id): color for track_id, color in shown.colors.items()},
        "court": None if shown.court is None else [shown.court.kind, shown.court.extent],
        "events": [event._asdict() for event in shown.events],
    }
    court = {f"court_{name}": getattr(shown.court, name) for name in _MAP_COLUMNS if shown.court is not None}
    ball = {} if shown.ball is None else {_BALL + name: column for name, column in columns_of(shown.ball).items()}
    return {**columns_of(shown.tracks), **court, **ball, "facts": np.array(json.dumps(facts))}


def _unpack_shown(columns: Mapping[str, Any]) -> Shown:
    facts = json.loads(str(columns["facts"]))
    timeline = facts["timeline"]
    segments = tuple(ActionSegment(**segment) for segment in timeline.pop("segments"))
    labels = tuple(timeline.pop("labels"))
    names = {int(track_id): name for track_id, name in facts["names"].items()}
    tracks = Tracks(**{field.name: columns[field.name] for field in dataclasses.fields(Tracks)})
    colors = {int(track_id): (red, green, blue) for track_id, (red, green, blue) in facts["colors"].items()}
    court = None
    if facts["court"] is not None:
        kind, (length, width) = facts["court"]
        court = CourtMap(kind, (length, width), *(columns[f"court_{name}"] for name in _MAP_COLUMNS))
    ball = {name.removeprefix(_BALL): column for name, column in columns.items() if name.startswith(_BALL)}
    return Shown(
        tracks, Timeline(labels, segments), names, facts["banner"], facts["x264_preset"], colors, court,
        BallPath(**ball) if ball else None, tuple(ShownEvent(**event) for event in facts["events"]),
    )  # fmt: skip


def _format(video: VideoSource, shown: Shown) -> VideoFormat:
    info = video.info
    pixels, preset = info.sample_aspect_ratio, shown.x264_preset
    return VideoFormat(info.width, info.height, info.frame_rate, info.time_base, pixels, preset)


def _encoded(frames: Iterator[Frame], video: VideoSource, shown: Shown, advance: Advance) -> Encoded:
    """A stretch of the result; decoding and drawing each run in a thread, encoding in this one."""
    labels = _Labels(shown)
    with closing(prefetch(_drawn(frames, video.start, shown, labels), _DRAWN_AHEAD)) as pictures:
        return encode(_counted(pictures, advance), _format(video, shown))


def _drawn(frames: Iterator[Frame], start: float, shown: Shown, labels: _Labels) -> Iterator[tuple[float, Image]]:
    for frame in frames:
        image = frame.image.copy()
        players = shown.tracks.at(frame.index)
        texts = [labels.text(int(track_id), frame.index, frame.time) for track_id in players.track_id]
        at = () if shown.ball is None else np.flatnonzero(shown.ball.frame_index == frame.index)
        banner = shown.banner if frame.time < start + _BANNER_SECONDS else None
        if shown.court is not None:
            draw_map(image, shown.court, frame.index, shown.colors)
        draw_players(image, players.xyxy, players.track_id, texts, players.observed, banner, shown.colors)
        for row in at:
            draw_ball(image, shown.ball.xy[row], STATES[shown.ball.state[row]])  # type: ignore[union-attr]
        yield frame.time - start, image


def _counted(pictures: Iterator[tuple[float, Image]], advance: Advance) -> Iterator[tuple[float, Image]]:
    for picture in pictures:
        yield picture
        advance(1)


class _Labels:
    """What the plate of a player says in a frame."""

    def __init__(self, shown: Shown) -> None:
        timeline = shown.timeline
        self._names = shown.names
        self._events = shown.events
        self._segments: defaultdict[int, list[ActionSegment]] = defaultdict(list)
        for segment in sorted(timeline.segments, key=lambda s: s.start_frame):
            self._segments[segment.track_id].append(segment)

    def text(self, track_id: int, frame_index: int, time: float) -> str:
        """Number or name, the action with its confidence if there is one, and an event: ``7 dribble 84% | shot``.

        A name in letters that no font here has gives way to the number.
        """
        name = drawable(player_name(self._names, track_id)[:_LONGEST_NAME]) or str(track_id)
        now = [e.text for e in self._events if e.player == track_id and e.time <= time < e.time + EVENT_SECONDS]
        return " | ".join([self._doing(name, track_id, frame_index), *(drawable(text) or "?" for text in now)])

    def _doing(self, name: str, track_id: int, frame_index: int) -> str:
        segments = self._segments.get(track_id, ())
        at = bisect_right(segments, frame_index, key=lambda s: s.start_frame) - 1
        if at < 0 or segments[at].end_frame <= frame_index:
            return name
        return f"{name} {drawable(segments[at].action) or '?'} {segments[at].confidence:.0%}"
