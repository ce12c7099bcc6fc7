"""Where results go: names for them, and places where they take nothing from anybody.

Checked before the long work and again before it is written, since a place may change in between.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from ground.errors import InputError, unwritable
from ground.video.fingerprint import fingerprint
from pipeline.analysis.folder import JSON_NAME
from pipeline.outputs.names import BALL_OUTPUTS, OUTPUTS, TABLES

_log = logging.getLogger("courtscribe")

ENDING = ".courtscribe"
"""Of a folder of results."""
_LONGEST_NAME = 200
"""Bytes of a folder's name: most file systems take 255, and what is kept or made of it should fit as well."""
_NOT_IN_NAMES = dict.fromkeys([*map(chr, range(32)), *'<>:"|?*\\/'], "_")
"""Letters that a file of Windows cannot have in its name."""
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
"""Names that Windows gives to no file, whatever its ending."""


def result_folder(source: str) -> Path:
    """The default folder for a video's results: ``NAME.courtscribe``. Where that is no name for one, it is said."""
    folder = Path(folder_name(source) + ENDING)
    if folder.name != _given_name(source) + ENDING:
        _log.info("the name of the video is no name for a folder: results go to %s", folder)
    return folder


def folder_name(source: str) -> str:
    """A name for a folder of a video's results, as much as can be that of the video."""
    name = _given_name(source).translate(str.maketrans(_NOT_IN_NAMES)) or "video"
    if name.partition(".")[0].strip().lower() in _DEVICES:
        name = f"_{name}"
    return _shortened(name, _LONGEST_NAME - len(ENDING))


def _given_name(source: str) -> str:
    if "://" in source:
        parts = urlsplit(source)
        return Path(unquote(parts.path)).stem or parts.hostname or ""
    path = Path(source)
    path = path.resolve() if path.name in ("", "..") else path
    return path.name if path.is_dir() else path.stem


def require_folder(folder: Path, source: str | Path, inputs: Iterable[Path] = (), *, replace: bool = False) -> None:
    """Raise InputError where the results of ``source`` cannot be kept in ``folder`` without a loss.

    A folder that is new or empty will do, and one with results of the same video, which they replace. So does a folder
    with other things in it, unless one of them has the name of a result. inputs: files that are read, too, and must not
    be among the results. replace: the results there are replaced whatever video they are of.
    """
    _require_writable(folder)
    for name in (*OUTPUTS, *BALL_OUTPUTS):
        require_file(folder / name, [source, *inputs])
    there = _source_in(folder)
    if there is None:
        taken = next((name for name in (*OUTPUTS, *BALL_OUTPUTS, JSON_NAME) if os.path.lexists(folder / name)), None)
        if taken is not None:
            raise InputError(f"{folder / taken}: is there and no result of courtscribe; choose another folder with -o")
    elif not replace and not _is_same(there, source):
        other = f"{there['source']!s:.200}"
        raise InputError(f"{folder}: holds the results of {other}; choose another folder with -o, or remove it")


def require_file(output: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Raise InputError where ``output`` cannot be written as a file without a loss: a folder, or one of ``inputs``."""
    try:
        if output.is_dir():
            raise InputError(f"{output}: is a folder; a file needs this name")
        is_read = output.exists() and any(output.samefile(path) for path in map(Path, inputs) if path.exists())
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror})") from error
    if is_read:
        raise InputError(f"{output}: is read, and would be overwritten; choose another place with -o")
    _require_writable(output.parent)


def shown_tables(folder: Path) -> list[Path]:
    """Tables and texts that show the analysis in ``folder`` and are there."""
    return [folder / name for name in (*TABLES, *BALL_OUTPUTS) if (folder / name).is_file()]


def kept_files(folder: Path) -> list[Path]:
    """What an analysis in ``folder`` is read from: its record, its tables and its edits."""
    return [path for pattern in (JSON_NAME, "*.npz", "*.jsonl") for path in folder.glob(pattern)]


def _require_writable(folder: Path) -> None:
    """Raise InputError where ``folder`` can neither be written to nor made; nothing is made yet."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


def _source_in(folder: Path) -> dict[str, Any] | None:
    """What the analysis in ``folder`` says about its video; None where there is no analysis of ours."""
    try:
        content = json.loads((folder / JSON_NAME).read_bytes())
        video = content["video"] if isinstance(content["format"], int) else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    facts = cast("dict[str, Any]", video)
    return facts if isinstance(video, dict) and isinstance(facts.get("source"), str) else None


def _is_same(facts: dict[str, Any], source: str | Path) -> bool:
    if "://" in str(source) or "://" in facts["source"]:
        return facts["source"] == str(source)
    if Path(facts["source"]) == Path(source).resolve():
        return True
    try:
        return bool(facts.get("fingerprint")) and facts["fingerprint"] == fingerprint(source)
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror})") from error


def _shortened(name: str, length: int) -> str:
    """``name`` in at most ``length`` bytes; of two long names that begin alike, not the same."""
    encoded = os.fsencode(name)
    if len(encoded) <= length:
        return name
    mark = f"-{hashlib.sha256(encoded).hexdigest()[:8]}"
    letters = name
    while len(os.fsencode(letters)) > length - len(mark):
        letters = letters[:-1]
    return letters.rstrip() + mark
