"""Fonts for names and labels in any script: DejaVu Sans, and what the system has for letters that it lacks.

DejaVu Sans comes with matplotlib and holds Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic. For other
letters the fonts that are installed are looked through, those made for many languages first.
"""

from __future__ import annotations

import os
import struct
import unicodedata
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import ImageFont, features

from ground.warnings_off import warnings_off

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BEFORE_OTHERS = (
    "notosanscjk", "sourcehansans", "pingfang", "hiragino", "microhei", "zenhei", "msyh", "droidsansfallback",
    "applesdgothic", "malgun", "nanumgothic", "coloremoji", "seguiemj", "notosans", "arialunicode", "segoeui",
)  # fmt: skip
"""Parts of the names of fonts that hold whole scripts, plainly drawn; earlier ones first."""
_AFTER_OTHERS = ("italic", "oblique", "serif", "mono", "thin", "light", "condensed", "black")
_STRIKES = (109, 128, 136, 160, 96, 64)
"""Sizes in pixels that fonts of pictures (emoji) come in."""
_RIGHT_TO_LEFT = {"R", "AL"}
"""Unicode's bidirectional classes of Hebrew and its kin, and of Arabic and its kin."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One font file."""

    path: str
    letters: frozenset[int] = field(repr=False)
    """Code points that it has a glyph for."""

    def at(self, size: int) -> tuple[ImageFont.FreeTypeFont, float]:
        """The font at ``size`` pixels, and what to scale its glyphs by: fonts of pictures have sizes of their own."""
        return _font(self.path, size)


def drawable(text: str) -> str:
    """``text`` without the letters that no font here has."""
    return " ".join("".join(letter for letter in text if _is_drawn(letter)).split())


def note_on(texts: Iterable[str]) -> str | None:
    """What a reader must know about ``texts`` as drawn: letters left out, or out of order; None where all is well."""
    letters = dict.fromkeys("".join(texts))
    lacking = "".join(letter for letter in letters if not _is_drawn(letter))
    if lacking:
        return (
            f"no font on this machine has {lacking:.40}, left out of the picture; install one that has them "
            "(Noto Sans of that script, Noto Sans CJK for Chinese, Japanese, Korean), then render again"
        )
    if any(_needs_shaping(letter) for letter in letters) and not features.check("raqm"):
        return "Pillow has no libraqm here: letters written from right to left or joined are not drawn in order"
    return None


def runs(text: str) -> Iterator[tuple[str, Face]]:
    """``text`` in pieces, each with the font that has its letters; what no font has is left out."""
    face = first_face()
    pairs: list[tuple[str, Face]] = []
    for letter in drawable(text):
        is_mark = unicodedata.category(letter).startswith("M")  # and belongs to the letter before it
        if not _is_silent(letter) and not (is_mark and ord(letter) in face.letters):
            face = _face_for(letter) or face
        pairs.append((letter, face))
    for face, group in groupby(pairs, key=lambda pair: pair[1]):
        letters = "".join(letter for letter, _ in group)
        yield letters.rstrip(), face
        if letters[-1].isspace():  # a space between two fonts is as wide as in the first
            yield " ", first_face()


def print_png(figure: Figure, file: str | IO[bytes]) -> None:
    """Write a figure of matplotlib, with fonts for all of its letters, and with dollar signs as they stand."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    with _with_letters(figure):
        canvas.print_png(file)


def print_svg(figure: Figure, file: str) -> None:
    """The same as SVG, its letters as outlines: it looks alike everywhere. The same figure gives the same bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas = FigureCanvasSVG(figure)
    with _with_letters(figure), rc_context({"svg.hashsalt": "courtscribe", "svg.fonttype": "path"}):
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})


@contextmanager
def _with_letters(figure: Figure) -> Generator[None]:
    from matplotlib import rc_context
    from matplotlib.text import Text

    with warnings_off(), rc_context({"text.parse_math": False}):  # of letters that no font has: there is a box
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        layout = figure.get_layout_engine()
        figure.set_layout_engine("none")  # which takes long, and is found when the figure is drawn in its fonts
        figure.draw_without_rendering()  # only now are there labels at the axes
        figure.set_layout_engine(layout)
        texts = figure.findobj(Text)
        names = ["DejaVu Sans", *dict.fromkeys(filter(None, map(_family, _faces(text.get_text() for text in texts))))]
        for text in texts:
            text.set_fontfamily(names)
        yield


def _faces(texts: Iterable[str]) -> Iterable[Face]:
    """What texts need besides the first."""
    return dict.fromkeys(face for text in texts for _, face in runs(text) if face is not first_face())


@cache
def _family(face: Face) -> str | None:
    """What matplotlib calls a font; None for a font of pictures, which it cannot draw."""
    from matplotlib import font_manager

    try:
        font_manager.fontManager.addfont(face.path)
    except (OSError, RuntimeError):
        return None
    return font_manager.fontManager.ttflist[-1].name


@lru_cache(maxsize=1)
def first_face() -> Face:
    """DejaVu Sans Bold."""
    package = find_spec("matplotlib")  # which takes long to load, and nothing else of it is needed to draw a video
    assert package is not None and package.origin is not None
    return _face(str(Path(package.origin).with_name("mpl-data") / "fonts/ttf/DejaVuSans-Bold.ttf"))


def _is_drawn(letter: str) -> bool:
    return _is_silent(letter) or _face_for(letter) is not None


def _is_silent(letter: str) -> bool:
    """Spaces, joiners and variation selectors: they show nothing themselves."""
    return letter.isspace() or unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def _needs_shaping(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT or unicodedata.category(letter) == "Mc"


@cache
def _face_for(letter: str) -> Face | None:
    if ord(letter) in first_face().letters:
        return first_face()
    have_it = (face for path in _system_fonts() if ord(letter) in (face := _face(path)).letters)
    return next((face for face in have_it if _can_be_loaded(face.path)), None)


@lru_cache(maxsize=1)
def _system_fonts() -> Sequence[str]:
    """Paths of the fonts that are installed, the likeliest to look well first."""
    from matplotlib.font_manager import findSystemFonts

    return sorted({os.path.realpath(path) for path in findSystemFonts()}, key=_preference)


def _preference(path: str) -> tuple[int, int, int, str]:
    name = "".join(filter(str.isalnum, Path(path).name.lower()))
    rank = next((i for i, part in enumerate(_BEFORE_OTHERS) if part in name), len(_BEFORE_OTHERS))
    return sum(part in name for part in _AFTER_OTHERS), rank, "bold" not in name, path


@cache
def _face(path: str) -> Face:
    """A font file; without letters where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return Face(path, frozenset(font.getBestCmap() or {}))
    except (OSError, TTLibError, KeyError, ValueError, AssertionError, IndexError, struct.error):
        return Face(path, frozenset())


def _can_be_loaded(path: str) -> bool:
    try:
        _font(path, _STRIKES[0])
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def _font(path: str, size: int) -> tuple[ImageFont.FreeTypeFont, float]:
    for at in (size, *_STRIKES):
        with suppress(OSError):
            return ImageFont.truetype(path, at), size / at
    raise OSError(f"{path}: holds no size that can be drawn")
