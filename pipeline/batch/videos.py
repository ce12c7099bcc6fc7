"""Which videos a batch is of, and what the folder of each is called."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ground.disk.files import read_text, visible
from ground.errors import InputError
from ground.video.sequence import natural_key
from pipeline.batch.report import REPORT_NAME
from pipeline.outputs.place import folder_name

_log = logging.getLogger("courtscribe")

SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
    ".ts", ".vob", ".webm", ".wmv",
})  # fmt: skip
"""Endings of files that are taken for videos in a folder, in lower case."""


@dataclass(frozen=True, slots=True)
class Video:
    """One of a batch."""

    source: str
    """A path or an address."""
    name: str
    """Of its folder; no other video of the batch has it, on systems either that take A for a."""


def list_videos(where: Path) -> list[Video]:
    """The videos of a folder (not of those in it), in natural order, or those that a text file names, one a line.

    Lines are paths, from the text file's folder on, or addresses; empty ones and those that begin with # are none.
    Videos whose folders would have the same name get one that says which. Raises InputError where there is none.
    """
    found = _in_folder(where) if where.is_dir() else _in_list(where)
    sources = list(dict.fromkeys(found))
    if not sources:
        raise InputError(f"{where}: there is no video in it")
    return _named(sources)


def _in_folder(folder: Path) -> list[str]:
    files = [path for path in visible(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]
    return [str(path) for path in sorted(files, key=natural_key)]


def _in_list(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).split("\n")]
    return [line if "://" in line else str(path.parent / line) for line in lines if line and not line.startswith("#")]


def _named(sources: Iterable[str]) -> list[Video]:
    names = {source: folder_name(source) for source in sources}
    taken = Counter([REPORT_NAME, *(name.casefold() for name in names.values())])
    videos: list[Video] = []
    for source, name in names.items():
        if taken[name.casefold()] > 1:
            whole = source if "://" in source else str(Path(source).absolute())
            name = f"{name}-{hashlib.sha256(whole.encode(errors='surrogateescape')).hexdigest()[:8]}"  # noqa: PLW2901
            _log.info("%s: there is another of this name; results go to %s", source, name)
        videos.append(Video(source, name))
    return videos
