"""``analyze``, ``render`` and ``track``: the main job, and its later passes again."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.progress import ANALYZE_COSTS, choose_progress, spoken
from pipeline.runners.flags import (
    ANALYZE_FLAGS,
    TRACK_FLAGS,
    add_config,
    add_flags,
    add_no_report,
    add_progress_file,
    add_quiet,
    add_work,
    apply_flags,
    chosen_config,
    say,
)
from pipeline.runners.video.given import chosen_court, chosen_rois, given_files, given_tracks, wants_detection
from pipeline.runners.video.pages import fetch_video, read_title
from pipeline.runners.video.watch import read_duration, watch, with_duration

if TYPE_CHECKING:
    from pipeline.parts.run import Workers
    from pipeline.progress import Progress

_FORMATS = ("mot", "coco", "cvat")
"""Of ``tracker.files.formats.READERS``, named here so that help needs no library."""


def add_commands(subparsers: Any) -> None:
    """Add this module's commands to the parser."""
    _add_analyze(subparsers)
    _add_render(subparsers)
    _add_track(subparsers)


def _add_analyze(subparsers: Any) -> None:
    analyze = subparsers.add_parser("analyze", help="a game video in, an annotated video and a timeline per player out")
    analyze.add_argument("video", help="a video file, a directory of images, an address, a pipe, or device:NAME")
    analyze.add_argument("-o", "--output", type=Path, help="folder for the results (default: NAME.courtscribe, here)")
    add_flags(analyze, ANALYZE_FLAGS)
    by_hand = analyze.add_argument_group(
        "players chosen by hand (detection is off, CSRT follows them; with --tracker or --detector, or one in "
        "the settings, they are followed among all others, under the names given)"
    )
    by_hand.add_argument("--roi", action="append", default=[], metavar="X,Y,W,H", help="a box in pixels, first frame")
    by_hand.add_argument("--roi-file", type=Path, help="boxes from a JSON file, each with name and start if wanted")
    by_hand.add_argument("--select-roi", action="store_true", help="draw the boxes in a window")
    court = analyze.add_argument_group(
        "the court (found by its lines and the colours of its floor if nothing is given)"
    )
    court.add_argument(
        "--court",
        type=Path,
        metavar="FILE",
        help="JSON: its outline, a list of corners [x, y], within which players are; or landmarks, points in "
        "pixels and in metres, for a court of any sport",
    )
    court.add_argument("--select-court", action="store_true", help="draw its outline in a window")
    corrected = analyze.add_argument_group("tracks that are there already (detection and tracking are off)")
    corrected.add_argument(
        "--tracks",
        type=Path,
        metavar="FILE",
        help="tracks to label: CVAT's XML, COCO's JSON (one of its videos: FILE#NAME), MOT",
    )
    corrected.add_argument("--format", choices=_FORMATS, default="", help="of --tracks, if its content misleads")
    corrected.add_argument("--keep-actions", action="store_true", help="keep the actions that are in the file, too")
    length = "seconds or H:M:S to watch a stream for, or to read of a file"
    analyze.add_argument("--duration", type=read_duration, metavar="TIME", help=length)
    title = "what the video is called in its report (default: as its file, or the page that it is from)"
    analyze.add_argument("--title", type=read_title, metavar="TEXT", help=title)
    add_work(analyze, "annotated video")
    analyze.add_argument("--profile", action="store_true", help="say where the time went: per pass, queues, batches")
    add_config(analyze)
    add_progress_file(analyze)
    add_quiet(analyze)
    analyze.set_defaults(run=run_analyze)


def _add_render(subparsers: Any) -> None:
    render = subparsers.add_parser("render", help="make the annotated video of an analysis, without any model")
    render.add_argument("video", help="the video that was analysed")
    render.add_argument("analysis", type=Path, help="the folder of its analysis")
    render.add_argument("-o", "--output", type=Path, required=True, help="the video to write")
    shown = "show the court from above in a corner (default: as the analysis was asked to)"
    render.add_argument("--map", action=argparse.BooleanOptionalAction, default=None, help=shown)
    add_progress_file(render)
    add_quiet(render)
    render.set_defaults(run=run_render)


def _add_track(subparsers: Any) -> None:
    track = subparsers.add_parser("track", help="track again without detecting again, or track a MOT detection file")
    track.add_argument("analysis", type=Path, nargs="?", help="the folder of an analysis")
    track.add_argument("--detections", type=Path, help="a MOTChallenge detection file, instead of an analysis")
    track.add_argument("--video", help="where the analysed video is now, if it has been moved")
    track.add_argument("-o", "--output", type=Path, help="where the result goes (default: the analysis itself)")
    track.add_argument("--no-video", action="store_true", help="do not make the annotated video")
    add_no_report(track)
    add_flags(track, TRACK_FLAGS)
    add_config(track)
    add_quiet(track)
    track.set_defaults(run=run_track)


