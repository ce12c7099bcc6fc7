"""One table says the same however a spreadsheet saved it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.disk.tables import read_rows
from ground.errors import InputError

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8).map(str.strip)
_ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "a.csv"


@pytest.mark.slow
@given(
    st.lists(st.lists(_TEXT, min_size=3, max_size=3).filter(any), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(_ENCODINGS),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_table_says_the_same_however_it_was_saved(
    place: Path, rows: list[list[str]], delimiter: str, encoding: str, end: str, named: bool
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([["Clip", " label ", "group"], *rows])
    place.write_bytes(((f"sep={delimiter}{end}" if named else "") + text.getvalue()).encode(encoding))
    first = 3 if named else 2
    wanted = [(first + i, dict(zip(("clip", "label", "group"), row, strict=True))) for i, row in enumerate(rows)]
    assert read_rows(place) == wanted


def test_short_and_empty_rows(place: Path) -> None:
    place.write_text("clip,label\n\na.mp4\n , \nb.mp4,run,more\n")
    assert read_rows(place) == [(3, {"clip": "a.mp4", "label": ""}), (5, {"clip": "b.mp4", "label": "run"})]
    for nothing in ("", "\n", "clip,label"):
        place.write_text(nothing)
        assert read_rows(place) == []


def test_what_is_no_table_is_said(place: Path) -> None:
    place.write_text("clip\n" + "x" * 200_000)
    with pytest.raises(InputError, match="line 2: cannot be read as CSV"):
        read_rows(place)
    place.write_bytes(b"clip\n\xff\xfe\xff")
    with pytest.raises(InputError, match="is not text"):
        read_rows(place)
