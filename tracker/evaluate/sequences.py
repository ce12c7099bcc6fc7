"""Where truth and tracks of several sequences lie: the usual folders of MOTChallenge, and folders of analyses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ground.disk.files import is_visible
from ground.errors import InputError
from tracker.files.formats import split_choice

_TRUTH = ("gt/gt.txt", "gt.txt", "*/gt/gt.txt", "*/gt.txt", "gt/*/gt/gt.txt", "*/*/gt/gt.txt", "*.txt")
_TRACKS = ("tracks.txt", "*/tracks.txt", "data/*.txt", "*/data/*.txt", "*.txt")
"""Where files lie in a folder; the first that is there counts. Without a star the folder is one sequence's."""
_DETECTORS = re.compile(r"-(DPM|FRCNN|SDP)$")
"""What MOT17 calls a sequence by, besides: one film has three folders, by whose detections were given with it."""
_OF_ONE = ("gt.txt", "tracks.txt")


class SequenceFiles(NamedTuple):
    """One sequence and its two files."""

    name: str
    truth: Path
    tracks: Path


def pair_sequences(truth: Path, tracks: Path) -> list[SequenceFiles]:
    """The sequences of two places, by name; two places of one sequence each belong together whatever their names.

    truth: a file, a sequence's folder (``gt/gt.txt`` or ``gt.txt``), or a folder with ``SEQ/gt/gt.txt``,
    ``SEQ/gt.txt`` or ``SEQ.txt``. tracks: a file, an analysis, or a folder with ``SEQ/tracks.txt`` (an analysis'
    folder is ``SEQ.courtscribe``), ``data/SEQ.txt`` or ``SEQ.txt``. Hidden files, and summaries that other programs
    leave there, are passed over.
    Raises InputError where a place holds none, or where a sequence is on one side only.
    """
    true_files, is_one = _find(truth, _TRUTH, "gt/gt.txt, SEQ/gt/gt.txt, SEQ/gt.txt or SEQ.txt")
    track_files, is_other = _find(tracks, _TRACKS, "tracks.txt, SEQ/tracks.txt, data/SEQ.txt or SEQ.txt")
    if is_one and is_other:
        ((name, file),), (other,) = true_files.items(), track_files.values()
        return [SequenceFiles(name, file, other)]
    true_files, track_files = _without_notes(true_files, track_files), _without_notes(track_files, true_files)
    true_files, track_files = _by_film(true_files, track_files)
    _check_names(true_files, track_files, tracks)
    _check_names(track_files, true_files, truth)
    return [SequenceFiles(name, file, track_files[name]) for name, file in sorted(true_files.items())]


def _find(place: Path, patterns: Sequence[str], expected: str) -> tuple[dict[str, Path], bool]:
    """Files by sequence, and whether ``place`` is that of a single one."""
    if split_choice(place)[0].is_file():
        return {place.stem: place}, True
    if not place.is_dir():
        raise InputError(f"{place}: no such file or folder")
    for pattern in patterns:
        found = (file for file in sorted(place.glob(pattern)) if file.is_file())
        if files := [file for file in found if all(map(is_visible, file.relative_to(place).parts))]:
            return _by_name(files, place), "*" not in pattern
    if any(place.glob("*/gt/gt.txt")) or any(place.glob("gt/gt.txt")):
        raise InputError(f"{place}: holds ground truth, where tracks are expected ({expected})")
    raise InputError(f"{place}: holds no {expected}")


def _by_name(files: Sequence[Path], place: Path) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for file in files:
        other = named.setdefault(_name(file, place), file)
        if other is not file:
            raise InputError(
                f"{place}: {other} and {file} are both {_name(file, place)}; give the folder of one tracker"
            )
    return named


def _without_notes(files: Mapping[str, Path], others: Mapping[str, Path]) -> dict[str, Path]:
    """``files`` without what other programs leave beside them, such as summaries without rows."""
    return {name: file for name, file in files.items() if name in others or file.name in _OF_ONE or _has_rows(file)}


def _has_rows(file: Path) -> bool:
    """Whether a file begins like one of boxes, or is empty."""
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        head = text.read(200).lstrip()
    return not head or head[0] in "0123456789-<{" or head.lower().startswith(("frame", "sep="))


def _by_film(truth: dict[str, Path], tracks: dict[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Truth and tracks where one side calls MOT17's sequences without the detector, or has fewer of the detectors."""
    there = {_film(name) for name in set(truth) & set(tracks)}
    tracks = {_full(name, truth): file for name, file in tracks.items()}
    wanted = {name: file for name, file in truth.items() if name in tracks or not _DETECTORS.search(name)}
    for name, file in truth.items():
        if name not in wanted and _film(name) not in there | {_film(other) for other in wanted if other in tracks}:
            wanted[name] = file
    return wanted, tracks


def _full(name: str, truth: Mapping[str, Path]) -> str:
    """What the truth calls the sequence of some tracks."""
    if name in truth or _DETECTORS.search(name):
        return name if name in truth or _film(name) not in truth else _film(name)
    return next((other for other in sorted(truth) if _DETECTORS.search(other) and _film(other) == name), name)


def _film(name: str) -> str:
    return _DETECTORS.sub("", name)


def _name(file: Path, place: Path) -> str:
    """The sequence that a file is about: its own name, or that of the folder around ``gt/gt.txt`` and the like."""
    if file.name not in _OF_ONE:
        return file.stem
    folder = file.parent.parent if file.parent.name == "gt" and file.name == "gt.txt" else file.parent
    return (folder if folder != place else folder.absolute()).name.removesuffix(".courtscribe")


def _check_names(wanted: Mapping[str, Path], there: Mapping[str, Path], place: Path) -> None:
    if missing := sorted(set(wanted) - set(there)):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{place}: holds nothing for {wanted[missing[0]]}{more}; it has {_few(sorted(there))}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
