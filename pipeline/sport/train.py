"""Learning sports from a folder of pictures: what a frozen network makes of each is kept, and a head fitted over it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ground.disk.files import visible
from ground.errors import InputError
from pipeline.progress import Progress, Silent
from pipeline.sport.embeddings import Embedding, Row
from pipeline.sport.examples import Examples, load_examples
from pipeline.sport.features import features
from pipeline.sport.head import fit_and_judge
from pipeline.sport.picture import pixels_id, read_picture_file
from pipeline.sport.predict import SHIPPED_SPORTS
from pipeline.sport.table import Sport, name_sports

NO_SPORT = "no_sport"
"""Name of a folder of pictures that show no sport."""
_MOST_PER_SPORT = 500
"""More are left out, spread over the folder: the head's cost grows with the cube of all."""
_MOST_SPORTS = 100
_MOST_BAD = 0.2
"""Share of the pictures that may be unreadable."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What was learnt, and how good it is."""

    examples: Examples
    accuracy: float
    """Share of the examples that are told right by a head that did not learn from them."""
    by_sport: tuple[tuple[Sport, int, float], ...]
    """Each sport, its examples, and the share of them that are told right."""


def learn(folder: Path, embedding: Embedding, table: Mapping[str, Sport], progress: Progress | None = None) -> Learnt:
    """Learn the sports that are sub-folders of ``folder``; a folder ``no_sport`` may hold pictures of anything else.

    Without that one the shipped pictures of no sport stand in, if they are of the same network. Raises InputError
    where there are not two sports, or pictures cannot be read.
    """
    files = _pictures(folder)
    sports = name_sports((name for name in files if name != NO_SPORT), table)
    if not 2 <= len(sports) <= _MOST_SPORTS:
        count = f"{len(sports)} sport{'' if len(sports) == 1 else 's'}"
        raise InputError(f"{folder}: holds {count}; it takes 2 to {_MOST_SPORTS}, a folder with pictures for each")
    order = sorted(sports)
    read = list(_read({name: files[name] for name in (*order, NO_SPORT) if name in files}, embedding, progress))
    missing = [name for name in order if not any(name == label for label, *_ in read)]
    if missing:
        raise InputError(f"{folder / missing[0]}: holds no picture that can be read")
    rows = np.stack([row for *_, row in read]).astype(np.float16)
    targets = np.array([order.index(label) if label in sports else -1 for label, *_ in read], np.int64)
    names = tuple(name for _, name, _ in read)
    examples = Examples(embedding.name, embedding.digest, tuple(sports[name] for name in order), rows, targets, names)
    return _judged(examples if NO_SPORT in files else _with_shipped_others(examples))


def _pictures(folder: Path) -> dict[str, list[Path]]:
    """Files by name of the folder that they are in."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with a folder of pictures for each sport")
    inside = {
        path.name: [file for file in visible(path) if file.is_file()] for path in visible(folder) if path.is_dir()
    }
    return {name: _spread(name, files) for name, files in inside.items() if files}


def _spread(name: str, files: list[Path]) -> list[Path]:
    if len(files) <= _MOST_PER_SPORT:
        return files
    _log.warning("%s: %d of %d pictures are learnt from", name, _MOST_PER_SPORT, len(files))
    return [files[i] for i in np.linspace(0, len(files) - 1, _MOST_PER_SPORT).round().astype(int)]


def _read(
    files: Mapping[str, list[Path]], embedding: Embedding, progress: Progress | None
) -> Iterator[tuple[str, str, Row]]:
    """Label, name and row of each picture that can be read, of one that is there twice the first.

    A second one would be told right by the first, and two sports of one picture would contradict each other.
    Raises InputError where too many cannot be read.
    """
    total, bad, seen = sum(map(len, files.values())), list[str](), dict[str, str]()
    with (progress or Silent()).stage("look", total, "picture") as advance:
        for label, paths in files.items():
            for path in paths:
                name = f"{label}/{path.name}"
                try:
                    picture = read_picture_file(path)
                except InputError as error:
                    bad.append(str(error))
                else:
                    first = seen.setdefault(pixels_id(picture), name)
                    if first == name:
                        yield label, name, embedding.row(picture)
                    else:
                        _log.warning("left out: %s is the same picture as %s", name, first)
                advance(1)
    if len(bad) > _MOST_BAD * total:
        raise InputError(f"{len(bad)} of {total} pictures cannot be read; the first: {bad[0]}")
    for line in bad:
        _log.warning("left out: %s", line)


def _with_shipped_others(examples: Examples) -> Examples:
    """With the shipped pictures of no sport, where the same network made their rows."""
    shipped, _ = load_examples(SHIPPED_SPORTS)
    if shipped.digest != examples.digest:
        return examples
    others = shipped.targets < 0
    return Examples(
        examples.embedding,
        examples.digest,
        examples.sports,
        np.concatenate([examples.rows, shipped.rows[others]]),
        np.concatenate([examples.targets, np.full(int(others.sum()), -1, np.int64)]),
        (*examples.names, *(name for name, other in zip(shipped.names, others, strict=True) if other)),
    )


def _judged(examples: Examples) -> Learnt:
    known = examples.of_sports()
    right = fit_and_judge(features(known.rows, known.embedding), known.targets)[1] == known.targets
    by_sport = tuple(
        (sport, int((known.targets == i).sum()), float(right[known.targets == i].mean()))
        for i, sport in enumerate(known.sports)
    )
    return Learnt(examples, float(right.mean()), by_sport)
