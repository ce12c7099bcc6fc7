"""``export``: an analysis' tracks for other programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pipeline.runners.flags import add_quiet, say


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    export = subparsers.add_parser("export", help="write an analysis' tracks for other programs")
    export.add_argument("analysis", type=Path, help="the folder of an analysis")
    formats = ("mot", "coco", "cvat")
    export.add_argument("--format", choices=formats, required=True, help="MOTChallenge, COCO's JSON, or CVAT's XML")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    add_quiet(export)
    export.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """``courtscribe export``."""
    from ground.disk.files import write_atomically
    from pipeline.edits.current import load_current
    from pipeline.outputs.export import tracks_of
    from pipeline.outputs.place import kept_files, require_file
    from tracker.files.cvat_writer import cvat_labels
    from tracker.files.formats import WRITERS

    labels = options.output.with_suffix(".labels.json") if options.format == "cvat" else None
    for path in filter(None, (options.output, labels)):
        require_file(path, kept_files(options.analysis))
    analysis = load_current(options.analysis)
    WRITERS[options.format](options.output, tracks_of(analysis))
    say(options, f"{len(analysis.tracks.ids)} players, {len(analysis.tracks)} boxes: {options.output}")
    if labels is not None:
        with write_atomically(labels) as part:
            part.write_text(json.dumps(cvat_labels(analysis.timeline.labels), indent=1) + "\n", encoding="utf-8")
        say(options, f'for CVAT: make a task of the video, paste {labels} under "Raw", upload the annotations')
    return 0
