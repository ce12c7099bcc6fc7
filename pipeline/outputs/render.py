"""annotated.mp4: the video again, with every player boxed, numbered and labelled with what he is doing."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path

from ground.fonts import drawable, note_on
from ground.frames import Image
from ground.prefetch import prefetch
from ground.video.source import VideoSource, open_video
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import player_name
from pipeline.outputs.draw import draw_players
from pipeline.video.encode import write_video
from tracker.types import Tracks

_BANNER_SECONDS = 6.0
_DRAWN_AHEAD = 4
_LONGEST_NAME = 20
"""Letters of a name that a plate shows."""


def render_video(
    source: str | Path,
    tracks: Tracks,
    timeline: Timeline,
    names: Mapping[int, str],
    output: Path,
    *,
    start: float | None = None,
    end: float | None = None,
    image_rate: Fraction | None = None,
    banner: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[str]:
    """Decode ``source`` between ``start`` and ``end`` (seconds), draw the players, and encode it with its sound.

    Decoding and drawing each run in a thread; encoding runs in this one. A frame of the source that is shown at t
    seconds is shown at t - start in ``output`` (MP4). names: players' names by track_id, the others go by number.
    image_rate: pictures per second where ``source`` is a folder of them. banner: a line shown during the first seconds.
    progress is called with 1 after each frame.
    Returns notes on what could not be kept. Raises InputError for an unreadable source or an unwritable output.
    """
    labels = _Labels(timeline, names)
    with (
        open_video(source, start, end, image_rate=image_rate) as video,
        closing(prefetch(_drawn(video, tracks, labels, banner), _DRAWN_AHEAD)) as pictures,
    ):
        info = video.info
        notes = write_video(
            output,
            _counted(pictures, progress),
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            sample_aspect_ratio=info.sample_aspect_ratio,
            audio_from=source if info.has_audio else None,
            start=video.start,
            end=video.end,
        )
    on_letters = note_on([*names.values(), *(segment.action for segment in timeline.segments)])
    return notes if on_letters is None else [*notes, on_letters]


def _drawn(video: VideoSource, tracks: Tracks, labels: _Labels, banner: str | None) -> Iterator[tuple[float, Image]]:
    for frame in video:
        image = frame.image.copy()
        players = tracks.at(frame.index)
        texts = [labels.text(int(track_id), frame.index) for track_id in players.track_id]
        shown_banner = banner if frame.time < video.start + _BANNER_SECONDS else None
        draw_players(image, players.xyxy, players.track_id, texts, players.observed, shown_banner)
        yield frame.time, image


def _counted(
    pictures: Iterator[tuple[float, Image]], progress: Callable[[int], object] | None
) -> Iterator[tuple[float, Image]]:
    for picture in pictures:
        yield picture
        if progress is not None:
            progress(1)


class _Labels:
    """What the plate of a player says in a frame."""

    def __init__(self, timeline: Timeline, names: Mapping[int, str]) -> None:
        self._names = names
        self._segments: defaultdict[int, list[ActionSegment]] = defaultdict(list)
        for segment in sorted(timeline.segments, key=lambda s: s.start_frame):
            self._segments[segment.track_id].append(segment)

    def text(self, track_id: int, frame_index: int) -> str:
        """Number or name, and the action with its confidence if there is one: ``7 dribble 84%``.

        A name in letters that no font here has gives way to the number.
        """
        name = drawable(player_name(self._names, track_id)[:_LONGEST_NAME]) or str(track_id)
        segments = self._segments.get(track_id, ())
        at = bisect_right(segments, frame_index, key=lambda s: s.start_frame) - 1
        if at < 0 or segments[at].end_frame <= frame_index:
            return name
        return f"{name} {drawable(segments[at].action) or '?'} {segments[at].confidence:.0%}"
