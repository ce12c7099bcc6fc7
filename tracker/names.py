"""One rule for the names of players, wherever they come from: a line that a table can hold and give back.

A name is one printable line, is not a formula to a spreadsheet, is not a number that could be another player's, and
belongs to one player. ``clear_names`` makes names so and is the identity on names that are so already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

LONGEST = 64
"""Letters of a name; more do not fit over a player."""
_JOINERS = "\u200c\u200d"
"""Invisible, yet part of names and emoji: Persian and Indic letters, families."""
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"(^|;)[\s'\"{_SIGNS}]*[{_SIGNS}]\s*")
"""What makes a cell run in a spreadsheet: its first letter, in countries with semicolons between cells as well."""


def clear_names(names: Mapping[int, str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """``names`` by track number as they are shown, and a note for each that had to be changed or left out.

    Whether a name is kept depends on the names alone, so what is written with them is read back with them.
    """
    shown: dict[int, str] = {}
    notes: list[str] = []
    taken: set[str] = set()
    for track_id, given in sorted(names.items()):
        name = _unique(_clear(given, track_id), track_id, taken)
        taken.add(name)
        if name != same(given):
            notes.append(_note(track_id, given, name))
        if name:
            shown[track_id] = name
    return shown, tuple(notes)


def same(name: str) -> str:
    """``name`` as it looks: without spaces around it, in the one form of its letters."""
    return unicodedata.normalize("NFC", name.strip())


def _clear(name: str, track_id: int) -> str:
    letters = "".join(c if c.isprintable() or c in _JOINERS else " " for c in same(name))
    line = _FORMULA.sub(r"\1", " ".join(letters.split())).strip()
    line = line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
    return f"#{line}" if _is_number(line) and line != str(track_id) else line


def _is_number(text: str) -> bool:
    """Whether ``text`` reads as a whole number, in any script."""
    try:
        int(text)
    except ValueError:
        return False
    return True


def _unique(name: str, track_id: int, taken: set[str]) -> str:
    unique, mark = name, f" ({track_id})"
    while name and unique in taken:
        unique = name[: LONGEST - len(mark)] + mark
        mark += "'"
    return unique


def _note(track_id: int, given: str, name: str) -> str:
    quoted = ascii(given) if not given.isprintable() else repr(given)
    quoted = quoted if len(quoted) <= LONGEST else quoted[:LONGEST] + "..."
    return f"player {track_id}: the name {quoted} is {f'shown as {name!r}' if name else 'left out'}"
