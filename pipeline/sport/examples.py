"""Examples of sports, as rows that a network made of their pictures: all in one file, and those that were added."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.disk.files import read_bytes, write_atomically
from ground.errors import InputError
from pipeline.sport.added import example_ids, example_path, remove_elsewhere
from pipeline.sport.embeddings import Row
from pipeline.sport.features import Floats, coarse, features
from pipeline.sport.head import Head, Ints, landmarks_of
from pipeline.sport.table import Sport

_VERSION = 2
_WITHOUT_HEADS = 1
"""A version whose examples still hold, and whose heads are fitted anew."""
_MOST_UNPACKED = 1 << 30
"""Bytes of a file of sports, unpacked."""
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

    def lessons(self) -> tuple[tuple[Floats, Ints], ...]:
        """What each head learns from, features and targets: which sport; and sport (0) or not (1), where it can."""
        known, others = self.of_sports(), self.without()
        seen = features(known.rows, self.embedding)
        if not len(others):
            return ((seen, known.targets),)
        at_all = np.repeat([0, 1], [len(seen), len(others)]).astype(np.int64)
        return (seen, known.targets), (coarse(np.concatenate([seen, features(others, self.embedding)])), at_all)

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


def save_examples(path: Path, examples: Examples, heads: Sequence[Head] = ()) -> None:
    """Write them, whole or not at all. heads: fitted to them, as fitting takes a while.

    Raises InputError where it cannot be written.
    """
    facts = {
        "version": _VERSION,
        "embedding": examples.embedding,
        "digest": examples.digest,
        "sports": [[s.id, s.name, list(s.tags)] for s in examples.sports],
        "targets": examples.targets.tolist(),
        "names": examples.names,
        "heads": [[head.temperature, head.slope, head.usual] for head in heads],
    }
    arrays: dict[str, npt.NDArray[np.floating]] = {_ROWS_FILE: examples.rows.astype(np.float16)}
    for i, head in enumerate(heads):
        arrays[f"head{i}.npy"] = head.weights.astype(np.float32)
    with write_atomically(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
        # Of a fixed time, so that the same examples are the same bytes.
        file.writestr(zipfile.ZipInfo(_FACTS_FILE), json.dumps(facts))
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            file.writestr(zipfile.ZipInfo(name), content.getvalue(), zipfile.ZIP_DEFLATED)


def load_examples(path: Path) -> tuple[Examples, tuple[Head, ...]]:
    """What ``save_examples`` wrote. Raises InputError for what is no such file."""
    content = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return _read(path, file)
    except (zipfile.BadZipFile, LookupError, ValueError, TypeError, EOFError, OverflowError, OSError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
        raise InputError(f"{path}: is no file of sports; courtscribe train sport writes one") from error
    except (NotImplementedError, RuntimeError, MemoryError, zlib.error) as error:
        raise InputError(f"{path}: is damaged; train anew") from error


def _read(path: Path, file: zipfile.ZipFile) -> tuple[Examples, tuple[Head, ...]]:
    if sum(entry.file_size for entry in file.infolist()) > _MOST_UNPACKED:
        raise InputError(f"{path}: is larger than any file of sports")
    facts = json.loads(file.read(_FACTS_FILE))
    if facts["version"] not in (_VERSION, _WITHOUT_HEADS):
        raise InputError(f"{path}: is of another version of courtscribe; train anew")
    sports = tuple(Sport(str(a), str(b), tuple(map(str, tags))) for a, b, tags in facts["sports"])
    targets = np.array(facts["targets"], np.int64).reshape(-1)
    rows = _array(file, _ROWS_FILE).astype(np.float16)
    names = tuple(map(str, facts["names"]))
    examples = Examples(str(facts["embedding"]), str(facts["digest"]), sports, rows, targets, names)
    return examples, _heads(file, examples, facts["heads"]) if facts["version"] == _VERSION else ()


def _heads(file: zipfile.ZipFile, examples: Examples, of_each: Sequence[Sequence[float]]) -> tuple[Head, ...]:
    if not of_each:
        return ()
    lessons = zip(examples.lessons(), of_each, strict=True)
    return tuple(_head(_array(file, f"head{i}.npy"), lesson, numbers) for i, (lesson, numbers) in enumerate(lessons))


def _head(weights: npt.NDArray[np.floating], lesson: tuple[Floats, Ints], numbers: Sequence[float]) -> Head:
    seen, targets = lesson
    landmarks, weights = seen[landmarks_of(targets)], weights.astype(np.float64)
    temperature, slope, usual = map(float, numbers)
    if weights.ndim != 2 or len(weights) != len(landmarks) or weights.shape[1] < 2 or not np.isfinite(weights).all():
        raise ValueError("a head of other examples")
    if not (temperature > 0 and np.isfinite([temperature, slope, usual]).all()):
        raise ValueError("a head of odd numbers")
    return Head(landmarks, weights, temperature, slope, usual)


def _array(file: zipfile.ZipFile, name: str) -> npt.NDArray[np.floating]:
    return np.load(io.BytesIO(file.read(name)), allow_pickle=False)


def add_example(folder: Path, sport: Sport, row: Row, digest: str, example_id: str) -> bool:
    """Keep a row in ``folder``, whole or not at all -> whether it was not there yet.

    example_id: of its picture (``pixels_id``), which is an example once, and of one sport: the one it was added to
    last. Raises InputError where it cannot be written.
    """
    is_new = example_id not in example_ids(folder, sport.id)
    with write_atomically(example_path(folder, sport.id, example_id, digest)) as part, part.open("wb") as file:
        np.save(file, row.astype(np.float16))
    remove_elsewhere(folder, sport.id, example_id)
    return is_new


def added_examples(folder: Path, sport: Sport, digest: str) -> list[tuple[Sport, str, Row]]:
    """What was added of a sport: the sport, the example's id, its row.

    Damaged files, and those that another network made, are left out.
    """
    found: list[tuple[Sport, str, Row]] = []
    for example_id in example_ids(folder, sport.id):
        try:
            row = np.load(example_path(folder, sport.id, example_id, digest), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            continue
        if row.ndim == 1 and np.isfinite(row).all():
            found.append((sport, example_id, row.astype(np.float32)))
    return found
