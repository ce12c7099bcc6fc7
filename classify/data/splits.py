"""Which clips are learnt from and which are judged on, by name; nothing made from a test clip is ever learnt from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classify.data.layouts import TEST, TRAIN, VALIDATION, ClipFile
from ground.errors import InputError

Indices = npt.NDArray[np.int64]

ON_LIST, TWIN_FREE_TEST, HELD_OUT = "list", "twin-free", "held out"
"""Names of test sets."""
FOLDS = "folds"
"""The split that leaves judging to cross-validation."""

_FOLDS = 5
"""A fifth is held out where the data set does not say what to test on."""


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in a sequence of clips."""

    train: Indices
    validation: Indices
    """To stop early by; never tested on."""
    tests: Mapping[str, Indices]
    """By name; one may be part of another."""
    leaks: int = 0
    """Test clips of which a relative is learnt from, as published results have it; 0 but for "public"."""


def public(files: Sequence[ClipFile]) -> Split:
    """The test list as it is published, mirrored twins of its clips left in the training part.

    For comparison with published figures only. Both the list and its part without such twins are judged.
    """
    test, rest = _listed(files)
    twin_free = _without(files, test, rest)
    return Split(rest, _none(), {ON_LIST: test, TWIN_FREE_TEST: twin_free}, len(test) - len(twin_free))


def twin_free(files: Sequence[ClipFile]) -> Split:
    """The test list, and everything learnt from that is no relative of a test clip.

    Judged are the list, and beside it the part of it that has no twin outside, as ``public`` judges it.
    """
    test, rest = _listed(files)
    return Split(_without(files, rest, test), _none(), {ON_LIST: test, TWIN_FREE_TEST: _without(files, test, rest)})


def folders(files: Sequence[ClipFile]) -> Split:
    """What the folders ``train``, ``validation`` and ``test`` hold, or else a fifth of the groups to test on."""
    if any(f.part for f in files):
        return _by_part(files)
    groups = [f.group for f in files]
    fold_of = grouped_folds(groups, [f.label for f in files], min(_FOLDS, len(set(groups))))
    return Split(
        np.flatnonzero(fold_of != 0).astype(np.int64),
        _none(),
        {HELD_OUT: np.flatnonzero(fold_of == 0).astype(np.int64)},
    )


def by_csv(files: Sequence[ClipFile]) -> Split:
    """What a CSV says of each clip. Raises InputError when it says nothing of one."""
    silent = next((f for f in files if not f.part), None)
    if silent is not None:
        raise InputError(f"{silent.path}: the CSV does not say whether to train, validate or test on it")
    return _by_part(files)


def everything(files: Sequence[ClipFile]) -> Split:
    """All clips are learnt from; what it is worth is told by folds (``classify.evaluate.judgement.split_folds``)."""
    return Split(np.arange(len(files), dtype=np.int64), _none(), {})


SPLITS: dict[str, Callable[[Sequence[ClipFile]], Split]] = {
    "twin-free": twin_free,
    "public": public,
    FOLDS: everything,
    "folders": folders,
    "csv": by_csv,
}
"""Every split, by the name that the setting ``split`` takes."""


def split_clips(files: Sequence[ClipFile], name: str) -> Split:
    """The split called ``name``. Raises InputError with the known names, or when nothing is left to learn from."""
    if name not in SPLITS:
        raise InputError(f"no split is called {name!r}; there are {', '.join(SPLITS)}")
    split = SPLITS[name](files)
    if not len(split.train):
        raise InputError(f"split {name}: no clips are left to learn from, of {len(files)}")
    return split


def with_validation(files: Sequence[ClipFile], split: Split, part: float) -> Split:
    """The same, with about ``part`` of the groups to learn from kept for validation, unless there is a validation part.

    Raises InputError when there are too few groups.
    """
    if len(split.validation) or part <= 0:
        return split
    groups, labels = [files[i].group for i in split.train], [files[i].label for i in split.train]
    kept = grouped_folds(groups, labels, round(1 / part)) == 0
    return Split(split.train[~kept], split.train[kept], split.tests, split.leaks)


def _listed(files: Sequence[ClipFile]) -> tuple[Indices, Indices]:
    """Clips on the test list, and all others."""
    on_list = np.array([f.part == TEST for f in files], bool)
    if not on_list.any():
        raise InputError("there is no list of test clips; use the split folds, or name a list", setting="test_list")
    return np.flatnonzero(on_list).astype(np.int64), np.flatnonzero(~on_list).astype(np.int64)


def _by_part(files: Sequence[ClipFile]) -> Split:
    """By what each clip is for; relatives of test clips are not learnt from, nor those of validation clips."""
    train, validation, test = (_part(files, name) for name in (TRAIN, VALIDATION, TEST))
    validation = _without(files, validation, test)
    train = _without(files, train, np.concatenate([validation, test]))
    return Split(train, validation, {HELD_OUT: test} if len(test) else {})


def _part(files: Sequence[ClipFile], name: str) -> Indices:
    """Clips that are for ``name``; where only some folders say, the others' are to learn from."""
    return np.array([i for i, f in enumerate(files) if (f.part or TRAIN) == name], np.int64)


def _without(files: Sequence[ClipFile], chosen: Indices, others: Indices) -> Indices:
    """Those of ``chosen`` that share a group with none of ``others``."""
    groups = {files[i].group for i in others}
    return np.array([i for i in chosen if files[i].group not in groups], np.int64)


def _none() -> Indices:
    return np.zeros(0, np.int64)


def grouped_folds(groups: Sequence[str], labels: Sequence[str], folds: int) -> npt.NDArray[np.int64]:
    """The fold of each clip, int (N,): clips of a group share one, and every fold gets its part of every label.

    The largest group goes first, each into the fold that has the fewest clips of the group's labels. The published
    figures of cross-validation are of these folds; scikit-learn's ``StratifiedGroupKFold`` balances by another rule.
    Raises InputError when there are fewer groups than folds.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    if not 2 <= folds <= len(members):
        raise InputError(
            f"{len(members)} groups of clips cannot be cut into {folds} folds; from 2 to {len(members)} can"
        )
    filled = [Counter[str]() for _ in range(folds)]
    result = np.zeros(len(groups), np.int64)
    for indices in sorted(members.values(), key=len, reverse=True):
        added = Counter(labels[i] for i in indices)
        fold = min(
            range(folds), key=lambda f: (sum(filled[f][label] * n for label, n in added.items()), filled[f].total())
        )
        filled[fold] += added
        result[indices] = fold
    return result
