"""Tables of text, as spreadsheets of all countries save them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ground.disk.files import read_text, write_atomically
from ground.errors import InputError

Row = dict[str, str]
"""By name of the column, in lower case; what is not there is "". Without the spaces around it."""
_DELIMITERS = ",;\t"
"""Where a comma is for decimals, spreadsheets write semicolons."""


def read_rows(path: Path, columns: Sequence[str] = ()) -> list[tuple[int, Row]]:
    """The rows of a CSV with a header, each with the number of its line (from 1); empty ones are left out.

    Commas, semicolons or tabs, whichever the header has most of. columns: names that the header must have, in any
    order. Raises InputError for what is no such file.
    """
    lines = read_text(path).split("\n")
    at, delimiter = _layout(lines)
    reader = csv.reader((line + "\n" for line in lines[at:]), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        rows = [(reader.line_num + at, [value.strip() for value in row]) for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + at}: cannot be read as CSV ({error})") from error
    if not set(columns) <= set(names):
        raise InputError(f"{path}: line {at + 1}: expected {','.join(columns)}")
    empty = dict.fromkeys(names, "")
    return [(line, empty | dict(zip(names, row, strict=False))) for line, row in rows if any(row)]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with a header, in UTF-8, whole or not at all. Raises InputError as ``write_atomically``."""
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def header(head: bytes) -> frozenset[str]:
    """The columns of a CSV that begins with ``head``, in lower case; some word or other where it is none."""
    text = head.decode("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")
    lines = text.replace("\r", "\n").split("\n")
    at, delimiter = _layout(lines)
    try:
        names = next(csv.reader(lines[at : at + 1], delimiter=delimiter), [])
    except csv.Error:
        names = []
    return frozenset(name.strip().lower() for name in names)


def decimal(text: str) -> float:
    """A number with a decimal point or comma. Raises ValueError for what is none."""
    return float(text.replace(",", ".") if "." not in text else text)


def _layout(lines: Sequence[str]) -> tuple[int, str]:
    """The row of the header, and the delimiter."""
    at = 1 if lines[0].lower().startswith("sep=") else 0  # Excel's way to name the delimiter
    return at, max(_DELIMITERS, key=lambda mark: lines[at].count(mark) if at < len(lines) else 0)
