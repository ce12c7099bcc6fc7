"""Parts of a pass on disk: whoever finds one there need not make it again.

A part's file is named by its pass, its number and a digest of all that it rests on: the video, the weights, the
settings, the versions that matter. So nothing that rests on something else is ever taken for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ground.disk.files import PART_PREFIX, write_atomically, write_text
from pipeline.analysis.tables import DAMAGE

_log = logging.getLogger("courtscribe")

Columns = Mapping[str, npt.NDArray[Any]]
"""Arrays by name, of any shapes."""
PARTS = "parts"
"""Name of the folder, in that of the results."""
_NAME = re.compile(r"([a-z]+)-(\d{4,})-([0-9a-f]{16})\.npz")


class PartStore:
    """The parts in one folder. It is made when the first part is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, name: str, about: Mapping[str, Any]) -> str:
        """The digest of a pass that rests on ``about`` (as it reads in JSON).

        Parts of the pass that rest on something else are removed, and what differs is said.
        """
        text = json.dumps(about, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        record = self.folder / f"{name}.json"
        before = _read(record)
        if before is not None and before != json.loads(text):
            changed = ", ".join(sorted(_differences(before, json.loads(text)))) or "what it rests on"
            _log.info("%s: begun anew, as this changed: %s", name, changed)
        if before != json.loads(text):
            write_text(record, text + "\n")
        for path, part_of, _, of in self._parts():
            if part_of == name and of != digest:
                path.unlink(missing_ok=True)
        return digest

    def has(self, name: str, number: int, digest: str) -> bool:
        """Whether a part is there."""
        return self._path(name, number, digest).is_file()

    def load(self, name: str, number: int, digest: str) -> dict[str, npt.NDArray[Any]] | None:
        """A part; None where there is none, or it is damaged."""
        path = self._path(name, number, digest)
        try:
            with np.load(path, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except FileNotFoundError:
            return None
        except DAMAGE:
            _log.info("%s: is damaged and made again", path.name)
            path.unlink(missing_ok=True)
            return None

    def save(self, name: str, number: int, digest: str, columns: Columns) -> None:
        """Keep a part, whole or not at all. Raises InputError where it cannot be written."""
        with write_atomically(self._path(name, number, digest)) as part, part.open("wb") as file:
            np.savez(file, **dict[str, Any](columns))

    def keep(self, name: str, columns: Columns) -> str:
        """Keep what a pass rests on, for whoever makes its parts -> its digest; ``load`` finds it as part 0."""
        digest = self.begin(name, {key: hashlib.sha256(value.tobytes()).hexdigest() for key, value in columns.items()})
        if not self.has(name, 0, digest):
            self.save(name, 0, digest, columns)
        return digest

    def remove(self) -> None:
        """Remove what is kept: the whole is there now."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name) or path.suffix == ".json" or path.name.startswith(PART_PREFIX):
                with suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        with suppress(OSError):
            self.folder.rmdir()

    def _path(self, name: str, number: int, digest: str) -> Path:
        return self.folder / f"{name}-{number:04d}-{digest}.npz"

    def _parts(self) -> Iterator[tuple[Path, str, int, str]]:
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if match := _NAME.fullmatch(path.name):
                yield path, match[1], int(match[2]), match[3]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Names, as in ``detector.imgsz``, of what differs between two JSON values."""
    if isinstance(before, dict) and isinstance(now, dict):
        one, other = cast("dict[str, Any]", before), cast("dict[str, Any]", now)
        for key in one.keys() | other.keys():
            yield from _differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif before != now:
        yield name
