"""What all pictures share: colours of actions, rows of players, the axis of time, and how a figure is written."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.disk.files import write_atomically
from ground.fonts import print_png, print_svg
from pipeline.analysis.timeline import UNSURE, frame_ends
from pipeline.analysis.values import Analysis, player_name
from pipeline.outputs.draw import color_of
from pipeline.outputs.shades import team_colors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
"""Dots per inch of a PNG."""
WIDTH = 13.3
"""Inches: a slide of 16 to 9 is 13.3 by 7.5."""
INK, PALE, GRID = "#22262b", "#6b7280", "#e3e6ea"
UNSURE_COLOR = "#eceef1"
_ACTIONS = (
    "#4e79a7", "#76b7b2", "#59a14f", "#f28e2b", "#e15759", "#edc948", "#b07aa1", "#9c755f", "#c7c4c0", "#a9d3a0",
)  # fmt: skip
"""In the order of the shipped labels: what matters is vivid, standing and walking are pale."""
_TURN = 0.618034
"""Of a circle of hues, from one action to the next."""
_ROW, _LEAST, _MOST = 0.46, 2.4, 60.0
"""Inches: of a player's row, and of all rows."""
_DENSE = 250
"""Bars in a row from which they are a few pixels wide."""
_LONGEST_NAME = 24
"""Letters that fit beside a row."""
_TEAM_STRIPE = 0.006
"""Width of the stripe in the team's colour, of the axes."""


def action_colors(labels: Sequence[str]) -> dict[str, str]:
    """A colour per label; the same in every picture of an analysis."""
    if len(labels) <= len(_ACTIONS):
        return dict(zip(labels, _ACTIONS, strict=False)) | {UNSURE: UNSURE_COLOR}
    hues = [colorsys.hsv_to_rgb(place * _TURN % 1.0, 0.55, 0.85) for place in range(len(labels))]
    colors = ["#" + "".join(f"{round(255 * part):02x}" for part in color) for color in hues]
    return dict(zip(labels, colors, strict=True)) | {UNSURE: UNSURE_COLOR}


def player_rows(analysis: Analysis) -> list[int]:
    """Players from top to bottom: by team, then by number."""
    names = (*analysis.teams.names, "")
    return sorted(analysis.tracks.ids.tolist(), key=lambda i: (names.index(analysis.teams.team(i)), i))


def rows_figure(rows: int, more: float = 1.5) -> tuple[Figure, Any]:
    """A figure with room for so many rows, and its axes. more: inches for the rest."""
    from matplotlib.figure import Figure

    height = min(max(_LEAST, _ROW * rows), _MOST) + more
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    return figure, figure.add_subplot()


def label_rows(axes: Any, analysis: Analysis, rows: Sequence[int], notes: Sequence[str] = ()) -> None:
    """Names at the left with a stripe in the team's colour, ``notes`` at the right; the first row is on top."""
    colors = {i: color_of(i) for i in rows} | team_colors(analysis.tracks, analysis.teams)
    axes.set_yticks(range(len(rows)), [_short(player_name(analysis.names, i)) for i in rows], color=INK, fontsize=11)
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, pad=17)
    for place, player in enumerate(rows):
        stripe = [part / 255 for part in colors[player]]
        axes.broken_barh(
            [(-2.2 * _TEAM_STRIPE, _TEAM_STRIPE)], (place - 0.36, 0.72), facecolors=[stripe], edgecolor=PALE,
            linewidth=0.4, transform=axes.get_yaxis_transform(), clip_on=False,
        )  # fmt: skip
    if notes:
        right = axes.secondary_yaxis("right")
        right.set_yticks(range(len(rows)), notes, color=PALE, fontsize=10)
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)
    plain(axes)


def bars(
    axes: Any, row: int, spans: Sequence[tuple[float, float]], colors: Any, height: float = 0.72, hatch: str = ""
) -> None:
    """Bars of a row: start and end of each, in seconds, and its colour, or one for all. White lines part them, where
    they are not so many that there would be little else; those are pixels in an SVG, too, which shapes would swell."""
    dense = len(spans) > _DENSE
    axes.broken_barh(
        [(start, end - start) for start, end in spans], (row - height / 2, height), facecolors=colors,
        edgecolor="none" if dense else "white", linewidth=0.0 if dense else 0.6, hatch="" if dense else hatch,
        rasterized=dense,
    )  # fmt: skip


def plain(axes: Any) -> None:
    """No frame."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_axisbelow(True)


def time_axis(axes: Any, analysis: Analysis) -> None:
    """Minutes and seconds of the video from left to right, with faint lines."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    first, last = time_span(analysis)
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 1.5, 2, 3, 5, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(clock))
    axes.tick_params(axis="x", length=0, colors=PALE, labelsize=10)
    axes.grid(axis="x", color=GRID, linewidth=0.8)


def time_span(analysis: Analysis) -> tuple[float, float]:
    """Seconds at which the analysed part of the video begins and ends."""
    time = analysis.frames.time
    return (float(time[0]), float(frame_ends(time)[-1])) if len(time) else (0.0, 1.0)


def clock(time: float, _place: int | None = None) -> str:
    """``1:02``, with tenths where there are any."""
    tenths = round(10 * abs(time))
    whole, part = divmod(tenths, 10)
    text = f"{whole // 60}:{whole % 60:02d}{f'.{part}' if part else ''}"
    return f"-{text}" if time < 0 and tenths else text


def duration(seconds: float) -> str:
    """``8.0 s``, or ``12:03`` of a minute and more."""
    whole = round(seconds)
    return f"{seconds:.1f} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"


def team_handles(analysis: Analysis) -> list[Any]:
    """What the stripes mean, for a legend: a team by the colour of its first player."""
    from matplotlib.patches import Patch

    colors, found = team_colors(analysis.tracks, analysis.teams), dict[str, Any]()
    for player in analysis.tracks.ids.tolist():
        team = analysis.teams.team(player)
        if team and player in colors and team not in found:
            red, green, blue = (part / 255 for part in colors[player])
            found[team] = Patch(facecolor=(red, green, blue), edgecolor=PALE, linewidth=0.4, label=f"team {team}")
    return [found[team] for team in analysis.teams.names if team in found]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def title(axes: Any, text: str, below: str = "") -> None:
    """What the picture shows, and how to read it."""
    axes.set_title(f"{text}\n", loc="left", fontsize=15, color=INK, weight="bold")
    axes.text(0, 1.015, below, transform=axes.transAxes, fontsize=10, color=PALE, va="bottom")


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Below everything, in one or two lines."""
    if handles:
        columns = min(len(handles), 11)
        figure.legend(
            handles=list(handles), loc="outside lower left", ncols=columns, frameon=False, fontsize=10, labelcolor=INK,
            handlelength=1.2, columnspacing=1.4,
        )  # fmt: skip


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, or an SVG where ``path`` ends so; whole or not at all, the same bytes for the same figure."""
    with write_atomically(path) as part:
        (print_svg if path.suffix.lower() == ".svg" else print_png)(figure, str(part))
