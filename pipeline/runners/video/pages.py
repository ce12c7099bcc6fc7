"""Pages that hold a video, whose video ``analyze`` fetches first and then analyses like a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.runners.flags import say

if TYPE_CHECKING:
    from pipeline.progress import Progress
    from pipeline.web.fetch import Fetched


def fetch_page(options: argparse.Namespace, progress: Progress) -> tuple[str, ...]:
    """Where the video of ``options`` is a page, have what it holds in the folder of the results, and name that instead.

    The folder is named after the page's title unless one is given. Returns what is to be said of the analysis' video.
    Raises InputError where the video cannot be had, or the folder holds something else.
    """
    from pipeline.web.page import is_address

    if not is_address(options.video):
        return ()
    fetched = _fetched(options, progress)
    if fetched is None:
        return ()
    options.video = str(fetched.path)
    say(options, f"{fetched.note}: {fetched.path}")
    return (fetched.note,)


def _fetched(options: argparse.Namespace, progress: Progress) -> Fetched | None:
    from ground.disk.lock import claim
    from ground.video.record import RECORDED
    from pipeline.outputs.place import require_folder, result_folder
    from pipeline.web.fetch import fetch, kept_video, look_at
    from pipeline.web.page import is_page

    url, given = options.video, options.output
    kept = None if given is None else kept_video(url, given)
    is_recorded = ((given or result_folder(url)) / RECORDED).exists()  # by an address that may be silent now
    if kept is not None or is_recorded or not is_page(url):
        return kept
    page = look_at(url)
    folder: Path = given or result_folder(f"{page.title.replace('/', '_')}.mp4")
    options.output = folder
    if (kept := kept_video(url, folder)) is None:
        require_folder(folder, url)
    with claim(folder):
        return kept or fetch(page, folder, progress)
