"""How a reader is attacked: with its file spoiled in every way, which it reads or refuses in one line."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ground.errors import InputError

Damage = Callable[[bytes], Iterator[bytes]]
_MOST_MEMORY = 300e6
"""Bytes that a small file may take while it is read."""
_PROCESS = Path("/proc/self")
"""What Linux says of this process; it costs nothing, where tracing each allocation takes three times the time."""
_LONGEST_LINE = 500


@dataclass(frozen=True)
class Reader:
    """How one kind of file is attacked."""

    name: str
    """Of the file, in its folder."""
    content: bytes | Callable[[Path], bytes]
    """A valid file, or what makes it, given a folder with all that belongs beside it."""
    read: Callable[[Path], object]
    damages: tuple[Damage, ...]
    beside: Callable[[Path], object] = lambda _folder: None
    """Makes what has to be there, too."""
    is_whole: bool = True
    """Whether the valid file can be read: it may be the beginning of one only."""


def attack(reader: Reader, tmp_path: Path) -> None:
    """Spoil a file of ``reader`` in every way. Fails where one is neither read nor refused as it should be."""
    folder = tmp_path / "inside"
    folder.mkdir()
    reader.beside(folder)
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = reader.content if isinstance(reader.content, bytes) else reader.content(folder)
    path.write_bytes(content)
    if reader.is_whole:
        reader.read(path)
    there = sorted(tmp_path.rglob("*"))
    _let_go()
    for number, spoiled in enumerate(case for damage in reader.damages for case in damage(content)):
        _overwrite(path, spoiled)
        _read(reader, path, f"case {number}: {spoiled[:300]!r}")
    assert sorted(tmp_path.rglob("*")) == there, "reading writes nothing"


def _overwrite(path: Path, content: bytes) -> None:
    """Without emptying the file before: ext4 then writes it to the disk at once, which takes milliseconds."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def _read(reader: Reader, path: Path, case: str) -> None:
    """Read a spoiled file; anything but a value or a short line, in little memory, is a fault of the reader."""
    before = _memory_now()
    try:
        reader.read(path)
    except InputError as error:
        line = str(error)
        assert line.isprintable() and len(line) <= _LONGEST_LINE, f"{case}: no short line: {line!r:.600}"
    except BaseException as error:
        error.add_note(case)
        raise
    taken = _most_memory() - before
    assert taken < _MOST_MEMORY, f"{case}: took {taken / 1e6:.0f} MB"


def _let_go() -> None:
    """Give back what earlier tests have freed: memory that is there already would hide what a reader takes."""
    gc.collect()
    with suppress(AttributeError, OSError):  # GNU's C library has it
        ctypes.CDLL(None).malloc_trim(0)


def _memory_now() -> float:
    """Bytes that this process has; what it has had at most is counted from here on."""
    if not _PROCESS.is_dir():
        return 0.0
    (_PROCESS / "clear_refs").write_text("5")
    return _memory("VmRSS")


def _most_memory() -> float:
    """Bytes that it has had at most since; nothing where the system does not say it."""
    return _memory("VmHWM") if _PROCESS.is_dir() else 0.0


def _memory(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", (_PROCESS / "status").read_text())
    assert found is not None
    return 1024.0 * int(found[1])
