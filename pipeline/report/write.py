"""report.html and the files of boxes beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ground.disk.files import write_text
from ground.errors import unwritable
from ground.video.images import IMAGES
from pipeline.analysis.values import Analysis
from pipeline.report.boxes import PATTERN, box_files, file_name
from pipeline.report.bundle import page
from pipeline.report.data import Color, Surroundings, report_data
from tracker.ball.events import BallEvent


def write_report(
    analysis: Analysis,
    output: Path,
    events: Sequence[BallEvent] = (),
    *,
    colors: Mapping[int, Color] | None = None,
    video: str | None = None,
    annotated: Path | None = None,
    files: Sequence[Path] = (),
) -> list[Path]:
    """Write the page about an analysis, with its edits in it, to ``output``, and boxes to a folder of its stem.

    colors: of players, by track_id. video: where the analysed video is now, if it has been moved. annotated: the
    annotated video, if it is or will be there. files: others that the page offers to download.
    Returns what was written, the page last. Raises InputError where it cannot be written.
    """
    folder = output.with_suffix("") if output.suffix else output.with_name(f"{output.name}-boxes")
    written: list[Path] = []
    minutes: list[int] = []
    for minute, text in box_files(analysis):
        minutes.append(minute)
        written.append(folder / file_name(minute))
        write_text(written[-1], text)
    around = Surroundings(
        video="" if analysis.video.codec == IMAGES else _address(video or analysis.video.source, output),
        annotated="" if annotated is None else _address(annotated, output),
        boxes=_address(folder, output),
        minutes=minutes,
        files=[_address(path, output) for path in files],
        colors=colors or {},
    )
    write_text(output, page(report_data(analysis, events, around)))
    _sweep(folder, {path.name for path in written})
    return [*written, output]


def remove_report(output: Path) -> None:
    """Remove a page and its boxes. Raises InputError where that is not allowed."""
    try:
        output.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(output, error) from error
    _sweep(output.with_suffix(""), set())


def _sweep(folder: Path, named: set[str]) -> None:
    """Remove boxes of before, and the folder if nothing is left in it."""
    if not folder.is_dir():
        return
    try:
        for path in folder.glob(PATTERN):
            if path.name not in named:
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise unwritable(folder, error) from error


def _address(path: str | Path, output: Path) -> str:
    """A file as a page in ``output`` names it: relative, so both may be moved together. Empty: it is no file."""
    if "://" in str(path) or str(path).startswith("device:"):
        return ""
    try:
        relative = os.path.relpath(Path(path).absolute(), output.absolute().parent)
    except ValueError:  # on another drive of Windows
        return Path(path).absolute().as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))
