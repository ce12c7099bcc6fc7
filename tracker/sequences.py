"""Where truth and tracks of several sequences lie: the usual folders of MOTChallenge, and folders of analyses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ground.errors import InputError

_TRUTH = ("gt/gt.txt", "gt.txt", "*/gt/gt.txt", "*/gt.txt", "gt/*/gt/gt.txt", "*.txt")
_TRACKS = ("tracks.txt", "*/tracks.txt", "*.txt", "data/*.txt")
"""Where files lie in a folder; the first that is there counts. Without a star the folder is one sequence's."""


class SequenceFiles(NamedTuple):
    """One sequence and its two files."""

    name: str
    truth: Path
    tracks: Path


def pair_sequences(truth: Path, tracks: Path) -> list[SequenceFiles]:
    """The sequences of two places, by name; two places of one sequence each belong together whatever their names.

    truth: a file, a sequence's folder (``gt/gt.txt`` or ``gt.txt``), or a folder with ``SEQ/gt/gt.txt``,
    ``SEQ/gt.txt`` or ``SEQ.txt``. tracks: a file, an analysis, or a folder with ``SEQ/tracks.txt`` (an analysis'
    folder is ``SEQ.courtscribe``) or ``SEQ.txt``.
    Raises InputError where a place holds none, or where a sequence is on one side only.
    """
    true_files, is_one = _find(truth, _TRUTH, "gt/gt.txt, SEQ/gt/gt.txt, SEQ/gt.txt or SEQ.txt")
    track_files, is_other = _find(tracks, _TRACKS, "tracks.txt, SEQ/tracks.txt or SEQ.txt")
    if is_one and is_other:
        ((name, file),), (other,) = true_files.items(), track_files.values()
        return [SequenceFiles(name, file, other)]
    _check_names(true_files, track_files, tracks)
    _check_names(track_files, true_files, truth)
    return [SequenceFiles(name, file, track_files[name]) for name, file in sorted(true_files.items())]


def _find(place: Path, patterns: Sequence[str], expected: str) -> tuple[dict[str, Path], bool]:
    """Files by sequence, and whether ``place`` is that of a single one."""
    if place.is_file():
        return {place.stem: place}, True
    if not place.is_dir():
        raise InputError(f"{place}: no such file or folder")
    for pattern in patterns:
        if files := [file for file in place.glob(pattern) if file.is_file()]:
            return {_name(file, place): file for file in files}, "*" not in pattern
    if any(place.glob("*/gt/gt.txt")) or any(place.glob("gt/gt.txt")):
        raise InputError(f"{place}: holds ground truth, where tracks are expected ({expected})")
    raise InputError(f"{place}: holds no {expected}")


def _name(file: Path, place: Path) -> str:
    """The sequence that a file is about: its own name, or that of the folder around ``gt/gt.txt`` and the like."""
    if file.name not in ("gt.txt", "tracks.txt"):
        return file.stem
    folder = file.parent.parent if file.parent.name == "gt" and file.name == "gt.txt" else file.parent
    return (folder if folder != place else folder.absolute()).name.removesuffix(".courtscribe")


def _check_names(wanted: Mapping[str, Path], there: Mapping[str, Path], place: Path) -> None:
    if missing := sorted(set(wanted) - set(there)):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{place}: holds nothing for {wanted[missing[0]]}{more}; it has {_few(sorted(there))}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
