"""Everything that is shown of an analysis, written beside it."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.analysis.folder import JSON_NAME, save
from pipeline.analysis.values import Analysis
from pipeline.outputs.captions import write_captions
from pipeline.outputs.place import OUTPUTS, VIDEO_NAME, require_file, require_folder
from pipeline.outputs.render import render_video
from pipeline.outputs.table import write_timeline_csv
from pipeline.progress import Progress, Silent
from tracker.mot import write_tracks

_log = logging.getLogger("courtscribe")

STARTER_BANNER = "starter action labels: a first guess"
"""Shown first in a video whose labels come from starter weights; short enough for a narrow picture."""


def write_outputs(
    analysis: Analysis,
    folder: Path,
    progress: Progress | None = None,
    *,
    with_video: bool = True,
    replace: bool = False,
) -> list[Path]:
    """Write the analysis itself, ``timeline.csv``, ``captions.vtt``, ``tracks.txt`` and ``annotated.mp4``.

    What showed another analysis there is removed before this one counts, so the files of a folder never disagree. The
    video is the slow part and comes last. replace: also where the folder holds the analysis of another video.
    Returns the files written. Raises InputError when the folder cannot be written, as ``place.require_folder`` has it,
    or the video cannot be read again.
    """
    require_folder(folder, analysis.video.source, replace=replace)
    timeline, captions, tracks = folder / "timeline.csv", folder / "captions.vtt", folder / "tracks.txt"
    save(analysis, folder, outdated=OUTPUTS)
    write_timeline_csv(analysis.timeline, analysis.names, timeline)
    write_captions(analysis.timeline, analysis.names, captions, start=analysis.settings.get("start") or 0.0)
    write_tracks(tracks, analysis.tracks)
    written = [timeline, captions, tracks, folder / JSON_NAME]
    if with_video:
        write_video(analysis, folder / VIDEO_NAME, progress or Silent())
        written.insert(0, folder / VIDEO_NAME)
    return written


def write_video(analysis: Analysis, output: Path, progress: Progress) -> None:
    """Write the annotated video of an analysis, from its source and without any model."""
    require_file(output, [analysis.video.source])
    facts = analysis.classifier
    banner = STARTER_BANNER if facts is not None and facts.starter and analysis.timeline.segments else None
    with progress.stage("show", len(analysis.frames)) as advance:
        notes = render_video(
            analysis.video.source,
            analysis.tracks,
            analysis.timeline,
            analysis.names,
            output,
            start=analysis.settings.get("start"),
            end=analysis.settings.get("end"),
            banner=banner,
            progress=advance,
        )
    for note in notes:
        _log.info("%s: %s", output.name, note)
