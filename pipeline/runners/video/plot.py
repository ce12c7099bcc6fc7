"""``plot``: where players were on the court, as pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.runners.flags import add_quiet, say


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    plot = subparsers.add_parser(
        "plot", help="heat map and paths of the players on the court, where its lines are known"
    )
    plot.add_argument("analysis", type=Path, help="the folder of an analysis")
    plot.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    add_quiet(plot)
    plot.set_defaults(run=run_plot)


def run_plot(options: argparse.Namespace) -> int:
    """``courtscribe plot``."""
    from pipeline.edits.current import load_current
    from pipeline.outputs.court_plots import plot_heat_map, plot_paths
    from pipeline.outputs.place import kept_files, require_file

    heat, paths = options.output / "heatmap.png", options.output / "paths.png"
    for path in (heat, paths):
        require_file(path, kept_files(options.analysis))
    analysis = load_current(options.analysis)
    plot_heat_map(analysis, heat)
    plot_paths(analysis, paths)
    say(options, f"{heat}, {paths}")
    return 0
