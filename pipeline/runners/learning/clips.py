"""``clips``: labelled clips to learn from, out of analyses."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet, say

_log = logging.getLogger("courtscribe")


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    clips = subparsers.add_parser("clips", help="labelled clips to learn from, out of analyses that you corrected")
    kinds = clips.add_subparsers(required=True, metavar="WHAT", parser_class=type(clips))
    export = kinds.add_parser("export", help="write corrected segments as clips in SpaceJam's layout")
    export.add_argument("analysis", type=Path, help="the folder of an analysis")
    where = "folder for the clips; other games' in it stay, and those of this game are replaced"
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help=where)
    export.add_argument("--all", action="store_true", help="all labels that are sure enough to be said, not only yours")
    export.add_argument("--video", metavar="FILE", help="where the analysed video is now, if it was moved")
    add_quiet(export)
    export.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """``courtscribe clips export``."""
    from pipeline.training.export_clips import export_clips

    with choose_progress(options.quiet).stage("cut", None, "clip") as advance:
        exported = export_clips(
            options.analysis, options.output, everything=options.all, video=options.video, advance=advance
        )
    for note in exported.notes:
        _log.warning("%s: %s", options.analysis, note)
    counts, number = (
        ", ".join(f"{n} {label}" for label, n in sorted(exported.clips.items())),
        sum(exported.clips.values()),
    )
    say(options, f"{number} clip{'s' * (number != 1)} ({counts}): {options.output}")
    return 0
