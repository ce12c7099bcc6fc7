"""Colours of boxes by team: that of a team's shirts, made readable, in a shade of its own for each of its players."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.outputs.draw import Color
from tracker.teams.teams import NEITHER, Teams
from tracker.types import Tracks

_UNSEEN: tuple[Color, Color] = ((235, 235, 235), (40, 80, 220))
"""Of teams whose shirts nobody saw."""
_GREY: Color = (150, 150, 150)
"""Of who is of neither."""
_DULL = 0.3
"""Chroma over lightness under which shirts are white, grey or black."""
_VIVID, _TINT = 60.0, 14.0
"""Chroma of shades of a coloured shirt, at least, and of those of white, grey and black."""
_DARKEST, _MIDDLE, _LIGHTEST = 40.0, 55.0, 86.0
"""Lightness, 0..100: of black shirts, of coloured ones at least, of white ones."""
_APART = 25.0
"""Lab units between shades of two teams under which the teams differ in lightness instead."""
_STEPS = ((0, 0), (-8, 16), (8, -16), (-8, -16), (8, 16), (0, 30), (0, -30))
"""Shades: steps in lightness, and in hue in degrees."""

Lch = tuple[float, float, float]
"""Lightness 0..100, chroma, hue in degrees: CIE Lab in polar coordinates."""


def team_colors(tracks: Tracks, teams: Teams) -> dict[int, Color]:
    """The colour of everybody in ``tracks`` whose team is known; grey: of neither. Steady over the video."""
    palettes = dict(zip(teams.names, team_shades(*(teams.colors or _UNSEEN)), strict=True))
    count, colors = dict.fromkeys(teams.names, 0), dict[int, Color]()
    for player in tracks.ids.tolist():
        team = teams.team(player)
        if team != NEITHER:
            colors[player] = palettes[team][count[team] % len(_STEPS)]
            count[team] += 1
        elif player in teams.members:
            colors[player] = _GREY
    return colors


def team_shades(first: Color, second: Color) -> tuple[list[Color], list[Color]]:
    """Shades of two teams in shirts of these colours; no shade of one looks like one of the other."""
    bases = [_readable(_lch(color)) for color in (first, second)]
    shades = [[_rgb(shade) for shade in _shades(base)] for base in bases]
    if _nearest(*shades) < _APART:
        darker = int(_lch(second)[0] < _lch(first)[0])
        levels = (_DARKEST, _LIGHTEST) if darker == 0 else (_LIGHTEST, _DARKEST)
        shades = [[_rgb(s) for s in _shades((level, *base[1:]))] for level, base in zip(levels, bases, strict=True)]
    return shades[0], shades[1]


def _nearest(one: Sequence[Color], other: Sequence[Color]) -> float:
    """Lab units between the two colours of two teams that are most alike."""
    first, second = (np.array([_lab(_lch(color)) for color in colors]) for colors in (one, other))
    return float(np.linalg.norm(first[:, None] - second[None], axis=2).min())


def _readable(color: Lch) -> Lch:
    lightness, chroma, hue = color
    if chroma < _DULL * lightness:
        return _LIGHTEST if lightness > _MIDDLE else _DARKEST, 0.0, hue
    return min(max(lightness, _MIDDLE), _LIGHTEST), max(chroma, _VIVID), hue


def _shades(base: Lch) -> Sequence[Lch]:
    lightness, chroma, hue = base
    if not chroma:
        return [(lightness, _TINT if number else 0.0, 60.0 * number) for number in range(len(_STEPS))]
    return [(lightness + step, chroma, hue + turn) for step, turn in _STEPS]


def _lch(color: Color) -> Lch:
    lightness, a, b = cv2.cvtColor(np.array([[color]], np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0].tolist()
    return lightness, float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)))


def _lab(color: Lch) -> npt.NDArray[np.float64]:
    lightness, chroma, hue = color
    return np.array([lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))])


def _rgb(color: Lch) -> Color:
    """The nearest colour of this lightness and hue that a screen shows: its chroma is what is there."""
    lightness, chroma, hue = color
    wanted = np.array([[_lab((lightness, share * chroma, hue)) for share in np.linspace(1, 0, 21)]], np.float32)
    shown = np.clip(cv2.cvtColor(wanted, cv2.COLOR_Lab2RGB), 0, 1)
    differs = np.abs(cv2.cvtColor(shown, cv2.COLOR_RGB2Lab) - wanted).max(axis=2)[0] >= 1
    red, green, blue = np.round(255 * shown[0, differs.argmin()]).astype(int).tolist()
    return red, green, blue
