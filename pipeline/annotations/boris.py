"""BORIS (www.boris.unito.it): its project, format 7.0, which opens with the video.

Players are subjects and actions are state events of the ethogram; what happens to the ball are point events. The one
observation has the video as its media file. A comment says how sure an action is, and who gets a pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

from ground.disk.files import read_text, write_text
from ground.errors import InputError
from pipeline.annotations.annotation_file import (
    EVENT_SECONDS,
    Annotation,
    AnnotationFile,
    is_event,
    number,
    place_of,
    sorted_annotations,
    timed,
)
from tracker.files.formats import split_choice

VERSION = "7.0"
"""Of the project's format."""
_STATE, _POINT = "State event", "Point event"
_PIPE, _BROKEN = "|", "¦"
"""What BORIS takes in no name, and what stands there instead."""
_SURE, _TO = re.compile(r"confidence ([01](?:\.\d{1,9})?)\b", re.ASCII), re.compile(r"^to (.*?)(?:; |$)")
_MOST_NOTES = 5
"""On events that never end."""
_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


def write_boris(path: Path, file: AnnotationFile) -> tuple[str, ...]:
    """Write a project with one observation. Returns notes on what could not be kept."""
    annotations, short = timed(file.annotations)
    video, made = place_of(file.video, path), file.made.strftime("%Y-%m-%dT%H:%M:%S")
    rows = sorted((row for entry in annotations for row in _rows(entry.annotation, entry.start, entry.end)), key=_order)
    people, actions = file.people(), file.actions()
    observation = {
        "file": {"1": [video], **{str(player): [] for player in range(2, 9)}},
        "type": "MEDIA", "date": made, "description": "", "time offset": 0.0, "events": rows,
        "observation time interval": [0, 0], "independent_variables": {}, "visualize_spectrogram": False,
        "visualize_waveform": False, "close_behaviors_between_videos": False,
        "media_info": {
            "length": {video: round(file.duration, 3)}, "fps": {video: round(file.frame_rate, 3)},
            "hasVideo": {video: True}, "hasAudio": {video: False}, "offset": {"1": 0.0},
        },
    }  # fmt: skip
    project = {
        "time_format": "hh:mm:ss", "project_date": made, "project_name": Path(video).stem,
        "project_description": "", "project_format_version": VERSION,
        "subjects_conf": {
            str(place): {"key": "", "name": code(player), "description": file.teams.get(player, "")}
            for place, player in enumerate(people)
        },
        "behaviors_conf": {str(place): _behavior(place, action) for place, action in enumerate(actions)},
        "observations": {Path(video).stem or "game": observation},
        "behavioral_categories": ["action", "ball"], "independent_variables": {}, "coding_map": {},
        "behaviors_coding_map": [], "converters": {},
    }  # fmt: skip
    write_text(path, json.dumps(project, indent=1, ensure_ascii=True) + "\n")
    return (*short, *renamed((*people, *actions)))


def read_boris(path: Path, _actions: Collection[str] = ()) -> AnnotationFile:
    """The events of a project's observation; begin and end of an action are paired as BORIS does it.

    path: a project, or ``PROJECT#OBSERVATION`` for one of several. Raises InputError for what is no such project.
    """
    file, wanted = split_choice(path)
    try:
        project = json.loads(read_text(file))
        states = {b["code"] for b in project["behaviors_conf"].values() if str(b["type"]).startswith(_STATE)}
        observation = _observation(file, project["observations"], wanted)
        offset = _number(observation.get("time offset", 0.0))
        events = [_event(row, offset) for row in observation["events"]]
        labels = tuple(b["code"] for b in project["behaviors_conf"].values() if b["code"] in states)
        subjects = [(s["name"], s.get("description", "")) for s in project["subjects_conf"].values()]
        if not all(isinstance(text, str) for text in (*labels, *(part for pair in subjects for part in pair))):
            raise ValueError("names are texts")
        found, notes = _paired(events, states)
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{file}: not a project of BORIS ({' '.join(str(error).split())!s:.100})") from error
    teams = {name: team for name, team in subjects if team}
    return AnnotationFile(found, labels, tuple(name for name, _ in subjects), teams=teams, notes=notes)


