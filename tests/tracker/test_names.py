"""One rule for names: what comes out is safe in a table, told apart, and stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.names import LONGEST, clear_names

_HARD = st.sampled_from([
    "2", "#2", "=1+1", '=HYPERLINK("http://x","y")', "+2", "-2", "@Ann", "\t=1", "a;=1", "Ann", "Ann (2)", "", " ",
    "\n", "\ud800", "\u202enna", "x" * 10_000, "1_0", "٢", "'=1", "-", "#", "\uff1d1",
])  # fmt: skip
_NAMES = st.dictionaries(st.integers(1, 9), _HARD | st.text("aé=+-@;#2(1) \t\n\ud800'\"", max_size=8), max_size=9)


@pytest.mark.slow
@given(_NAMES)
def test_names_are_one_safe_line_and_belong_to_one_player(names: dict[int, str]) -> None:
    shown, _ = clear_names(names)
    assert len(set(shown.values())) == len(shown)
    for track_id, name in shown.items():
        assert name.strip() == name and 0 < len(name) <= LONGEST
        assert "\n" not in name and "\u202e" not in name and name.encode()
        for cell in name.split(";"):
            assert cell.strip()[:1] not in tuple("=+-@\uff1d") or not cell.strip()
        assert name == str(track_id) or not _reads_as_number(name)


@pytest.mark.slow
@given(_NAMES)
def test_clear_names_stay_and_every_change_is_said_in_a_line(names: dict[int, str]) -> None:
    shown, notes = clear_names(names)
    assert clear_names(shown) == (shown, ())
    assert all(len(note) < 300 and note.isprintable() for note in notes)
    changed = {i for i, name in names.items() if shown.get(i, "") != name.strip()}
    assert {int(note.split(":")[0].removeprefix("player ")) for note in notes} == changed


@pytest.mark.parametrize(
    "name", ["Dončić, Luka", "姚明", "O'Neal", "#23", "Ann (2)", "Jean-Luc", "👨‍👩‍👧", "می‌خواهم", "7up", "A+"]
)
def test_what_people_are_called_is_kept(name: str) -> None:
    assert clear_names({4: name}) == ({4: name}, ())


def test_equal_names_are_told_apart_and_numbers_marked() -> None:
    shown, notes = clear_names({1: "Ann", 2: "Ann", 3: "2", 4: "4"})
    assert shown == {1: "Ann", 2: "Ann (2)", 3: "#2", 4: "4"}
    assert notes == ("player 2: the name 'Ann' is shown as 'Ann (2)'", "player 3: the name '2' is shown as '#2'")


def _reads_as_number(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
