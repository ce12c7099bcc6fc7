"""Captions as SubRip files (.srt), which any player shows: ``Ann: dribble``."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ground.disk.files import read_text, write_text
from ground.errors import InputError
from pipeline.annotations.annotation_file import (
    EVENT_SECONDS,
    Annotation,
    AnnotationFile,
    number,
    sorted_annotations,
    timed,
)

_BETWEEN, _TO = ":\u00a0", " to\u00a0"
"""After a player, and before who gets the ball: with a no-break space, which is in no name and in no label."""
_TYPED = ": "
"""What a person writes there."""
_CLOCK = r"(\d{1,4}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
ARROW = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}.*", re.ASCII)
"""The line of a cue that says when it is shown."""
_EVENT = re.compile(r"(.+): (ball (?:pass|shot|rebound|turnover))(?: to (.+))?")


def write_srt(path: Path, file: AnnotationFile) -> tuple[str, ...]:
    """Write a cue per annotation. Returns notes on what could not be kept."""
    annotations, notes = timed(file.annotations)
    cues: list[str] = []
    for place, (found, start, end) in enumerate(annotations, 1):
        shown = start + 1000 * EVENT_SECONDS if found.is_event else end
        text = f"{found.player}{_BETWEEN}{found.action}{f'{_TO}{found.to}' if found.to else ''}"
        cues.append(f"{place}\n{_clock(start)} --> {_clock(shown)}\n{text}\n")
    write_text(path, "\n".join(cues))
    return notes


def read_srt(path: Path, actions: Collection[str] = ()) -> AnnotationFile:
    """The cues of a file that say who does what; others, such as speech, are left out.

    actions: what may be called an action; they may have a colon in them. Raises InputError for what is no such file.
    """
    lines = read_text(path).split("\n")
    at = [place for place, line in enumerate(lines) if ARROW.fullmatch(line)]
    if not at:
        raise InputError(f"{path}: holds no captions (00:00:01,000 --> 00:00:02,000)")
    found: list[Annotation] = []
    for place, after in zip(at, [*at[1:], len(lines)], strict=True):
        # The number of the next cue stands before its times; a cue ends at an empty line.
        text = " ".join(_until_empty(lines[place + 1 : after]))
        annotation = _annotation(lines[place], text, actions, f"{path}: line {place + 1}")
        found += [] if annotation is None else [annotation]
    if not found:
        raise InputError(f"{path}: no caption says who does what, as in Ann: dribble")
    left_out = len(at) - len(found)
    notes = (f"{number(left_out, 'caption')} left out, which do not say who does what",) if left_out else ()
    return AnnotationFile(sorted_annotations(found), notes=notes)


def _until_empty(lines: list[str]) -> list[str]:
    filled = [line.strip() for line in lines]
    return filled[: filled.index("")] if "" in filled else filled


def _annotation(line: str, text: str, actions: Collection[str], where: str) -> Annotation | None:
    """None where the text does not say who does what."""
    times = ARROW.fullmatch(line)
    if times is None:
        raise AssertionError("it was found by that")
    parts = [int(part) for part in times.groups()]
    start, end = (_seconds(*parts[side : side + 4], digits=len(times[side + 4])) for side in (0, 4))
    ending = max((a for a in actions if text.endswith(f"{_TYPED}{a}")), key=len, default="")
    event, to = _EVENT.fullmatch(text), ""
    if _BETWEEN in text:
        player, _, rest = text.partition(_BETWEEN)
        action, _, to = rest.partition(_TO)
    elif ending:
        player, action = text.removesuffix(f"{_TYPED}{ending}"), ending
    elif event:
        player, action, to = event[1], event[2], event[3] or ""
    else:
        player, _, action = text.rpartition(_TYPED)
    if not player.strip() or not action.strip():
        return None
    try:
        return Annotation(player.strip(), action.strip(), start, end, to=to)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _seconds(hours: int, minutes: int, whole: int, part: int, *, digits: int) -> float:
    return 3600.0 * hours + 60.0 * minutes + whole + part / 10**digits


def _clock(milliseconds: int) -> str:
    whole, part = divmod(milliseconds, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{part:03d}"
