"""Files of regions drawn by hand: a JSON list of objects, each with where its drawing begins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ground.disk.files import read_text, write_text
from ground.errors import InputError


def read_entries(path: Path, setting: str, what: str, example: str) -> list[Any]:
    """The list in ``path``, which is not empty.

    setting: what names the file. what, example: of an entry, for messages. Raises InputError that names the file, and
    the line where its JSON is malformed.
    """
    try:
        entries = json.loads(read_text(path))
    except InputError as error:
        raise InputError(f"{error}; expected a JSON file", setting) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{path}: {place}: not JSON ({error.msg}); expected a list like [{example}]") from None
    except (RecursionError, ValueError):
        raise InputError(f"{path}: not a JSON text file; expected a list like [{example}]") from None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: expected a list of at least one {what}, like [{example}]")
    return cast("list[Any]", entries)


def write_entries(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Write ``entries`` as ``read_entries`` reads them, one a line. Raises InputError."""
    lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
    write_text(path, f"[\n{lines}\n]\n")


def read_fields(entry: Any, where: str, known: tuple[str, ...], example: str) -> dict[str, Any]:
    """``entry`` as an object whose keys are all ``known``. Raises InputError that says ``where`` it is not one."""
    if not isinstance(entry, dict):
        raise InputError(f"{where}: expected an object like {example}")
    fields = cast("dict[str, Any]", entry)
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
    return fields


def read_start(fields: dict[str, Any], where: str) -> tuple[int, float | None]:
    """Where a region is drawn: its frame and, instead of one, its time in seconds. Raises InputError."""
    frame, time = fields.get("frame"), fields.get("time")
    if frame is not None and not (is_number(frame) and int(frame) == frame and frame >= 0):
        raise InputError(f'{where}: "frame" must be a whole number from 0 up')
    if time is not None and not (is_number(time) and time >= 0):
        raise InputError(f'{where}: "time" must be seconds from 0 up')
    if frame is not None and time is not None:
        raise InputError(f'{where}: give "frame" or "time", not both')
    return int(frame or 0), None if time is None else float(time)


def start_fields(frame: int, time: float | None) -> dict[str, Any]:
    """What ``read_start`` reads, for an entry to write: the time where there is one, the frame where it is not 0."""
    if time is not None:
        return {"time": time}
    return {"frame": frame} if frame else {}


def is_number(value: Any) -> bool:
    """A finite JSON number; JSON's true and false are ints to Python, but not to whoever wrote the file."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31
