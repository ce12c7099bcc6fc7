"""The folder that a studio is about: what lies in it, by names that can be sent to a page and back."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from ground.disk.files import is_visible
from ground.errors import InputError
from pipeline.analysis.folder import is_analysis
from pipeline.batch.videos import SUFFIXES
from pipeline.outputs.place import ENDING, folder_name

RUN, REQUEST = "run", "request.json"
"""Folder in that of a run's results, about the run, and the file in it that says what was asked for."""
MOST_ENTRIES = 5000
"""Of one folder; more are said to be there and not shown."""


@dataclass(frozen=True, slots=True)
class Places:
    """Files and folders below one, and none outside.

    A place is named by its path from there, percent-encoded byte by byte, whatever bytes its name has.
    """

    root: Path
    """Resolved."""

    @staticmethod
    def below(folder: Path) -> Places:
        """Those below ``folder``. Raises InputError where there is no such folder."""
        try:
            root = folder.resolve(strict=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be opened ({error.strerror})") from error
        if not root.is_dir():
            raise InputError(f"{folder}: is no folder")
        return Places(root)

    def find(self, name: str) -> Path:
        """The place that is so named. Raises InputError where there is none, or it is not below the folder."""
        relative = os.fsdecode(unquote_to_bytes(name))
        parts = relative.split("/") if relative else []
        if "\0" in relative or Path(relative).is_absolute() or any(part in ("", ".", "..") for part in parts):
            raise InputError(f"{relative!a:.200}: is no place below the studio's folder")
        if os.sep != "/" and any(os.sep in part or ":" in part for part in parts):
            raise InputError(f"{relative!a:.200}: is no place below the studio's folder")
        try:
            path = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{relative!a:.200}: is not there any more") from error
        self.require_inside(path)
        return path

    def require_inside(self, path: Path) -> None:
        """Raise InputError for a path (resolved) that is not below the folder, such as where a link leads out of it."""
        if path != self.root and self.root not in path.parents:
            raise InputError(f"{path.name!a:.200}: lies outside the studio's folder")

    def name(self, path: Path) -> str:
        """How a place is named; ``find`` finds it."""
        relative = os.path.relpath(path, self.root).replace(os.sep, "/")
        return "" if relative == "." else quote(os.fsencode(relative))

    def list(self, folder: Path) -> dict[str, Any]:
        """What a person sees in ``folder``, sorted by name, as JSON takes it.

        ``folders``, ``videos`` with the analysis that would be theirs, ``analyses``. Links out of the studio's folder
        are not shown. Raises InputError where it cannot be read.
        """
        found: dict[str, Any] = {"at": self.name(folder), "path": self._path_to(folder), "more": False}
        found |= {"folders": [], "videos": [], "analyses": []}
        try:
            with os.scandir(folder) as entries:
                names = sorted((e.name for e in entries if is_visible(e.name)), key=str.casefold)
        except OSError as error:
            raise InputError(f"{shown(folder)}: cannot be read ({error.strerror})") from error
        found["more"] = len(names) > MOST_ENTRIES
        for name in names[:MOST_ENTRIES]:
            path = folder / name
            kind = self._kind(path)
            if kind is not None:
                found[kind].append(self._entry(path, kind))
        return found

    def _kind(self, path: Path) -> str | None:
        try:
            self.require_inside(path.resolve(strict=True))
            mode = path.stat().st_mode
        except (OSError, RuntimeError, InputError):
            return None
        if stat.S_ISDIR(mode):
            return "analyses" if is_analysis(path) or (path / RUN / REQUEST).is_file() else "folders"
        return "videos" if stat.S_ISREG(mode) and path.suffix.lower() in SUFFIXES else None

    def _entry(self, path: Path, kind: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"id": self.name(path), "name": shown(path)}
        if kind == "videos":
            folder = results_of(path)
            entry |= {"bytes": path.stat().st_size, "analysis": self.name(folder) if is_analysis(folder) else None}
        return entry

    def _path_to(self, folder: Path) -> list[dict[str, str]]:
        """The folders from the studio's own to this one."""
        between = [folder, *folder.parents]
        chain = reversed(between[: between.index(self.root) + 1])
        return [{"id": self.name(place), "name": shown(place)} for place in chain]


def results_of(video: Path) -> Path:
    """Where the results of a video go: beside it."""
    return video.parent / (folder_name(str(video)) + ENDING)


def shown(path: Path) -> str:
    """The name of a file or folder as a page can show it: bytes that are no text become question marks."""
    return os.fsencode(path.name or str(path)).decode("utf-8", "replace")
