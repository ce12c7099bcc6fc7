"""SpaceJam, the data set of basketball actions (github.com/simonefrancia/SpaceJam), in its own layout.

``examples/ID.mp4`` are the clips, ``annotation_dict.json`` maps ids to numbers and ``labels_dict.json`` numbers to
labels; ``testset_keys_1lug2020.txt`` is the public test list, a JSON list of ids. Joints are not read. Of 37,085 clips
4,528 are mirrored twins (``ID_flipped``); the list leaves the twins of 1,910 of its 11,126 clips to be trained on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

from classify.data.layouts import TEST, ClipFile, original
from classify.types import CLIP_LENGTH
from ground.disk.files import read_text
from ground.disk.tables import read_rows
from ground.errors import InputError

ANNOTATIONS, LABELS, TEST_LIST = "annotation_dict.json", "labels_dict.json", "testset_keys_1lug2020.txt"
DISCARD = "discard"
"""The label of clips that are no good."""
_DIGITS = 7
"""Of an id."""

_log = logging.getLogger("courtscribe")


def is_spacejam(folder: Path) -> bool:
    """Whether ``folder`` has SpaceJam's layout."""
    return (folder / ANNOTATIONS).is_file()


def list_spacejam(folder: Path, test_list: Path | None = None) -> list[ClipFile]:
    """Clips of a folder in SpaceJam's layout, discarded ones left out; a mirrored twin is in its original's group.

    test_list: the list of test ids; None takes the one in ``folder``, where there is one. Clips on it have the part
        "test", all others none.
    A ``clips.csv`` with the columns ``clip_id`` and ``source`` tells what each clip was made from, if not from its id.
    Raises InputError when one of the files cannot be read, or when the list names clips that are not there.
    """
    annotations, names = read_object(folder / ANNOTATIONS), read_names(folder / LABELS)
    unknown = sorted({str(v) for v in annotations.values()} - set(names))
    if unknown:
        raise InputError(f"{folder / ANNOTATIONS}: label {unknown[0]} is not in {LABELS}")
    listed = _test_ids(test_list or folder / TEST_LIST, required=test_list is not None)
    strange = sorted(listed - set(annotations))
    if strange:
        raise InputError(
            f"{test_list or folder / TEST_LIST}: {len(strange)} ids such as {strange[0]} are no clips here"
        )
    sources = _read_sources(folder / "clips.csv", annotations.keys())
    return [
        ClipFile(
            folder / "examples" / f"{clip}.mp4",
            names[str(label)],
            sources.get(clip, original(clip)),
            TEST if clip in listed else "",
            CLIP_LENGTH,
        )
        for clip, label in sorted(annotations.items())
        if names[str(label)] != DISCARD
    ]


def label_names(folder: Path) -> tuple[str, ...]:
    """The labels that the data set tells apart, in its order."""
    return tuple(name for name in read_names(folder / LABELS).values() if name != DISCARD)


def _test_ids(path: Path, required: bool) -> set[str]:
    if not path.is_file() and not required:
        return set()
    ids = _read_json(path)
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise InputError(f"{path}: expected a JSON list of ids")
    return set(ids)


def _read_sources(path: Path, clips: Collection[str]) -> dict[str, str]:
    """clip -> source, where a table beside the clips tells what each was made from.

    Without it, relatives are learnt from and judged on at once, so what it leaves open is said.
    """
    rows = read_rows(path) if path.is_file() else []
    if rows and not {"clip_id", "source"} <= set(rows[0][1]):
        _log.warning("%s: has no columns clip_id and source; clips are taken for strangers unless mirrored", path)
        return {}
    # Spreadsheets take an id for a number and drop its zeros.
    named = {row["clip_id"] if row["clip_id"] in clips else row["clip_id"].zfill(_DIGITS): row for _, row in rows}
    known = {clip: row["source"] for clip, row in named.items() if row["source"]}
    sources = {clip: known.get(clip) or known.get(original(clip), "") for clip in clips}
    sources = {clip: source for clip, source in sources.items() if source}
    if rows and len(sources) < len(clips):
        _log.warning("%s: names no source of %d of %d clips", path, len(clips) - len(sources), len(clips))
    return sources


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InputError where there is none."""
    value = _read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected an object that maps ids to labels")
    return value


def read_names(path: Path) -> dict[str, str]:
    """Labels by number, as text. Raises InputError where ``path`` does not hold them."""
    names = read_object(path)
    if not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{path}: expected an object that maps numbers to names of labels")
    return names


def _read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from error
