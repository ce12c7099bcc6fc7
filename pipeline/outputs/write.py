"""Everything that is shown of an analysis, written beside it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from ground.disk.lock import claim
from ground.video.source import open_video
from pipeline.analysis.folder import JSON_NAME, save_analysis
from pipeline.analysis.same_video import require_same_video
from pipeline.analysis.values import Analysis
from pipeline.config import X264_PRESETS
from pipeline.edits.current import with_edits
from pipeline.outputs.ball import event_text, time_of, write_ball_csv, write_events_csv
from pipeline.outputs.budget import write_time_budget
from pipeline.outputs.captions import write_captions
from pipeline.outputs.court import write_court_json, write_positions_csv
from pipeline.outputs.court_map import court_map
from pipeline.outputs.draw import Color, color_of
from pipeline.outputs.names import BALL_OUTPUTS, OUTPUTS, REPORT_NAME, VIDEO_NAME
from pipeline.outputs.place import require_file, require_folder
from pipeline.outputs.render import Shown, ShownEvent, render_video
from pipeline.outputs.shades import team_colors
from pipeline.outputs.table import write_timeline_csv
from pipeline.parts.passes import Span
from pipeline.parts.run import Workers
from pipeline.progress import Progress, Silent
from pipeline.report.write import remove_report, write_report
from pipeline.stages.ball import events_of
from pipeline.video.packets import X264_PRESET
from tracker.ball.events import BallEvent
from tracker.files.mot import write_tracks

_log = logging.getLogger("courtscribe")

STARTER_BANNER = "starter action labels: a first guess"
"""Shown first in a video whose labels come from starter weights; short enough for a narrow picture."""


def write_outputs(
    analysis: Analysis,
    folder: Path,
    progress: Progress | None = None,
    *,
    with_video: bool = True,
    with_report: bool = True,
    replace: bool = False,
    workers: Workers | None = None,
) -> list[Path]:
    """Write the analysis itself, tables and texts, and ``annotated.mp4``: all of ``place.OUTPUTS``, and those of the
    ball where it was looked for.

    What showed another analysis there is removed before this one counts, so the files of a folder never disagree. The
    video is the slow part and comes last. replace: also where the folder holds the analysis of another video.
    workers: who makes the video's parts and keeps them until it is whole; None: nobody keeps any.
    Returns the files written. Raises InputError when the folder cannot be written, as ``place.require_folder`` has it,
    or the video cannot be read again.
    """
    require_folder(folder, analysis.video.source, replace=replace)
    with claim(folder):
        save_analysis(analysis, folder, outdated=(*OUTPUTS, *BALL_OUTPUTS))
        written = write_current(
            analysis, folder, progress, with_video=with_video, with_report=with_report, workers=workers
        )
        return [*written, folder / JSON_NAME]


def write_current(
    analysis: Analysis,
    folder: Path,
    progress: Progress | None = None,
    *,
    with_video: bool = True,
    with_report: bool = True,
    video: str | None = None,
    workers: Workers | None = None,
) -> list[Path]:
    """Write what shows the analysis in ``folder``, with the edits that lie there; nothing of it needs a model.

    analysis: as it is saved there. with_video: the annotated video, too; without it, one that is there is removed, as
    it may show something else. with_report: the page, too; likewise. video: where the analysed video is now, if it has
    been moved.
    Returns the files written. Raises InputError as ``write_outputs``.
    """
    return write_shown(
        with_edits(analysis, folder),
        folder,
        progress,
        with_video=with_video,
        with_report=with_report,
        video=video,
        workers=workers,
    )


def write_shown(
    shown: Analysis,
    folder: Path,
    progress: Progress | None = None,
    *,
    with_video: bool = True,
    with_report: bool = True,
    video: str | None = None,
    workers: Workers | None = None,
) -> list[Path]:
    """As ``write_current``, of an analysis that its edits are in already."""
    timeline, captions, tracks = folder / "timeline.csv", folder / "captions.vtt", folder / "tracks.txt"
    court, positions, budget = folder / "court.json", folder / "positions.csv", folder / "timebudget.csv"
    (folder / VIDEO_NAME).unlink(missing_ok=True)
    write_timeline_csv(shown.timeline, shown.names, timeline, shown.teams)
    write_time_budget(shown.timeline, shown.names, budget, shown.teams)
    events = events_of(shown)
    start = shown.settings.get("start") or 0.0
    write_captions(shown.timeline, shown.names, captions, start=start, events=_shown_events(events, shown))
    write_tracks(tracks, shown.tracks)
    write_court_json(shown.court, court)
    write_positions_csv(shown, positions)
    written = [timeline, budget, captions, tracks, court, positions]
    if shown.ball is not None:
        written += [folder / name for name in BALL_OUTPUTS]
        write_ball_csv(shown, written[-2])
        write_events_csv(events, shown, written[-1])
    if with_report:
        video_beside = folder / VIDEO_NAME if with_video else None
        written.append(show_report(shown, folder / REPORT_NAME, video, video_beside, written))
    else:
        remove_report(folder / REPORT_NAME)
    if with_video:
        write_video(shown, folder / VIDEO_NAME, progress or Silent(), video, workers)
        written.insert(0, folder / VIDEO_NAME)
    return written


def show_report(
    analysis: Analysis,
    output: Path,
    video: str | None = None,
    annotated: Path | None = None,
    files: Sequence[Path] = (),
) -> Path:
    """Write the page that shows an analysis in a browser, with its boxes beside it; see ``write_report``.

    Raises InputError where it cannot be written.
    """
    events, colors = events_of(analysis), player_colors(analysis)
    return write_report(analysis, output, events, colors=colors, video=video, annotated=annotated, files=files)[-1]


def player_colors(analysis: Analysis) -> dict[int, Color]:
    """The colour of everybody who is shown: a shade of his team's, where that is known."""
    colors = {player: color_of(player) for player in analysis.tracks.ids.tolist()}
    return colors | team_colors(analysis.tracks, analysis.teams)


