"""Which pictures of a folder are one video, and how fast it runs."""

from __future__ import annotations

import configparser
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from glob import escape
from itertools import pairwise
from pathlib import Path

from ground.disk.files import read_text, visible
from ground.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_DEFAULT_RATE = Fraction(25)
_SEQUENCE_FILE = "seqinfo.ini"
_NUMBER_FIELD = re.compile(r"%0?\d*d")
"""The place of the number, as FFmpeg writes it: ``frame_%04d.png``."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Pictures that are shown one after another."""

    images: tuple[Path, ...]
    """In their order."""
    frame_rate: Fraction
    """Pictures per second."""
    notes: tuple[str, ...]
    """What was odd about the folder, a line each."""


def is_sequence(source: Path) -> bool:
    """Whether ``source`` is a folder, or a pattern of names in one (``folder/game_*.png``) and no file."""
    if source.exists():
        return source.is_dir()
    return (is_pattern(source.name) or bool(_NUMBER_FIELD.search(source.name))) and source.parent.is_dir()


def is_pattern(name: str) -> bool:
    """Whether a name stands for many."""
    return any(sign in name for sign in "*?[")


def find_sequence(source: Path, frame_rate: Fraction | None) -> Sequence:
    """The pictures of a folder or pattern. frame_rate: None is what MOTChallenge's ``seqinfo.ini`` says, else 25.

    A folder may be the sequence's own, with the pictures in the folder that ``seqinfo.ini`` names, or that one.
    Raises InputError where there are none, where they are more than one sequence, and for a broken ``seqinfo.ini``.
    """
    folder, stated = _apply_sequence_file(source)
    rate = frame_rate or stated.frame_rate or _DEFAULT_RATE
    if not folder.is_dir():
        pattern = _NUMBER_FIELD.sub("[0-9]*", folder.name)
        images = [path for path in _images_in(folder.parent) if fnmatchcase(path.name, pattern)]
        if not images:
            raise InputError(f"{source}: no picture has such a name ({', '.join(sorted(IMAGE_SUFFIXES))})")
        return Sequence(tuple(sorted(images, key=natural_key)), rate, ())
    images = [path for path in _images_in(folder) if not stated.suffix or path.suffix.lower() == stated.suffix]
    if not images:
        raise InputError(f"{source}: holds no images ({', '.join(sorted(IMAGE_SUFFIXES))}){_elsewhere(folder)}")
    kept, strays = _one_sequence(folder, images)
    kept.sort(key=natural_key)
    notes = _note_on_strays(strays) + _note_on_gaps(kept)
    return Sequence(tuple(kept), rate, tuple(notes))


# What a sequence says about itself


@dataclass(frozen=True, slots=True)
class _Stated:
    frame_rate: Fraction | None = None
    folder: str = ""
    suffix: str = ""


def _apply_sequence_file(source: Path) -> tuple[Path, _Stated]:
    """Where the pictures are, and what ``seqinfo.ini`` says of them, if it is there."""
    within, beside = source / _SEQUENCE_FILE, source.absolute().parent / _SEQUENCE_FILE
    if within.is_file():
        stated = _read_sequence_file(within)
        return (source / stated.folder if (source / stated.folder).is_dir() else source), stated
    if source.is_dir() and beside.is_file():
        stated = _read_sequence_file(beside)
        if stated.folder == source.absolute().name:
            return source, stated
    return source, _Stated()


def _read_sequence_file(path: Path) -> _Stated:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read_text(path))
    except configparser.Error as error:
        raise InputError(
            f"{path}: is no such file as MOTChallenge's ({type(error).__name__}); mend or move it"
        ) from error
    section = next((parser[name] for name in parser.sections() if name.lower() == "sequence"), {})
    folder, suffix = section.get("imdir", "").strip().rstrip("/\\"), section.get("imext", "").strip().lower()
    if len(Path(folder).parts) > 1 or folder == "..":
        raise InputError(f"{path}: imDir is the name of a folder beside the file, not {folder:.80}")
    rate = _read_rate(path, section.get("framerate", "").strip())
    return _Stated(rate, folder, suffix if suffix in IMAGE_SUFFIXES else "")


def _read_rate(path: Path, text: str) -> Fraction | None:
    if not text:
        return None
    try:
        return checked_rate(float(Fraction(text)) if "/" in text else float(text))
    except (ValueError, ArithmeticError) as error:
        raise InputError(f"{path}: frameRate is a number of frames per second, not {text:.40}") from error


