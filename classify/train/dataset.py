"""From folders to clips in memory: listed, split, checked, decoded into the cache, in this order."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from classify.data.cache import CachedClips, cache_folder, cached_clips
from classify.data.clips import MAX_BAD, BadClip, LabelledClip, list_clips
from classify.data.layouts import ALIASES, ClipFile
from classify.data.spacejam import is_spacejam, label_names
from classify.data.splits import FOLDS, Indices, Split, grouped_folds, split_clips, with_validation
from classify.labels import check_label_set
from classify.train.config import TrainConfig
from classify.types import ACTIONS
from ground.errors import InputError

_ENOUGH = 1000
"""With fewer clips to learn from, the score of a tenth is mostly chance, and the clips are better learnt from."""
_TENTH = 0.1
_LOADERS = 4

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What to learn from, and what to judge on."""

    sources: tuple[Path, ...]
    """See ``classify.data.clips.list_clips``."""
    pretrain: tuple[Path, ...] = ()
    """Clips to learn from first and never judged on, such as synthetic players."""
    split: str | None = None
    """Name in ``classify.data.splits.SPLITS``; None: what the data ask for."""
    labels: tuple[str, ...] | None = None
    """To learn; clips of others are left out. None: those of the data set, or of the clips."""
    test_list: Path | None = None
    """SpaceJam's test ids, where they are not in its folder."""
    max_bad: float = MAX_BAD
    """Part of the clips that may be missing or broken."""
    cache: Path | None = None
    """Folder for decoded clips; None: the user's."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Decoded clips by what they are for."""

    split: str
    labels: tuple[str, ...]
    train: list[LabelledClip]
    validation: list[LabelledClip]
    tests: Mapping[str, list[LabelledClip]]
    pretrain: list[LabelledClip]
    leaks: int
    """Test clips with a relative among ``train``; see ``classify.data.splits.public``."""
    bad: list[BadClip]
    """Files that could not be used."""
    number: int
    """Files there are."""

    def check(self, max_bad: float) -> None:
        """Raises InputError when too many files are bad, or when there is nothing to learn a label from."""
        if self.bad and len(self.bad) > max_bad * self.number:
            raise InputError(
                f"{len(self.bad)} of {self.number} clips cannot be used ({count_kinds(self.bad)}), more than "
                f"{max_bad:.0%}; the first: {self.bad[0].path}: {self.bad[0].reason}; raise the limit",
                setting="max_bad",
            )
        _check_labels(self.labels, (c.label for c in (*self.train, *self.pretrain)))


def count_kinds(bad: Sequence[BadClip]) -> str:
    """How many are bad in which way, in words."""
    words = {"missing": "missing", "unreadable": "unreadable", "length": "of another length"}
    return ", ".join(f"{number} {words[kind]}" for kind, number in sorted(Counter(b.kind for b in bad).items()))


def gather(data: DataConfig, config: TrainConfig, size: tuple[int, int], folds: int = 0) -> TrainingData:
    """List, split and decode; ``check`` the result before training on it.

    size: height and width that the network reads. folds: into how many the clips are to be cut where they are split so.
    Raises InputError for bad folders, labels and splits.
    """
    if data.test_list is not None and not any(is_spacejam(source) for source in data.sources):
        raise InputError(
            f"{data.test_list}: a list of test ids is for a folder in SpaceJam's layout, and none is given"
        )
    if not 0 <= data.max_bad <= 1:
        raise InputError(f"the part of clips that may be broken is 0 to 1, not {data.max_bad}")
    aliases = {theirs: ours for theirs, ours in ALIASES.items() if theirs not in (data.labels or ())}
    files, first = list_clips(data.sources, aliases, data.test_list), list_clips(data.pretrain, aliases)
    labels = _labels(data, files, first)
    check_label_set(labels)
    files, first = ([f for f in some if f.label in labels] for some in (files, first))
    name = data.split or _fitting_split(data.sources, files)
    split = split_clips(files, name)
    _check_labels(labels, (f.label for f in (*(files[i] for i in split.train), *first)))
    if folds and name == FOLDS:
        grouped_folds([f.group for f in files], [f.label for f in files], folds)
    part = config.validation
    split = with_validation(files, split, (_TENTH if len(split.train) >= _ENOUGH else 0.0) if part is None else part)
    folder = data.cache or cache_folder()
    clips, first_clips = (cached_clips(some, size, folder, _LOADERS) for some in (files, first))
    return _sort(name, labels, split, clips, first_clips)


def _sort(name: str, labels: tuple[str, ...], split: Split, clips: CachedClips, first: CachedClips) -> TrainingData:
    def chosen(indices: Indices) -> list[LabelledClip]:
        return [clip for i in indices for clip in clips.by_file[i]]

    return TrainingData(
        name,
        labels,
        chosen(split.train),
        chosen(split.validation),
        {test: chosen(indices) for test, indices in split.tests.items()},
        [clip for some in first.by_file for clip in some],
        split.leaks,
        [*clips.bad, *first.bad],
        len(clips.by_file) + len(first.by_file),
    )


def _labels(data: DataConfig, files: Sequence[ClipFile], first: Sequence[ClipFile]) -> tuple[str, ...]:
    """What to learn: what was asked for, else SpaceJam's own list, else what the clips show, in our order.

    Raises InputError for a label that neither the data set nor this program knows, unless it was asked for.
    """
    found = {f.label for f in (*files, *first)}
    if data.labels is not None:
        left = sum(f.label not in data.labels for f in files)
        if left:
            _log.info("%d clips of other labels are left out", left)
        return data.labels
    listed = dict.fromkeys(name for source in data.sources if is_spacejam(source) for name in label_names(source))
    strange = sorted(found - set(listed) - set(ACTIONS))
    if strange:
        raise InputError(
            f"{', '.join(strange)} is none of the labels {', '.join(listed or ACTIONS)}; "
            f"to learn them, name all labels: {','.join(sorted(found))}",
            setting="labels",
        )
    return tuple(name for name in dict.fromkeys((*listed, *ACTIONS)) if name in found or name in listed)


def _check_labels(labels: Sequence[str], shown: Iterable[str]) -> None:
    """Raises InputError unless there is something to learn each label from, and more than one."""
    there = set(shown)
    missing = [label for label in labels if label not in there]
    left = [label for label in labels if label in there]
    if len(left) < 2:
        raise InputError(
            f"training needs clips of at least 2 labels to learn from; there are {', '.join(left) or 'none'}"
        )
    if missing:
        raise InputError(
            f"no clips of {', '.join(missing)} to learn from; add some, or do without: {','.join(left)}",
            setting="labels",
        )


def _fitting_split(sources: Sequence[Path], files: Sequence[ClipFile]) -> str:
    if not any(f.part for f in files):
        return "folds"
    if any(is_spacejam(source) for source in sources):
        return "twin-free"
    return "csv" if all(source.is_file() for source in sources) else "folders"
