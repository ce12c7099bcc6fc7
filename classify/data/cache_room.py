"""Room for decoded clips: what nobody has used for long is removed, and never while somebody looks for it."""

from __future__ import annotations

import fcntl
import logging
import re
import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ground.disk.files import PART_PREFIX, PART_SUFFIX
from ground.errors import InputError

MARK = b"courtscribe clips"
"""The last bytes of each of our files: nothing else is ever removed."""
SUFFIX = ".clips"
LIMIT = 100 << 30
"""Bytes that the files may take together. All of SpaceJam at one network's size is 16 GB or 40."""
_UNUSED = 30 * 86400.0
"""Seconds after which a file that was not used is removed."""
_LEFT = 86400.0
"""Seconds after which a file that is still being written is one that a killed process left."""
_OLD = re.compile(r"[0-9a-f]{32}\.frames")
"""How earlier versions called such files, with a JSON beside each; they are never found any more."""
_SPARE = 64 << 20
"""Bytes that must stay free on the disk."""

_log = logging.getLogger("courtscribe")


@contextmanager
def shared(folder: Path) -> Generator[None]:
    """Nobody removes anything in ``folder`` meanwhile; any number of processes may be here at once."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def make_room(folder: Path, keep: Sequence[Path], needed: int) -> None:
    """Make ``folder``, and remove from it what is old or, oldest first, too much beside ``needed`` more bytes.

    keep: files that are used now and stay, as all do while another process is in ``shared``. What a process has mapped
    into memory stays readable to it when it is removed.
    Raises InputError where the folder cannot be written, and before hours are spent on what does not fit on the disk.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _tidy(folder, set(keep), needed)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose another place", setting="cache"
        ) from error
    if needed and needed + _SPARE > free:
        raise InputError(
            f"{folder}: decoded clips take about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "free some space or choose another place",
            setting="cache",
        )


@contextmanager
def _locked(folder: Path, how: int) -> Generator[None]:
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, how)
        yield


def _tidy(folder: Path, keep: set[Path], needed: int) -> None:
    now = time.time()
    for part in folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
        if now - part.stat().st_mtime > _LEFT:
            part.unlink(missing_ok=True)
    for frames in folder.glob("*.frames"):
        if _OLD.fullmatch(frames.name) and frames.with_suffix(".json").is_file():
            frames.unlink(missing_ok=True)
            frames.with_suffix(".json").unlink(missing_ok=True)
    found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob(f"*{SUFFIX}"))
    total = needed + sum(size for _, size, _ in found)
    for used, size, path in found:
        lacks_room = total > LIMIT or (needed and needed + _SPARE > shutil.disk_usage(folder).free)
        if path not in keep and (now - used > _UNUSED or lacks_room) and _is_ours(path):
            path.unlink(missing_ok=True)
            total -= size
            _log.info("%s: removed, as nobody has used it for a while", path)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return path.stat().st_size > len(MARK) and file.seek(-len(MARK), 2) >= 0 and file.read() == MARK
