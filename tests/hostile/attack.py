"""How a reader is attacked: with its file spoiled in every way, which it reads or refuses in one line."""

from __future__ import annotations

import ctypes
import gc
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ground.errors import InputError

Damage = Callable[[bytes], Iterator[bytes]]
_MOST_MEMORY = 300e6
"""Bytes that a small file may take while it is read."""
_PROCESS = Path("/proc/self")
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
    with ExitStack() as files:
        memory = _Memory(files)
        for number, spoiled in enumerate(case for damage in reader.damages for case in damage(content)):
            _overwrite(path, spoiled)
            _read(reader, path, f"case {number}: {spoiled[:300]!r}", memory)
    assert sorted(tmp_path.rglob("*")) == there, "reading writes nothing"


def _overwrite(path: Path, content: bytes) -> None:
    """Without emptying the file before: ext4 then writes it to the disk at once, which takes milliseconds."""
    file = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(file, content, 0)
        os.ftruncate(file, len(content))
    finally:
        os.close(file)


def _read(reader: Reader, path: Path, case: str, memory: _Memory) -> None:
    """Read a spoiled file; anything but a value or a short line, in little memory, is a fault of the reader."""
    memory.begin()
    try:
        reader.read(path)
    except InputError as error:
        line = str(error)
        assert line.isprintable() and len(line) <= _LONGEST_LINE, f"{case}: no short line: {line!r:.600}"
    except BaseException as error:
        error.add_note(case)
        raise
    taken = memory.taken()
    assert taken < _MOST_MEMORY, f"{case}: took {taken / 1e6:.0f} MB"


def _let_go() -> None:
    """Give back what earlier tests have freed: memory that is there already would hide what a reader takes."""
    gc.collect()
    with suppress(AttributeError, OSError):  # GNU's C library has it
        ctypes.CDLL(None).malloc_trim(0)


class _Memory:
    """What Linux says of this process's memory; its files stay open, as they are asked for each of thousands of cases.

    Tracing each allocation instead takes three times the time. Nothing where the system does not say it.
    """

    def __init__(self, files: ExitStack) -> None:
        self._status = self._reset = -1
        if _PROCESS.is_dir():
            self._status = os.open(_PROCESS / "status", os.O_RDONLY)
            files.callback(os.close, self._status)
            self._reset = os.open(_PROCESS / "clear_refs", os.O_WRONLY)
            files.callback(os.close, self._reset)
        self._now, _ = self._read()

    def begin(self) -> None:
        """Count from here on; nothing has happened since it was last asked."""
        if self._reset >= 0:
            os.write(self._reset, b"5")  # forgets the most that there was

    def taken(self) -> float:
        """Bytes that there were at most since it began, beyond those that were there then."""
        before = self._now
        self._now, most = self._read()
        return most - before

    def _read(self) -> tuple[float, float]:
        """Bytes that there are, and that there were at most."""
        if self._status < 0:
            return 0.0, 0.0
        most, now = re.findall(rb"VmHWM:\s+(\d+) kB\nVmRSS:\s+(\d+) kB", os.pread(self._status, 4096, 0))[0]
        return 1024.0 * int(now), 1024.0 * int(most)
