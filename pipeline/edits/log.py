"""``edits.jsonl``: entries appended one by one, each on disk before it counts."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from ground.disk.files import read_text, write_text
from ground.disk.lock import claim
from ground.errors import InputError, unwritable
from pipeline.edits.entries import Edit, from_line, to_line

NAME = "edits.jsonl"


def read_edits(folder: Path) -> list[Edit]:
    """All entries of the analysis in ``folder``, undone ones and undos included; none where there is no such file.

    A last line that was cut off by a power cut was never said to be saved and is left out. Raises InputError, with the
    line, for what is no entry.
    """
    path = folder / NAME
    if not path.exists():
        return []
    lines = read_text(path).split("\n")
    if not _is_whole(lines[-1]):
        lines.pop()
    edits: list[Edit] = []
    for number, line in enumerate(lines, 1):
        try:
            edits.append(from_line(line))
        except InputError as error:
            raise InputError(f"{path}: line {number}: {error}") from error
    return edits


def append_edits(folder: Path, edits: Sequence[Edit]) -> None:
    """Append ``edits``, all or none of which counts after a kill only if they are one; on disk when this returns.

    Raises InputError where the file cannot be written, and where another run holds the folder.
    """
    path = folder / NAME
    try:
        with claim(folder):
            _mend(path)
            entries = "".join(map(to_line, edits)).encode()
            with path.open("ab", buffering=0) as file:
                before = file.tell()
                written = file.write(entries)
                if written != len(entries):  # a full disk takes some of them
                    os.truncate(path, before)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def copy_edits(source: Path, target: Path) -> None:
    """Take the edits of one folder over to another that has none. Raises InputError as reading and appending do."""
    if source.absolute() != target.absolute() and not (target / NAME).exists() and (edits := read_edits(source)):
        append_edits(target, edits)


def effective(edits: Sequence[Edit]) -> list[Edit]:
    """The edits that count: what was undone, and not done again, is left out."""
    return done_and_undone(edits)[0]


def done_and_undone(edits: Sequence[Edit]) -> tuple[list[Edit], list[Edit]]:
    """The edits that count, and those that can be done again, the next one last."""
    done: list[Edit] = []
    undone: list[Edit] = []
    for edit in edits:
        if edit.kind == "undo":
            if done:
                undone.append(done.pop())
        elif edit.kind == "redo":
            if undone:
                done.append(undone.pop())
        else:
            done.append(edit)
            undone.clear()
    return done, undone


def _mend(path: Path) -> None:
    """Let the file end with a whole line in UTF-8, also where an editor has saved it or the power has failed."""
    if not path.exists():
        return
    lines = read_text(path).split("\n")
    if not _is_whole(lines[-1]):
        lines.pop()
    text = "".join(f"{line}\n" for line in lines)
    if path.read_bytes() != text.encode():
        write_text(path, text)


def _is_whole(line: str) -> bool:
    try:
        from_line(line)
    except InputError:
        return False
    return True
