"""The one way to a video that FFmpeg cannot read where it is: that of a page, and one that cannot be read in parts.

All else (files, addresses of videos and streams) is opened as it is.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ground.errors import FullError, InputError, unwritable
from pipeline.progress import Progress
from pipeline.web.download import PageError, download, size_so_far
from pipeline.web.fetch import Page, fetch, look_at
from pipeline.web.kept import NAME, PARTS, Fetched, begin, finish, kept_video
from pipeline.web.page import answered, end_of

_WHOLE = f"{PARTS}whole"
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A video whose server gives it from the beginning only."""

    url: str
    title: str
    """The end of its address."""
    size: int
    """Bytes."""


def find(source: str) -> Page | WholeFile | None:
    """What has to be fetched before it can be read; None: ``source`` is opened as it is.

    Raises InputError where a page's video cannot be had, as ``look_at``.
    """
    told = answered(source)
    if told is None:
        return None
    if told.is_page:
        return look_at(source)
    return None if told.whole_bytes is None else WholeFile(source, end_of(source), told.whole_bytes)


def have(found: Page | WholeFile, folder: Path, progress: Progress | None = None) -> Fetched:
    """Have it in ``folder``, going on with what is there of it.

    Raises InputError where it cannot be fetched or written, and ``Cancelled`` as ``progress`` does.
    """
    if isinstance(found, Page):
        return fetch(found, folder, progress)
    if (kept := kept_video(found.url, folder)) is not None:
        return kept
    try:
        begin(found.url, found.title, folder)
        part = folder / _WHOLE
        _require_room(part, found.size)
        _download(found.url, part, progress)
        return finish(part.replace(folder / f"{NAME}{_suffix(found.title, part)}"), found.url, found.title)
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def on_disk(source: str, progress: Progress | None = None) -> Generator[str]:
    """``source``, or, while this lasts, the file that was fetched of it, where it could not be read as it is.

    For what looks at a video once. Raises InputError as ``find`` and ``have``.
    """
    found = find(source)
    if found is None:
        yield source
        return
    with TemporaryDirectory(prefix="courtscribe-") as folder:
        yield str(have(found, Path(folder), progress).path)


def _download(url: str, part: Path, progress: Progress | None) -> None:
    try:
        download(url, part, shutil.disk_usage(part.parent).free + size_so_far(part), progress=progress)
    except PageError as error:
        raise InputError(f"{url}: answers with a page now, and did with a video before") from error
    except InputError as error:
        raise error if str(part) in str(error) else InputError(f"{url}: {error}") from error


def _require_room(part: Path, size: int) -> None:
    """Raise FullError where the disk has no room for it."""
    if size > shutil.disk_usage(part.parent).free + size_so_far(part):
        needed = f"{size / 1e9:.1f} GB"
        raise FullError(f"{part.parent}: there is no room for the {needed} of this video; free some space, or use -o")


def _suffix(title: str, path: Path) -> str:
    """Of the file's name, by which a browser knows it: that of the address, or of MP4, which most videos are."""
    given = Path(title).suffix
    if _SUFFIX.fullmatch(given):
        return given
    with path.open("rb") as file:
        return ".mp4" if file.read(8)[4:] == b"ftyp" else ""
