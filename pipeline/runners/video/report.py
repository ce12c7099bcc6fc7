"""``report``: an analysis as a page that a browser opens from disk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.runners.flags import add_quiet, say


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    report = subparsers.add_parser("report", help="an analysis as a page for the browser: video, timeline, totals")
    report.add_argument("analysis", type=Path, help="the folder of an analysis")
    where = "the page to write (default: report.html in that folder)"
    report.add_argument("-o", "--output", type=Path, metavar="FILE", help=where)
    report.add_argument("--video", help="where the analysed video is now, if it has been moved")
    add_quiet(report)
    report.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """``courtscribe report``."""
    from ground.disk.lock import claim
    from pipeline.edits.current import load_current
    from pipeline.outputs.names import REPORT_NAME, VIDEO_NAME
    from pipeline.outputs.place import kept_files, require_file, shown_tables
    from pipeline.outputs.write import require_analysed, show_report

    output = options.output or options.analysis / REPORT_NAME
    require_file(output, [*kept_files(options.analysis), *([options.video] if options.video else [])])
    analysis = load_current(options.analysis)
    if options.video:
        require_analysed(analysis, options.video)
    annotated = options.analysis / VIDEO_NAME
    with claim(options.analysis):
        show_report(
            analysis,
            output,
            options.video,
            annotated if annotated.is_file() else None,
            shown_tables(options.analysis),
        )
    say(options, f"{output}: open it in a browser")
    return 0
