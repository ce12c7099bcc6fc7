"""``plot``: an analysis as pictures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.runners.flags import add_quiet, say

if TYPE_CHECKING:
    from pipeline.analysis.values import Analysis

_SUFFIXES = (".png", ".svg")


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    plot = subparsers.add_parser(
        "plot", help="pictures: who does what when, time budgets, confidence, identities; and the court, where known"
    )
    plot.add_argument("analysis", type=Path, help="the folder of an analysis")
    plot.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    add_quiet(plot)
    plot.set_defaults(run=run_plot)


def run_plot(options: argparse.Namespace) -> int:
    """``courtscribe plot``."""
    from ground.errors import InputError
    from pipeline.analysis.values import NOBODY
    from pipeline.edits.current import load_current
    from pipeline.outputs.place import kept_files, require_file

    analysis = load_current(options.analysis)
    if not len(analysis.tracks):
        raise InputError(f"{options.analysis}: {NOBODY}, so there is nothing to plot")
    plots = _plots(analysis)
    paths = {name: [options.output / f"{name}{suffix}" for suffix in _SUFFIXES] for name in plots}
    for path in (path for some in paths.values() for path in some):
        require_file(path, kept_files(options.analysis))
    for name, draw in plots.items():
        for path in paths[name]:
            draw(analysis, path)
        say(options, ", ".join(map(str, paths[name])))
    if len(analysis.court) == 0:
        say(options, "no heat map and no paths: the court's lines are not known in this analysis")
    return 0


def _plots(analysis: Analysis) -> dict[str, Callable[[Analysis, Path], None]]:
    """By name of their files."""
    from pipeline.outputs.plots.budget import plot_budget
    from pipeline.outputs.plots.confidence import plot_confidence
    from pipeline.outputs.plots.court import plot_heat_map, plot_paths
    from pipeline.outputs.plots.identities import plot_identities
    from pipeline.outputs.plots.timeline import plot_timeline

    plots = {
        "timeline": plot_timeline, "timebudget": plot_budget, "confidence": plot_confidence,
        "identities": plot_identities,
    }  # fmt: skip
    return plots | ({"heatmap": plot_heat_map, "paths": plot_paths} if len(analysis.court) else {})
