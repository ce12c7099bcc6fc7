"""Tables of text, as spreadsheets of all countries save them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ground.disk.files import read_text
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
    header = 1 if lines[0].lower().startswith("sep=") else 0  # Excel's way to name the delimiter
    delimiter = max(_DELIMITERS, key=lambda mark: lines[header].count(mark) if header < len(lines) else 0)
    reader = csv.reader((line + "\n" for line in lines[header:]), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        rows = [(reader.line_num + header, [value.strip() for value in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + header}: cannot be read as CSV ({error})") from error
    if not set(columns) <= set(names):
        raise InputError(f"{path}: line {header + 1}: expected {','.join(columns)}")
    empty = dict.fromkeys(names, "")
    return [(line, empty | dict(zip(names, row, strict=False))) for line, row in rows if any(row)]


def decimal(text: str) -> float:
    """A number with a decimal point or comma. Raises ValueError for what is none."""
    return float(text.replace(",", ".") if "." not in text else text)