def checked_rate(rate: float | Fraction) -> Fraction:
    """A rate of pictures per second. Raises InputError for what is none."""
    if not 1e-4 <= rate <= 1e4:
        raise InputError(f"a frame rate is 0.0001 to 10000 pictures per second, not {float(rate):g}")
    return rate if isinstance(rate, Fraction) else Fraction(rate).limit_denominator(10**6)


# Which of the pictures belong together


def _images_in(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]


def natural_key(path: Path) -> list[tuple[str, int]]:
    """frame_2 before frame_10."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", path.stem)]


def _one_sequence(folder: Path, images: list[Path]) -> tuple[list[Path], list[Path]]:
    """The pictures of the one sequence, and what lies beside it."""
    groups = _grouped(images)
    several = [group for group in groups.values() if len(group) > 1]
    if len(several) > 1:
        names = [_pattern_of(group, images) for group in several[:2]]
        raise InputError(
            f"{folder}: holds more than one sequence of pictures, such as {names[0]} and {names[1]};"
            f" choose one, as in '{folder / names[0]}' (with '*' all are read as one)"
        )
    if not several or 2 * len(several[0]) <= len(images):
        return images, []
    kept = set(several[0])
    return several[0], [image for image in images if image not in kept]


def _grouped(images: Iterable[Path]) -> dict[tuple[str, ...], list[Path]]:
    """Pictures by what their names say besides the number.

    Letters alone decide, unless the last numbers begin anew: cam1_0001 and cam2_0001 are two sequences, and so are
    0001.jpg and 0001.png, while 0001.jpg and 0002.png are one.
    """
    by_letters: defaultdict[str, list[Path]] = defaultdict(list)
    for image in images:
        by_letters[re.sub(r"[0-9]+", "0", image.stem).casefold()].append(image)
    groups: dict[tuple[str, ...], list[Path]] = {}
    for letters, group in by_letters.items():
        parts: defaultdict[tuple[str, ...], list[Path]] = defaultdict(list)
        for image in group:
            parts[letters, _split_number(image)[0], image.suffix.lower()].append(image)
        groups |= parts if _begin_anew(parts.values()) else {(letters,): group}
    return groups


def _begin_anew(parts: Iterable[list[Path]]) -> bool:
    """Whether two parts count through the same numbers, one by one (and not as the minutes of a clock do)."""
    seen: set[int] = set()
    for part in parts:
        numbers = {_split_number(image)[1] for image in part}
        if len(part) > 1 and seen & numbers:
            return True
        if len(numbers) > 1 and 2 * len(numbers) > max(numbers) - min(numbers):
            seen |= numbers
    return False


def _split_number(image: Path) -> tuple[str, int]:
    """What stands around the last number of the name, and that number; -1 where there is none."""
    found = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", image.stem, re.DOTALL)
    return (f"{found[1]}*{found[3]}".casefold(), int(found[2])) if found else (image.stem.casefold(), -1)


def _pattern_of(group: list[Path], images: list[Path]) -> str:
    """A pattern that the names of ``group`` have, and if possible no others."""
    first = group[0]
    found = re.fullmatch(r"(.*?)[0-9]+([^0-9]*)", first.stem, re.DOTALL)
    suffix = escape(first.suffix) if len({image.suffix for image in group}) == 1 else ".*"
    before, after = (escape(found[1]), escape(found[2])) if found else (escape(first.stem), "")
    patterns = [f"{before}{number}{after}{suffix}" for number in ("*", "[0-9]*")]
    return next((p for p in patterns if sum(fnmatchcase(i.name, p) for i in images) == len(group)), patterns[-1])


def _note_on_strays(strays: list[Path]) -> list[str]:
    if not strays:
        return []
    return [f"pictures that are not of the sequence and left out: {len(strays)}, such as {strays[0].name}"]


def _note_on_gaps(images: list[Path]) -> list[str]:
    numbers = [_split_number(image)[1] for image in images]
    steps = [after - before for before, after in pairwise(numbers)]
    gaps = [i for i, step in enumerate(steps) if step > 1]
    if not gaps or min(steps) < 0 or 2 * len(gaps) > len(steps):
        return []
    missing = sum(steps[i] - 1 for i in gaps)
    return [f"numbers that are missing between the pictures: {missing}, the first after {images[gaps[0]].name}"]


def _elsewhere(folder: Path) -> str:
    for inner in visible(folder):
        if inner.is_dir() and _images_in(inner):
            return f"; {inner} does"
    return ""
