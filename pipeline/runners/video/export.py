"""``export``: an analysis' tracks, or who does what when, for other programs."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet, comma_separated, say

if TYPE_CHECKING:
    from pipeline.annotations.annotation_file import AnnotationFile

_log = logging.getLogger("courtscribe")

_TRACKS = ("mot", "coco", "cvat")
_ANNOTATIONS = ("sportscode", "boris", "elan", "srt", "csv")
_BUDGET = "timebudget"
_TABLE = ".csv"
_CUTTING = ("code", "lead", "lag")


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    export = subparsers.add_parser(
        "export", help="write an analysis' tracks, or who does what when, for other programs"
    )
    export.add_argument("analysis", type=Path, help="the folder of an analysis")
    kinds = (
        "of tracks: mot (MOTChallenge), coco (JSON), cvat (XML); of what players do: sportscode (XML edit list), boris "
        "(project, and table of events), elan (EAF), srt (captions), csv; timebudget (CSV)"
    )
    export.add_argument("--format", choices=(*_TRACKS, *_ANNOTATIONS, _BUDGET), required=True, help=kinds)
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    only = "of what players do: these actions alone, comma-separated; 'ball shot' and the like are events"
    export.add_argument("--only", type=comma_separated, metavar="ACTIONS", help=only)
    export.add_argument("--code", choices=("player", "action"), help="sportscode: what has a row (default: player)")
    export.add_argument("--lead", type=float, metavar="X", help="sportscode: seconds shown before each instance")
    export.add_argument("--lag", type=float, metavar="X", help="sportscode: seconds shown after each instance")
    add_quiet(export)
    export.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """``courtscribe export``."""
    from pipeline.outputs.place import kept_files, require_file

    _check(options)
    beside = _beside(options)
    for path in filter(None, (options.output, beside)):
        require_file(path, kept_files(options.analysis))
    if options.format in _TRACKS:
        _export_tracks(options, beside)
    elif options.format == _BUDGET:
        _export_budget(options)
    else:
        _export_annotations(options, beside)
    return 0


def _check(options: argparse.Namespace) -> None:
    given = [name for name in _CUTTING if getattr(options, name) is not None]
    if given and options.format != "sportscode":
        raise InputError(f"{given[0]} is for sportscode, not for {options.format}", given[0])
    if options.only is not None and options.format not in _ANNOTATIONS:
        raise InputError(f"only is for {', '.join(_ANNOTATIONS)}, not for {options.format}", "only")


def _beside(options: argparse.Namespace) -> Path | None:
    """What is written beside the file."""
    if options.format == "cvat":
        return options.output.with_suffix(".labels.json")
    if options.format == "boris" and options.output.suffix.lower() != _TABLE:
        return options.output.with_suffix(f".events{_TABLE}")
    return None


def _export_tracks(options: argparse.Namespace, labels: Path | None) -> None:
    from ground.disk.files import write_text
    from pipeline.edits.current import load_current
    from pipeline.outputs.export import tracks_of
    from tracker.files.cvat_writer import cvat_labels
    from tracker.files.formats import WRITERS

    analysis = load_current(options.analysis)
    WRITERS[options.format](options.output, tracks_of(analysis))
    say(options, f"{len(analysis.tracks.ids)} players, {len(analysis.tracks)} boxes: {options.output}")
    if labels is not None:
        write_text(labels, json.dumps(cvat_labels(analysis.timeline.labels), indent=1) + "\n")
        say(options, f'for CVAT: make a task of the video, paste {labels} under "Raw", upload the annotations')


def _export_budget(options: argparse.Namespace) -> None:
    from pipeline.edits.current import load_current
    from pipeline.outputs.budget import write_time_budget

    analysis = load_current(options.analysis)
    write_time_budget(analysis.timeline, analysis.names, options.output, analysis.teams)
    say(options, f"{options.output}")


def _export_annotations(options: argparse.Namespace, table: Path | None) -> None:
    from pipeline.annotations.formats import WRITERS
    from pipeline.edits.current import load_current
    from pipeline.outputs.export import annotations_of, made_at

    analysis = load_current(options.analysis)
    file = annotations_of(analysis, options.only or (), made_at(options.analysis))
    if options.format == "sportscode":
        notes = _write_sportscode(options, file)
    elif options.format == "boris" and table is None:
        notes = WRITERS["boris table"](options.output, file)
    else:
        notes = WRITERS[options.format](options.output, file)
    for note in notes:
        _log.warning("%s: %s", options.output, note)
    say(options, f"{len(file.players)} players, {len(file.annotations)} annotations: {options.output}")
    if table is not None:
        WRITERS["boris table"](table, file)
        say(options, f"the same as a table of events: {table}")


def _write_sportscode(options: argparse.Namespace, file: AnnotationFile) -> tuple[str, ...]:
    from pipeline.annotations.sportscode import Cutting, write_sportscode

    given = {name: value for name in _CUTTING if (value := getattr(options, name)) is not None}
    return write_sportscode(options.output, file, Cutting(**given))
