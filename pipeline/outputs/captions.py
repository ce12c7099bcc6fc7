"""captions.vtt: what players do, as captions that any player or browser shows under the video (WebVTT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from ground.disk.files import write_text
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import player_name

EVENT_SECONDS = 1.0
"""For which an event is shown."""


def write_captions(
    timeline: Timeline,
    names: Mapping[int, str],
    path: Path,
    *,
    start: float = 0.0,
    events: Sequence[tuple[float, int, str]] = (),
) -> None:
    """Write a cue per segment, such as "7 dribble", sorted by time; cues of several players overlap.

    names: players' names by track number. start: seconds of the source at which the captioned video begins. events:
    time in seconds, player and text of what gets a cue of ``EVENT_SECONDS`` besides.
    Format: W3C, WebVTT: The Web Video Text Tracks Format.
    """
    cues = [
        (_milliseconds(s.start - start), _milliseconds(s.end - start), _text(names, s.track_id, s.action))
        for s in timeline.segments
    ]
    for time, track_id, text in events:
        cues.append((*_milliseconds_of(time - start), _text(names, track_id, text)))
    blocks = [f"{_clock(begin)} --> {_clock(end)}\n{text}\n" for begin, end, text in sorted(cues) if end > begin]
    write_text(path, "\n".join(["WEBVTT\n", *blocks]))


def _milliseconds_of(begin: float) -> tuple[int, int]:
    return _milliseconds(begin), _milliseconds(begin + EVENT_SECONDS)


def _text(names: Mapping[int, str], track_id: int, action: str) -> str:
    """One line, as an empty line would end the cue."""
    return escape(" ".join(f"{player_name(names, track_id)} {action}".split()), quote=False)


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _clock(milliseconds: int) -> str:
    seconds, ms = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
