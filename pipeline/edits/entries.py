"""One correction, as a value and as a line of ``edits.jsonl``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ground.errors import InputError

KINDS: Mapping[str, tuple[int, int, bool, bool, bool]] = {
    # least and most players, and whether it needs a time, an end, a text
    "rename": (1, 1, False, False, True),
    "merge": (2, 99, False, False, False),
    "split": (1, 1, True, False, False),
    "swap": (2, 2, True, False, False),
    "drop": (1, 1, False, False, False),
    "restore": (1, 1, False, False, False),
    "referee": (1, 1, False, False, False),
    "team": (1, 1, False, False, True),
    "relabel": (1, 1, True, True, True),
    "edge": (1, 1, True, True, False),
    "together": (0, 0, False, False, False),
    "undo": (0, 0, False, False, False),
    "redo": (0, 0, False, False, False),
}
"""What there is to correct."""
_LATEST = 1e9
"""Seconds; no video is so long."""
_FARTHEST = 1e6
"""Pixels; no picture is so large."""
MOST_TOGETHER = 10_000
"""Corrections in one entry."""
_ALONE = frozenset({"together", "undo", "redo"})
"""What is no part of another entry."""


@dataclass(frozen=True, slots=True)
class Who:
    """A player as he was meant when the edit was made: by his number, and by one of his boxes.

    After tracking again numbers differ; the box then says whose track is meant.
    """

    track_id: int
    frame: int
    """0-based in the video; one in which he is."""
    box: tuple[float, float, float, float]
    """xyxy in pixels, in that frame."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One correction.

    rename: ``who`` is called ``text`` (empty: by his number again). merge: all are one, the first. split: from
    ``time`` on he is somebody else. swap: from ``time`` on the two change places. drop, referee: not shown; restore:
    shown again. team: he is of team ``text``, A or B (empty: of neither), whatever the teams are called. relabel: from
    ``time`` to before ``end`` he does ``text``. edge: the edge between two of his actions that is at ``time`` moves to
    ``end``. together: all of ``parts``, which are undone at once. undo: takes back the last one; redo: does it again.
    """

    kind: str
    who: tuple[Who, ...] = ()
    time: float | None = None
    """Seconds in the video."""
    end: float | None = None
    """Seconds in the video."""
    text: str | None = None
    parts: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"there is no edit {self.kind!r:.40}; there is {', '.join(KINDS)}")
        least, most, *needed = KINDS[self.kind]
        if not least <= len(self.who) <= most:
            raise InputError(f"{self.kind} is about {least} player{'s' * (least != 1)}, not {len(self.who)}")
        given = (self.time, self.end, self.text)
        for name, need, value in zip(("a time", "an end", "a text"), needed, given, strict=True):
            if need != (value is not None):
                raise InputError(f"{self.kind} {'needs' if need else 'has no'} {name}")
        if any(value is not None and not abs(value) < _LATEST for value in (self.time, self.end)):
            raise InputError(f"{self.kind}: times are seconds in the video")
        if (self.kind == "together") != bool(self.parts) or len(self.parts) > MOST_TOGETHER:
            raise InputError(f"together is 1 to {MOST_TOGETHER} corrections, and nothing else has parts")
        if any(part.kind in _ALONE for part in self.parts):
            raise InputError(f"{', '.join(sorted(_ALONE))} are no part of another correction")
        if self.kind == "relabel" and not cast(float, self.end) > cast(float, self.time):
            raise InputError(f"relabel: {self.time:g} to {self.end:g} s is no span")


def to_line(edit: Edit) -> str:
    """One line of JSON, with its newline."""
    return json.dumps(_content(edit), ensure_ascii=True, allow_nan=False) + "\n"


def _content(edit: Edit) -> dict[str, Any]:
    content: dict[str, Any] = {"edit": edit.kind}
    if edit.who:
        content["who"] = [{"track_id": w.track_id, "frame": w.frame, "box": list(w.box)} for w in edit.who]
    content |= {k: v for k, v in (("time", edit.time), ("end", edit.end), ("text", edit.text)) if v is not None}
    if edit.parts:
        content["parts"] = [_content(part) for part in edit.parts]
    return content


def from_line(line: str) -> Edit:
    """The edit of a line. Raises InputError for what is none."""
    try:
        return _edit(json.loads(line))
    except InputError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"is no edit ({' '.join(str(error).split()):.100})") from error


def _edit(content: dict[str, Any]) -> Edit:
    who = tuple(_who(entry) for entry in content.pop("who", ()))
    kind = content.pop("edit")
    time, end = (_number(content.pop(name, None)) for name in ("time", "end"))
    text = content.pop("text", None)
    parts = tuple(_edit(part) for part in content.pop("parts", ()))
    if not (isinstance(kind, str) and (text is None or isinstance(text, str)) and not content):
        raise ValueError(f"unknown {', '.join(content) or 'types'}")
    return Edit(kind, who, time, end, text, parts)


def _who(entry: Any) -> Who:
    track_id, frame, box = entry["track_id"], entry["frame"], entry["box"]
    if type(track_id) is not int or type(frame) is not int or len(box) != 4 or max(abs(track_id), frame) >= 2**31:
        raise ValueError("a player is a track_id, a frame and a box")
    left, top, right, bottom = (_number(edge) for edge in box)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError("a box is left, top, right, bottom")
    if max(map(abs, (left, top, right, bottom))) > _FARTHEST:
        raise ValueError("a box is in pixels of a picture")
    return Who(track_id, frame, (left, top, right, bottom))


def _number(value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise ValueError(f"{value!r:.40} is no number")
    if value is not None and not math.isfinite(value):
        raise ValueError("a number is not finite")
    return None if value is None else float(value)