def write_video(
    analysis: Analysis,
    output: Path,
    progress: Progress,
    video: str | None = None,
    workers: Workers | None = None,
    with_map: bool | None = None,
) -> None:
    """Write the annotated video of an analysis, from its source and without any model.

    video: where the analysed video is now, if it has been moved. with_map: whether the court is shown from above; None:
    as the analysis was asked to. Raises InputError where the video is another one.
    """
    source = video or analysis.video.source
    require_file(output, [source])
    require_analysed(analysis, source)
    facts = analysis.classifier
    banner = STARTER_BANNER if facts is not None and facts.starter and analysis.timeline.segments else None
    settings = analysis.settings
    span = Span(source, settings.get("start"), settings.get("end"), analysis.video.image_rate)
    preset = X264_PRESETS.get(settings.get("preset", ""), X264_PRESET)
    wants_map = settings.get("court", {}).get("map", False) if with_map is None else with_map
    seen_from_above = court_map(analysis) if wants_map else None
    colors = team_colors(analysis.tracks, analysis.teams)
    events = _shown_events(events_of(analysis), analysis)
    shown = Shown(
        analysis.tracks,
        analysis.timeline,
        analysis.names,
        banner,
        preset,
        colors,
        seen_from_above,
        analysis.ball,
        events,
    )
    notes = render_video(span, shown, output, workers=workers, progress=progress)
    for note in notes:
        _log.info("%s: %s", output.name, note)


def require_analysed(analysis: Analysis, source: str) -> None:
    """Raise InputError where ``source`` cannot be read, or is another video than the analysed one."""
    with open_video(source, image_rate=analysis.video.image_rate) as opened:
        require_same_video(analysis.video, opened)


def _shown_events(events: Sequence[BallEvent], analysis: Analysis) -> tuple[ShownEvent, ...]:
    return tuple(ShownEvent(time_of(e, analysis), e.player, event_text(e, analysis.names)) for e in events)
