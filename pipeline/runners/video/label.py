"""``label``: label the players of an analysis again, by other weights; nobody is looked for or followed anew."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from pipeline.progress import choose_progress
from pipeline.runners.flags import add_progress_file, add_quiet, say


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    label = subparsers.add_parser("label", help="label an analysis again by other weights, without tracking again")
    label.add_argument("analysis", type=Path, help="the folder of an analysis")
    label.add_argument("--actions", required=True, metavar="FILE", help="the action classifier's weights file")
    label.add_argument("-o", "--output", type=Path, help="where the result goes (default: the analysis itself)")
    label.add_argument("--video", help="where the analysed video is now, if it has been moved")
    label.add_argument("--no-video", action="store_true", help="do not make the annotated video")
    add_progress_file(label)
    add_quiet(label)
    label.set_defaults(run=run_label)


def run_label(options: argparse.Namespace) -> int:
    """``courtscribe label``."""
    from ground.disk.lock import claim
    from pipeline.analysis.folder import load_analysis
    from pipeline.analyze import label_again, saved_config
    from pipeline.edits.log import copy_edits
    from pipeline.outputs.place import require_folder
    from pipeline.outputs.write import write_outputs

    analysis = load_analysis(options.analysis)
    output: Path = options.output or options.analysis
    in_place = options.output is None
    config = saved_config(analysis)
    config = dataclasses.replace(config, classifier=dataclasses.replace(config.classifier, weights=options.actions))
    progress = choose_progress(options.quiet, {"label": 3.0, "show": 2.0}, options.progress_file)
    source = options.video or analysis.video.source
    require_folder(output, source, [Path(options.actions)], replace=in_place)
    with claim(output):
        again = label_again(analysis, config, progress, options.video)
        copy_edits(options.analysis, output)
        written = write_outputs(again, output, progress, with_video=not options.no_video, replace=in_place)
    labels = ", ".join(again.timeline.labels)
    say(options, f"{len(again.timeline.segments)} segments of {labels}: {', '.join(path.name for path in written)}")
    return 0