def run_analyze(options: argparse.Namespace) -> int:
    """``courtscribe analyze``."""
    from ground.disk.lock import claim
    from ground.video.record import is_live, kept_recording
    from pipeline.analysis.values import noted
    from pipeline.analyze import analyze_video
    from pipeline.models import Models
    from pipeline.outputs.place import require_folder, result_folder
    from pipeline.parts.run import Workers
    from pipeline.parts.store import PARTS, PartStore

    progress = choose_progress(options.quiet, ANALYZE_COSTS, options.progress_file)
    config = chosen_config(options)
    fetched = fetch_video(options, progress)
    folder = options.output or result_folder(options.video)
    recording = kept_recording(options.video, folder)
    is_stream = recording is not None or is_live(options.video)
    require_folder(folder, recording.path if recording else options.video, given_files(options))
    given = given_tracks(options, config)
    if not is_stream:
        config = with_duration(config, options.duration)
    rois, profile = chosen_rois(options, config), folder if options.profile else None
    outlines, landmarks = chosen_court(options, config)
    begin = time.monotonic()
    with (
        claim(folder),
        _profiled(folder, options),
        Workers(PartStore(folder / PARTS), Models(), options.jobs, profile=profile) as workers,
    ):
        if is_stream and recording is None:
            workers.models.load(config)  # what is wrong with them is said before hours of watching
            recording = watch(options.video, folder, options.duration)
        analysis = analyze_video(
            recording.path if recording else options.video,
            config,
            workers=workers,
            rois=rois,
            detect_with_rois=wants_detection(options),
            court=outlines,
            landmarks=landmarks,
            given=given,
            keep_actions=options.keep_actions,
            progress=progress,
        )
        notes = (*([fetched.note] if fetched else ()), *(recording.notes if recording else ()))
        analysis = noted(analysis, notes, options.title or (fetched.title if fetched else ""))
        _show(analysis, folder, options, progress, workers=workers)
        if not options.keep_parts:
            workers.store.remove()
    _say_speed(options, len(analysis.frames), time.monotonic() - begin)
    return 0


def _say_speed(options: argparse.Namespace, num_frames: int, seconds: float) -> None:
    say(options, f"{num_frames} frames in {spoken(seconds)}, {num_frames / seconds:.1f}/s in all")


@contextmanager
def _profiled(folder: Path, options: argparse.Namespace) -> Generator[None]:
    """With ``--profile``: look on, and say what was seen."""
    if not options.profile:
        yield
        return
    from pipeline.profile import Profile, Report

    with Profile(folder):
        yield
    for line in Report(folder).lines():
        say(options, line)


def run_render(options: argparse.Namespace) -> int:
    """``courtscribe render``."""
    from pipeline.edits.current import load_current
    from pipeline.outputs.place import kept_files, require_file
    from pipeline.outputs.write import write_video

    require_file(options.output, [options.video, *kept_files(options.analysis)])
    analysis = load_current(options.analysis)
    progress = choose_progress(options.quiet, file=options.progress_file)
    write_video(analysis, options.output, progress, options.video, with_map=options.map)
    say(options, f"annotated video: {options.output}")
    return 0


def run_track(options: argparse.Namespace) -> int:
    """``courtscribe track``."""
    if (options.analysis is None) == (options.detections is None):
        raise InputError("track takes the folder of an analysis, or --detections FILE with -o FILE")
    if options.detections is not None:
        return _track_file(options)
    from ground.disk.lock import claim
    from pipeline.analysis.folder import load_analysis
    from pipeline.analyze import saved_config, track_again
    from pipeline.config import read_config
    from pipeline.edits.log import copy_edits
    from pipeline.outputs.place import require_folder

    analysis = load_analysis(options.analysis)
    if analysis.detections is None:
        raise InputError(f"{options.analysis}: there are no detections in it to track")
    config = apply_flags(read_config(options.config, saved_config(analysis)), options, TRACK_FLAGS)
    folder, in_place = options.output or options.analysis, options.output is None
    require_folder(folder, options.video or analysis.video.source, replace=in_place)
    progress = choose_progress(options.quiet)
    with claim(folder):
        found = track_again(analysis, config, progress, options.video)
        copy_edits(options.analysis, folder)
        _show(found, folder, options, progress, replace=in_place)
    return 0


def _track_file(options: argparse.Namespace) -> int:
    if options.output is None:
        raise InputError("track --detections needs -o FILE, where the tracks go")
    from pipeline.config import PipelineConfig, read_config
    from pipeline.outputs.place import require_file
    from tracker.files.mot import read_detections, write_tracks
    from tracker.players.selection import SelectionConfig, choose_players
    from tracker.track.linking import link
    from tracker.track.registry import TrackerConfig, make_tracker
    from tracker.track.tracklets import follow

    require_file(options.output, [options.detections])
    paper = TrackerConfig("sort", max_age=1, min_hits=3, min_iou=0.3)
    everyone = SelectionConfig(min_confidence=0, players=0)
    base = read_config(options.config, PipelineConfig(tracker=paper, selection=everyone))
    config = apply_flags(base, options, TRACK_FLAGS)
    found = follow(make_tracker(config.tracker), read_detections(options.detections))
    tracks = found.tracks() if config.tracker.online_only else link(found, config.linking)
    tracks, _ = choose_players(tracks, config.selection)
    write_tracks(options.output, tracks)
    say(options, f"{len(tracks.ids)} tracks, {len(tracks)} boxes: {options.output}")
    return 0


def _show(
    analysis: Any,
    folder: Path,
    options: argparse.Namespace,
    progress: Progress,
    *,
    replace: bool = False,
    workers: Workers | None = None,
) -> None:
    from pipeline.outputs.write import write_outputs

    written = write_outputs(
        analysis,
        folder,
        progress,
        with_video=not options.no_video,
        with_report=not options.no_report,
        replace=replace,
        workers=workers,
    )
    players, segments = len(analysis.tracks.ids), len(analysis.timeline.segments)
    say(options, f"{players} players, {segments} segments in {folder}: {', '.join(path.name for path in written)}")
    for note in analysis.notes:
        say(options, f"note: {note}")
    if analysis.classifier is not None and analysis.classifier.starter and segments:
        say(options, f"note: the action labels are a starter's: {analysis.classifier.note}")
