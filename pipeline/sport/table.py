"""The table of sports: an id for each, its name, and what else it is called; a CSV that users extend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ground.disk.tables import read_rows
from ground.errors import InputError

SHIPPED_TABLE = Path(__file__).with_name("sports.csv")
UNKNOWN_ID, UNKNOWN = "0", "Unknown"
"""Stands for what is none of the sports."""
_COLUMNS = ("id", "name", "tags")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LONGEST_NAME = 80
_FIRST_OWN = 1000
"""Ids of sports that no table has, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Sport:
    """A sport."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    """What else it is called."""


def table_in(folder: Path) -> Path | None:
    """A user's own table in ``folder``; None where there is none."""
    own = folder / SHIPPED_TABLE.name
    return own if own.is_file() else None


def read_table(own: Path | None = None) -> dict[str, Sport]:
    """Sports by id: those of a user's ``own`` table, then those shipped whose id and name it leaves free.

    Raises InputError where an id or a name is missing, odd or there twice.
    """
    mine = {} if own is None else _read(own)
    names = {plain(sport.name) for sport in mine.values()}
    shipped = (sport for sport in _read(SHIPPED_TABLE).values() if plain(sport.name) not in names)
    return mine | {sport.id: sport for sport in shipped if sport.id not in mine}


def _read(path: Path) -> dict[str, Sport]:
    sports: dict[str, Sport] = {}
    taken: dict[str, str] = {}
    for line, row in read_rows(path, _COLUMNS):
        tags = tuple(tag.strip() for tag in row["tags"].split(";") if tag.strip())
        sport = Sport(row["id"], row["name"], tags)
        _check(f"{path}, line {line}", sport, sports, taken)
        sports[sport.id] = sport
    if not sports:
        raise InputError(f"{path}: holds no sport; a line is id,name,tags")
    return sports


def _check(where: str, sport: Sport, known: Mapping[str, Sport], taken: dict[str, str]) -> None:
    if not _ID.fullmatch(sport.id) or sport.id == UNKNOWN_ID:
        raise InputError(f"{where}: an id is 1 to 40 letters and digits, and not {UNKNOWN_ID}, which is for unknown")
    if not 0 < len(sport.name) <= _LONGEST_NAME or not sport.name.isprintable():
        raise InputError(f"{where}: a name is 1 to {_LONGEST_NAME} printable letters")
    if sport.id in known:
        raise InputError(f"{where}: id {sport.id} is that of {known[sport.id].name} already")
    for word in {plain(sport.name), *map(plain, sport.tags)}:
        if taken.setdefault(word, sport.name) != sport.name:
            raise InputError(f"{where}: {word!r} is what {taken[word]} is called already")


def plain(name: str) -> str:
    """A name as it is compared: ``Field_Hockey`` and ``field hockey`` are one."""
    return " ".join(re.split(r"[\s_-]+", name.strip().casefold()))


def find_sport(name: str, table: Mapping[str, Sport]) -> Sport | None:
    """The sport of this id, name or tag; None where there is none."""
    if name in table:
        return table[name]
    wanted = plain(name)
    by_name = (sport for sport in table.values() if plain(sport.name) == wanted)
    by_tag = (sport for sport in table.values() if wanted in map(plain, sport.tags))
    return next(by_name, None) or next(by_tag, None)


def name_sports(names: Iterable[str], table: Mapping[str, Sport]) -> dict[str, Sport]:
    """The sport of each name, such as a folder's; those that the table lacks get ids from 1000 on.

    Raises InputError where two names are one sport.
    """
    found: dict[str, Sport] = {}
    free = (str(i) for i in range(_FIRST_OWN, _FIRST_OWN << 10) if str(i) not in table)
    for name in sorted(names):
        sport = find_sport(name, table) or Sport(next(free), " ".join(re.split(r"[\s_]+", name.strip())).title())
        twin = next((other for other, theirs in found.items() if theirs.id == sport.id), None)
        if twin is not None:
            raise InputError(f"{twin} and {name} are both {sport.name}; put their pictures into one folder")
        found[name] = sport
    return found