def code(name: str) -> str:
    """``name`` as BORIS takes it."""
    return name.replace(_PIPE, _BROKEN)


def renamed(names: Sequence[str]) -> tuple[str, ...]:
    """A note on each of ``names`` that BORIS does not take as it is."""
    return tuple(
        f"BORIS takes no | in a name: {name!r:.80} is {code(name)!r:.80} there" for name in names if _PIPE in name
    )


def comment(found: Annotation) -> str:
    """What is said of an annotation besides."""
    sure = "" if found.confidence is None else f"confidence {found.confidence:.3f}"
    return "; ".join(filter(None, (f"to {found.to}" if found.to else "", sure)))


def read_comment(text: str) -> tuple[float | None, str]:
    """Confidence and receiver of what ``comment`` wrote."""
    sure, to = _SURE.search(text), _TO.match(text)
    return (float(sure[1]) if sure and float(sure[1]) <= 1 else None), to[1] if to else ""


class _Event(NamedTuple):
    time: float
    """Seconds of the media."""
    subject: str
    code: str
    modifier: str
    comment: str


def _behavior(place: int, action: str) -> dict[str, object]:
    kind, category = (_POINT, "ball") if is_event(action) else (_STATE, "action")
    key = ascii_lowercase[place] if place < len(ascii_lowercase) else ""
    return {
        "type": kind, "key": key, "code": code(action), "description": "", "color": "", "category": category,
        "modifiers": {}, "excluded": "", "coding map": "",
    }  # fmt: skip


def _rows(found: Annotation, start: int, end: int) -> list[list[object]]:
    """Begin and end of an action, or the moment of an event: time, subject, code, modifier, comment, frame."""
    first, last = found.frames or (None, None)
    moments = [(start, first, comment(found))] + ([] if found.is_event else [(end, last, "")])
    return [
        [at / 1000, code(found.player), code(found.action), "", text, "NA" if frame is None else frame]
        for at, frame, text in moments
    ]


def _order(row: list[object]) -> tuple[Any, ...]:
    """Of events at one time, those of one subject and one code stay as they are: an end, then a begin."""
    return (row[0], row[1], row[2])


def _observation(path: Path, observations: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
    if wanted:
        if wanted not in observations:
            raise InputError(f"{path}: has no observation {wanted!r:.60}; it has {', '.join(observations)}")
        return observations[wanted]
    if len(observations) != 1:
        names = ", ".join(observations)
        raise InputError(f"{path}: has {len(observations)} observations; give one as {path.name}#NAME, of {names}")
    return next(iter(observations.values()))


def _event(row: Sequence[Any], offset: float) -> _Event:
    time, *texts = row[:5]
    if len(texts) != 4 or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{row!s:.60} is no event")
    return _Event(_number(time) - offset, *texts)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r:.40} is no number of seconds")
    return float(value)


def _paired(events: Sequence[_Event], states: set[str]) -> tuple[tuple[Annotation, ...], tuple[str, ...]]:
    """Annotations, and notes on events without an end, a player or a length."""
    open_at: dict[tuple[str, str, str], _Event] = {}
    found: list[Annotation] = []
    left_out = 0
    for event in sorted(events, key=lambda event: event.time):
        player, action = event.subject.strip(), event.code.strip()
        begin, end = event, event.time + EVENT_SECONDS
        if event.code in states:
            whose = (event.subject, event.code, event.modifier)
            before = open_at.pop(whose, None)
            if before is None:
                open_at[whose] = event
                continue
            begin, end = before, event.time
        elif not is_event(action):
            left_out += 1
            continue
        confidence, to = read_comment(begin.comment)
        if player and action and begin.time < end:
            found.append(Annotation(player, action, begin.time, end, confidence=confidence, to=to))
        else:
            left_out += 1
    notes = [f"{number(left_out, 'event')} left out, without a player or a length"] if left_out else []
    notes += [
        f"{event.code} of {event.subject or 'nobody'} begins at {event.time:.2f} s and never ends: left out"
        for event in list(open_at.values())[:_MOST_NOTES]
    ]
    notes += [f"and {len(open_at) - _MOST_NOTES} more that never end"] if len(open_at) > _MOST_NOTES else []
    return sorted_annotations(found), tuple(" ".join(note.split()) for note in notes)
