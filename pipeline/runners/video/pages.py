"""Videos that ``analyze`` fetches first and then analyses like a file: of pages, and those that come whole only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.runners.flags import say

if TYPE_CHECKING:
    from pipeline.progress import Progress
    from pipeline.web.kept import Fetched


_LONGEST_TITLE = 200
"""Letters."""


def read_title(text: str) -> str:
    """What a video is called: one line that can be shown."""
    if not text.isprintable() or len(text) > _LONGEST_TITLE:
        raise argparse.ArgumentTypeError(f"a title is one line of {_LONGEST_TITLE} letters at most")
    return text.strip()


def fetch_video(options: argparse.Namespace, progress: Progress) -> Fetched | None:
    """Have the video of ``options`` in the folder of the results, and name that, where it cannot be read as it is.

    The folder is named after its title unless one is given. None: it is read as it is.
    Raises InputError where the video cannot be had, or the folder holds something else.
    """
    from pipeline.web.page import is_address

    if not is_address(options.video):
        return None
    fetched = _fetched(options, progress)
    if fetched is not None:
        options.video = str(fetched.path)
        say(options, f"{fetched.note}: {fetched.path}")
    return fetched


def _fetched(options: argparse.Namespace, progress: Progress) -> Fetched | None:
    from ground.disk.lock import claim
    from ground.video.record import RECORDED
    from pipeline.outputs.place import require_folder, result_folder
    from pipeline.web.kept import kept_video
    from pipeline.web.source import WholeFile, find, have

    url, given = options.video, options.output
    kept = None if given is None else kept_video(url, given)
    is_recorded = ((given or result_folder(url)) / RECORDED).exists()  # by an address that may be silent now
    if kept is not None or is_recorded or (found := find(url)) is None:
        return kept
    folder: Path = given or result_folder(
        url if isinstance(found, WholeFile) else f"{found.title.replace('/', '_')}.mp4"
    )
    options.output = folder
    if (kept := kept_video(url, folder)) is None:
        require_folder(folder, url)
    with claim(folder):
        return kept or have(found, folder, progress)
