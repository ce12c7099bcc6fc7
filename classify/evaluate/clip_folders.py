"""A checkpoint judged on a data set: on its test clips where it says which they are, decoded as they are needed."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classify.data.clips import MAX_BAD, BadClip, LabelledClip, list_clips, read_file, refuse_too_many, sixteen
from classify.data.layouts import ALIASES, TEST, ClipFile, check_labels
from classify.data.splits import twin_free
from classify.evaluate.judgement import Judgement, judge
from classify.run.classifier import ActionClassifier
from ground.ahead import ahead

ALL = "all clips"
"""Name of the only test set of data that does not say what to test on."""
_THREADS = 4
"""Files that are decoded at once, ahead of the network."""

_log = logging.getLogger("courtscribe")

Advance = Callable[[int], object]
"""Called with the number of files done since the last call."""


def judge_checkpoint(
    classifier: ActionClassifier,
    sources: Sequence[Path],
    *,
    test_list: Path | None = None,
    everything: bool = False,
    advance: Advance | None = None,
) -> dict[str, Judgement]:
    """Judge ``classifier`` on the clips in ``sources`` (see ``classify.data.clips.list_clips``), by name of test set.

    Where a source has test clips, these are judged, and beside them the part that has no relative among the others;
    else, or with ``everything``, all clips. The larger set comes first. Memory does not grow with their number.
    test_list: SpaceJam's test ids, where they are not in its folder.
    Raises InputError for bad clips, and for clips of a label that the classifier does not know.
    """
    labels = classifier.labels
    aliases = {theirs: ours for theirs, ours in ALIASES.items() if theirs not in labels}
    files = list_clips(sources, aliases, test_list)
    sets = judged_sets(files, everything)
    largest = next(iter(sets.values()))
    judged = [files[i] for i in largest]
    check_labels(sources[0], judged, labels)
    answers = _answers(classifier, judged, sources[0], advance)
    place = largest[answers.file]
    inside = {name: np.flatnonzero(np.isin(place, wanted)) for name, wanted in sets.items()}
    return {
        name: judge(answers.probabilities[rows], answers.truth[rows], labels, [answers.groups[i] for i in rows])
        for name, rows in inside.items()
        if len(rows)
    }


def judged_sets(files: Sequence[ClipFile], everything: bool = False) -> dict[str, npt.NDArray[np.int64]]:
    """Positions of the clips to judge on, by name of test set; the larger comes first, equal ones are there once."""
    if everything or not any(file.part == TEST for file in files):
        return {ALL: np.arange(len(files), dtype=np.int64)}
    sets = dict(twin_free(files).tests)
    first = next(iter(sets.values()))
    return {name: rows for i, (name, rows) in enumerate(sets.items()) if i == 0 or 0 < len(rows) < len(first)}


class _Answers(NamedTuple):
    probabilities: npt.NDArray[np.float32]
    """(N, C)"""
    truth: npt.NDArray[np.int64]
    """(N,), positions of the right labels."""
    groups: list[str]
    file: npt.NDArray[np.int64]
    """(N,), position of the file that each clip is from."""


def _answers(classifier: ActionClassifier, files: Sequence[ClipFile], where: Path, advance: Advance | None) -> _Answers:
    """What the classifier says about the clips in ``files``. Raises InputError when too many cannot be read."""
    bad: list[BadClip] = []
    rows: list[npt.NDArray[np.float32]] = []
    known: list[tuple[int, int, str]] = []
    position = {label: i for i, label in enumerate(classifier.labels)}
    clips = _clips(files, bad, advance)
    while batch := list(itertools.islice(clips, classifier.batch)):
        rows.append(classifier.probabilities(np.stack([sixteen(clip.frames) for _, clip in batch])))
        known += [(position[clip.label], number, clip.group) for number, clip in batch]
    refuse_too_many(len(files), bad, MAX_BAD, where)
    for outcome in bad:
        _log.warning("left out: %s: %s", outcome.path, outcome.reason)
    truth, file = np.array([row[:2] for row in known], np.int64).T
    return _Answers(np.concatenate(rows), truth, [group for *_, group in known], file)


def _clips(
    files: Sequence[ClipFile], bad: list[BadClip], advance: Advance | None
) -> Iterator[tuple[int, LabelledClip]]:
    """Clips with the position of their file; what cannot be read is appended to ``bad``."""
    for number, outcome in enumerate(ahead(read_file, files, _THREADS)):
        if isinstance(outcome, BadClip):
            bad.append(outcome)
        else:
            yield from ((number, clip) for clip in outcome)
        if advance is not None:
            advance(1)
