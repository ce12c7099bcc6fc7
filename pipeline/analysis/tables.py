"""One table on disk: columns in an ``.npz`` named by its content, checked in full before anything of it is used."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.disk.files import sha256_of, write_atomically
from ground.errors import InputError

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of one length, by name."""

DAMAGE = (
    *(OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, EOFError, RecursionError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, MemoryError, RuntimeError),
    *(SyntaxError, tokenize.TokenError),  # NumPy reads headers as Python
)
"""What reading a damaged file can raise."""
TABLE_PATTERN = re.compile(r"[a-z]+-[0-9a-f]{16}\.npz")
"""Names of tables; no other file is ever removed with them."""
_MOST_BYTES = 1 << 33
"""Of one table when it is read: more than any game has (ten hours of twenty boxes a frame are under 1 GB)."""
_FIRST_FORMAT = re.compile(r"[a-z]+\.npz")


@dataclass(frozen=True, slots=True)
class Table:
    """What ``analysis.json`` says of a table."""

    file: str
    """Its name in the folder."""
    sha256: str
    """Of the file, hex; empty in format 1, which did not say."""
    rows: int
    """-1 in format 1."""

    def __post_init__(self) -> None:
        named = TABLE_PATTERN if self.sha256 else _FIRST_FORMAT
        if not named.fullmatch(self.file):
            raise ValueError(f"{self.file!r:.60} is no name of a table")


def write_table(folder: Path, name: str, columns: Columns) -> Table:
    """Write ``columns`` to ``folder`` unless the same table is there. Raises InputError as ``write_atomically``."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **dict[str, Any](columns))
    content = packed.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    target = folder / f"{name}-{sha256[:16]}.npz"
    if not (target.is_file() and sha256_of(target) == sha256):
        with write_atomically(target) as part:
            part.write_bytes(content)
    return Table(target.name, sha256, len(next(iter(columns.values()))))


def read_table(folder: Path, table: Table, wanted: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, Any]:
    """The columns of ``table``, as many as it has of those ``wanted``.

    wanted: type (as NumPy writes it) and shape of an entry, by column; -1 in a shape: as many as there are.
    Raises InputError for another file than the one that was written, and what ``DAMAGE`` names for a damaged one.
    """
    path = folder / table.file
    if table.sha256 and sha256_of(path) != table.sha256:
        raise InputError(f"{path}: is damaged, or another file than the one that was written")
    with zipfile.ZipFile(path) as archive:
        names = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if not set(names) <= set(wanted) or not names:
            raise ValueError(f"{path.name} holds other columns than {', '.join(wanted)}")
        rows = {_check_header(archive, info, *wanted[name]) for name, info in names.items()}
        if len(rows) != 1 or table.rows not in (-1, *rows):
            raise ValueError(f"{path.name} holds columns of other lengths than were written")
        if sum(info.file_size for info in names.values()) > _MOST_BYTES:
            raise ValueError(f"{path.name} claims more than {_MOST_BYTES >> 30} GB")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _check_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, dtype: str, entry: tuple[int, ...]) -> int:
    """The rows of a column, whose type, shape and size must be as they should before it is unpacked."""
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{info.filename} is of another version")
        shape, fortran, found = np.lib.format.read_array_header_1_0(file)
        header = file.tell()
    if fortran or found != np.dtype(dtype) or len(shape) != 1 + len(entry):
        raise ValueError(f"{info.filename} is {found} {shape}, not {dtype} (N, {entry})")
    if any(want not in (-1, have) for have, want in zip(shape[1:], entry, strict=True)):
        raise ValueError(f"{info.filename} has entries of {shape[1:]}, not {entry}")
    if info.file_size != header + prod(shape) * found.itemsize:
        raise ValueError(f"{info.filename} is shorter or longer than it claims")
    return int(shape[0])
