"""Files of annotations by format, told by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ground.disk.tables import header
from ground.disk.xml import first_tag
from ground.errors import InputError
from pipeline.annotations import boris, boris_table, elan, sportscode, srt, table
from pipeline.annotations.annotation_file import AnnotationFile
from tracker.files.formats import split_choice

READERS: Mapping[str, Callable[[Path, Collection[str]], AnnotationFile]] = {
    "sportscode": sportscode.read_sportscode,
    "elan": elan.read_elan,
    "boris": boris.read_boris,
    "boris table": boris_table.read_boris_table,
    "srt": srt.read_srt,
    "csv": table.read_table,
}
"""How each format is read: file, and what may be called an action."""
WRITERS: Mapping[str, Callable[[Path, AnnotationFile], tuple[str, ...]]] = {
    "sportscode": sportscode.write_sportscode,
    "elan": elan.write_elan,
    "boris": boris.write_boris,
    "boris table": boris_table.write_boris_table,
    "srt": srt.write_srt,
    "csv": table.write_table,
}
"""How each is written, whole or not at all; what could not be kept is told."""
_ROOTS = {sportscode.ROOT: "sportscode", elan.ROOT: "elan"}
_PROJECT = re.compile(rb'"(project_format_version|behaviors_conf|subjects_conf)"')
_TABLES = {frozenset(table.NEEDED): "csv", frozenset(boris_table.NEEDED): "boris table"}
_HEAD = 1 << 16
"""Bytes that tell a format."""


def annotation_format(path: Path) -> str:
    """Which of ``READERS`` reads a file, by what is in it; empty: none of them. Raises InputError as reading does."""
    path, _ = split_choice(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from error
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if plain.startswith(b"<"):
        return _ROOTS.get(first_tag(head), "")
    if plain.startswith(b"{"):
        return "boris" if _PROJECT.search(plain) else ""
    if plain.startswith(b"\x1f\x8b"):
        raise InputError(f"{path}: is compressed; unpack it first")
    if any(srt.ARROW.fullmatch(line) for line in plain[:1000].decode("utf-8", "replace").splitlines()[:3]):
        return "srt"
    names = header(head)
    return next((kind for needed, kind in _TABLES.items() if needed <= names), "")


def read_annotations(path: Path, actions: Collection[str] = ()) -> AnnotationFile:
    """The annotations in a file of any of ``READERS``; actions: what may be called an action.

    Raises InputError, with the place, for what cannot be read, and for files of no such format.
    """
    kind = annotation_format(path)
    if not kind:
        raise InputError(
            f"{path}: is none of {', '.join(sorted(READERS))}; a table has the columns {','.join(table.NEEDED)}"
        )
    return READERS[kind](path, actions)
