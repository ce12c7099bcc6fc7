"""Names in any script: drawn where a font has their letters, and said where none has."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image as PilImage
from PIL import features

from ground import fonts
from ground.frames import Image
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.outputs.draw import draw_players
from pipeline.outputs.render import Shown, _Labels
from tracker.types import Tracks

_EVERYWHERE = ["Müller", "Łukasz Đ", "Γιάννης", "Владимир", "Նարեկ", "გიორგი", "דני אבדיה", "محمد علي", "Nguyễn"]
_ELSEWHERE = ["李明", "김민수", "八村塁", "अर्जुन", "สมชาย"]


def _write_font(path: Path, letters: str) -> None:
    """A font whose every letter is a block."""
    names = [".notdef", *(f"u{ord(letter):x}" for letter in letters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names[1:], strict=True)})
    pen = TTGlyphPen(None)
    for i, point in enumerate([(50, 0), (50, 700), (950, 700), (950, 0)]):
        (pen.lineTo if i else pen.moveTo)(point)
    pen.closePath()
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Makes the system one that has the fonts of the letters given, by name, and no others."""

    def forget() -> None:
        for kept in (fonts._face_for, fonts._system_fonts):
            kept.cache_clear()

    def put(**letters_of: str) -> None:
        for name, letters in letters_of.items():
            _write_font(tmp_path / f"{name}.ttf", letters)
        forget()
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in tmp_path.glob("*.ttf")])

    put()
    yield put
    monkeypatch.undo()
    forget()


def _plate(text: str) -> Image:
    image = np.zeros((720, 1280, 3), np.uint8)
    draw_players(image, np.zeros((0, 4), np.float32), [], [], banner=text)
    rows, columns = image.any(axis=2).any(axis=1), image.any(axis=2).any(axis=0)
    return image[rows][:, columns]


@pytest.mark.parametrize("name", _EVERYWHERE)
def test_the_font_that_comes_along_has_many_scripts(install: Callable[..., None], name: str) -> None:
    assert fonts.drawable(name) == name
    assert (fonts.note_on([name]) is None) or not features.check("raqm")


@pytest.mark.parametrize("name", _ELSEWHERE)
def test_other_scripts_are_drawn_with_a_font_of_the_system(install: Callable[..., None], name: str) -> None:
    install(Broad="".join(dict.fromkeys(name)))
    assert fonts.drawable(name) == name
    assert _plate(f"{name} run").shape[1] > _plate("run").shape[1]
    assert fonts.note_on(["Ann"]) is None


@pytest.mark.parametrize("name", _ELSEWHERE)
def test_letters_that_no_font_has_are_left_out_and_named(install: Callable[..., None], name: str) -> None:
    note = fonts.note_on(["Ann", name])
    assert note is not None and all(letter in note for letter in name) and "\n" not in note
    assert fonts.drawable(name) == "" and fonts.drawable(f"José {name} Li") == "José Li"
    assert np.array_equal(_plate(f"Ann {name}"), _plate("Ann")), "no empty squares"


def test_a_player_whose_name_cannot_be_drawn_goes_by_number(install: Callable[..., None]) -> None:
    timeline = Timeline(("run",), (ActionSegment(7, "run", 0, 1, 0, 25, 0.5),))
    labels = _Labels(Shown(Tracks.empty(), timeline, {7: "李明"}))
    assert labels.text(7, 3, 0.0) == "7 run 50%"
    install(Broad="李明")
    assert labels.text(7, 3, 0.0) == "李明 run 50%"


def test_one_text_may_need_several_fonts(install: Callable[..., None]) -> None:
    install(First="李明", Second="김")
    assert [text for text, _ in fonts.runs("Ann 李 明 김 7")] == ["Ann", " ", "李 明", " ", "김", " ", "7"]
    assert len({face.path for _, face in fonts.runs("Ann 李 明 김 7")}) == 3


def test_files_that_are_no_fonts_are_passed_over(install: Callable[..., None], tmp_path: Path) -> None:
    install(Broad="李")
    for name, content in {"a.ttf": b"", "b.ttf": b"OTTO" + bytes(60), "c.ttf": b"\xff" * 500}.items():
        (tmp_path / name).write_bytes(content)
    whole = (tmp_path / "Broad.ttf").read_bytes()
    (tmp_path / "A-half.ttf").write_bytes(whole[: len(whole) // 2])
    assert fonts.drawable("李") == "李"


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow has no libraqm here")
def test_a_plate_reads_from_left_to_right_whatever_the_name() -> None:
    name, plate = _plate("محمد"), _plate("محمد run 84%")
    assert np.array_equal(plate[:, : name.shape[1] - 12], name[:, : name.shape[1] - 12])
    swapped = _plate("דמחמ")
    assert not np.array_equal(name, swapped)


def test_where_letters_cannot_be_put_in_order_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _name: False)
    assert "right to left" in (fonts.note_on(["محمد"]) or "")
    assert fonts.note_on(["Владимир"]) is None


@pytest.mark.filterwarnings("error")
def test_plots_have_the_letters_of_labels(install: Callable[..., None]) -> None:
    def picture(label: str) -> Image:
        figure, file = Figure((3, 2), 100), io.BytesIO()
        axes = figure.add_subplot()
        axes.set_yticks([0.5], [label])
        axes.set_title("costs $5 or $x_$")
        fonts.print_png(figure, file)
        return np.asarray(PilImage.open(file).convert("RGB"))

    assert np.array_equal(picture("李"), picture("明")), "two letters that nothing has look alike"
    install(Plain="李")
    assert not np.array_equal(picture("李"), picture("明"))
