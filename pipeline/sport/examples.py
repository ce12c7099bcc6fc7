"""Examples of sports, as rows that a network made of their pictures: one file, or a folder that they are added to."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.disk.files import read_bytes, visible, write_atomically
from ground.errors import InputError
from pipeline.sport.embeddings import Row
from pipeline.sport.table import Sport

_VERSION = 1
_EXAMPLE_ID = re.compile(r"[0-9a-f]{16}")
_MOST_ROWS = 1 << 17
_ROWS_FILE, _FACTS_FILE = "rows.npy", "facts.json"


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Rows of one embedding, each of a sport."""

    embedding: str
    """Name of the network."""
    digest: str
    """Of the network: rows of others cannot be compared with these."""
    sports: tuple[Sport, ...]
    """In the order of ``targets``."""
    rows: npt.NDArray[np.float16]
    """(N, C), of length 1."""
    targets: npt.NDArray[np.int64]
    """(N,), position in ``sports``; -1: a picture of no sport."""
    names: tuple[str, ...]
    """(N,), what each example is called: its file, or its id."""

    def __post_init__(self) -> None:
        fits = self.rows.ndim == 2 and len(self.rows) == len(self.targets) == len(self.names)
        if not fits or not np.isfinite(self.rows).all():
            raise InputError("examples are rows of numbers, each with a sport and a name")
        if len(self.targets) and not -1 <= self.targets.min() <= self.targets.max() < len(self.sports):
            raise InputError("examples are of sports that are not named")

    def of_sports(self) -> Examples:
        """Without pictures of no sport, and without sports that have no example."""
        there = sorted(set(self.targets[self.targets >= 0].tolist()))
        kept = self.targets >= 0
        places = {old: new for new, old in enumerate(there)}
        targets = np.array([places[t] for t in self.targets[kept].tolist()], np.int64)
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        sports = tuple(self.sports[i] for i in there)
        return Examples(self.embedding, self.digest, sports, self.rows[kept], targets, names)

    def without(self) -> npt.NDArray[np.float16]:
        """(M, C): the pictures of no sport."""
        return self.rows[self.targets < 0]

    def plus(self, added: Sequence[tuple[Sport, str, Row]]) -> Examples:
        """With more: sport, name, row. Raises InputError for rows of another network."""
        if any(row.shape != self.rows.shape[1:] for _, _, row in added):
            raise InputError("an example was added by another network; add it anew")
        sports = list(self.sports)
        places = {sport.id: i for i, sport in enumerate(sports)}
        for sport, _, _ in added:
            if sport.id not in places:
                places[sport.id] = len(sports)
                sports.append(sport)
        rows = np.concatenate([self.rows, *(row[None].astype(np.float16) for _, _, row in added)])
        targets = np.concatenate([self.targets, np.array([places[s.id] for s, _, _ in added], np.int64)])
        names = (*self.names, *(name for _, name, _ in added))
        return Examples(self.embedding, self.digest, tuple(sports), rows, targets, names)


def save_examples(path: Path, examples: Examples) -> None:
    """Write them, whole or not at all. Raises InputError where it cannot be written."""
    facts = {
        "version": _VERSION,
        "embedding": examples.embedding,
        "digest": examples.digest,
        "sports": [[s.id, s.name, list(s.tags)] for s in examples.sports],
        "targets": examples.targets.tolist(),
        "names": examples.names,
    }
    rows = io.BytesIO()
    np.save(rows, examples.rows.astype(np.float16))
    with write_atomically(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
        # Of a fixed time, so that the same examples are the same bytes.
        file.writestr(zipfile.ZipInfo(_FACTS_FILE), json.dumps(facts))
        file.writestr(zipfile.ZipInfo(_ROWS_FILE), rows.getvalue())


def load_examples(path: Path) -> Examples:
    """What ``save_examples`` wrote. Raises InputError for what is no such file."""
    content = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            if any(entry.file_size > _MOST_ROWS * 2048 for entry in file.infolist()):
                raise ValueError("too large")
            facts = json.loads(file.read(_FACTS_FILE))
            rows = np.load(io.BytesIO(file.read(_ROWS_FILE)), allow_pickle=False)
        if facts["version"] != _VERSION:
            raise InputError(f"{path}: is of another version of courtscribe; train anew")
        sports = tuple(Sport(str(a), str(b), tuple(map(str, tags))) for a, b, tags in facts["sports"])
        names = tuple(map(str, facts["names"]))
        targets = np.array(facts["targets"], np.int64).reshape(-1)
        return Examples(str(facts["embedding"]), str(facts["digest"]), sports, rows.astype(np.float16), targets, names)
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, OverflowError, OSError) as error:
        raise InputError(f"{path}: is no file of sports; courtscribe train sport writes one") from error
    except (NotImplementedError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path}: is damaged; train anew") from error


class AddedExamples:
    """Examples that were added one by one, in a folder: a file each, under its sport's id. The picture is not kept."""

    def __init__(self, folder: Path, digest: str) -> None:
        """digest: of the network; examples that another one made are left where they are, and not given."""
        self._folder, self._digest = folder, digest[:16]

    def add(self, sport: Sport, row: Row) -> str:
        """Keep a row, whole or not at all; its id. Raises InputError where it cannot be written."""
        example_id = secrets.token_hex(8)
        with write_atomically(self._path(sport.id, example_id)) as part, part.open("wb") as file:
            np.save(file, row.astype(np.float16))
        return example_id

    def remove(self, sport_id: str, example_id: str) -> bool:
        """Whether there was one."""
        if not _EXAMPLE_ID.fullmatch(example_id):
            return False
        try:
            self._path(sport_id, example_id).unlink()
        except FileNotFoundError:
            return False
        return True

    def ids(self, sport_id: str) -> list[str]:
        """Of a sport's examples, in the order of their ids."""
        folder = self._folder / sport_id
        files = visible(folder) if folder.is_dir() else []
        return [p.name.partition(".")[0] for p in files if p.name.endswith(f".{self._digest}.npy")]

    def read(self, sport: Sport) -> list[tuple[Sport, str, Row]]:
        """Examples of a sport: the sport, the example's id, its row. Damaged files are left out."""
        found: list[tuple[Sport, str, Row]] = []
        for example_id in self.ids(sport.id):
            try:
                row = np.load(self._path(sport.id, example_id), allow_pickle=False)
            except (OSError, ValueError, EOFError):
                continue
            if row.ndim == 1 and np.isfinite(row).all():
                found.append((sport, example_id, row.astype(np.float32)))
        return found

    def _path(self, sport_id: str, example_id: str) -> Path:
        return self._folder / sport_id / f"{example_id}.{self._digest}.npy"
