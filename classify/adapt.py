"""A classifier for new labels from a handful of examples: a network that is there already, and a last layer of its own.

The network is not trained; its embedding of each example, and of its mirror image, is what the last layer learns from.
The result is a checkpoint like any other.
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from classify.checkpoint import CheckpointInfo, Origin, save_checkpoint
from classify.classifier import pick_device, prepare
from classify.clip_files import ClipFile
from classify.clips import MAX_BAD, BadClip, Frames, LabelledClip, list_clips, read_file, refuse_too_many, sixteen
from classify.errors import ClipError
from classify.few_shot import AUTO, Examples, Head, fit_heads
from classify.head import embed
from classify.kinetics import load_classifier
from classify.metrics import Report, score
from classify.models import architecture
from classify.pooled import pooled_backbone
from classify.preprocess import Profile, to_tensor
from classify.spacejam import is_spacejam
from classify.splits import split_clips
from classify.types import CLIP_LENGTH

MIN_EXAMPLES = 3
"""Of each label. With fewer, what is said of an example that is left out is a matter of chance."""
MAX_EXAMPLES = 50
"""Of each label; more are worth training on. Raised, adapting takes more than a minute."""

_STRIDE = 8
"""Frames between the windows of a longer example, as in an analysis."""
_MAX_WINDOWS = 6
"""Of one example. More: a long movement is seen more finely, at the cost of time."""
_BATCH = 8
"""Windows that go through the network at a time."""
_POOLED = "pooled"
"""Name in ``classify.models.MODELS`` of the detector's layers."""

_log = logging.getLogger("courtscribe")

Advance = Callable[[int], object]
"""Called with the number of files done since the last call."""


@dataclass(frozen=True, slots=True)
class AdaptConfig:
    """How a handful of examples is learnt from."""

    head: str = AUTO
    """"linear", "neighbours", or "auto": what left-out examples speak for."""
    mirror: bool = True
    """Learn from mirror images too: where no label has a side, examples count twice."""
    device: str = "auto"
    seed: int = 0
    """Decides which examples are learnt from where a label has more than ``MAX_EXAMPLES``."""


class Embedding(NamedTuple):
    """A network that is there already; its own labels do not matter."""

    network: nn.Module
    model: str
    """Name in ``classify.models.MODELS``."""
    profile: Profile
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """What was learnt."""

    info: CheckpointInfo
    """What the checkpoint says about itself."""
    report: Report
    """Each example judged by a head that learnt from no example of its group."""
    heads: tuple[tuple[str, float, float], ...]
    """Kind, setting and macro-F1 of each head that was tried; the first one is in the checkpoint."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What went through the network."""

    examples: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Label and group of each example."""
    rows: list[int] = field(default_factory=list[int])
    """Number of the example that each window is of."""


def trained_embedding(path: Path) -> Embedding:
    """What the network in a checkpoint, or in a file of Kinetics weights, makes of clips; as ``load_classifier``."""
    network, info = load_classifier(path)
    return Embedding(network, info.model, info.profile, info.origin)


def detector_embedding(layers: Path, name: str) -> Embedding:
    """What a detector's own first layers make of clips.

    layers: written by ``tracker.backbone.export_backbone``. name: the detector's, for whoever reads the checkpoint.
    Raises ClipError when they are not a YOLO11n's.
    """
    return Embedding(pooled_backbone(layers), _POOLED, architecture(_POOLED).profile, Origin(f"the detector {name}"))


def adapt(
    sources: Sequence[Path],
    output: Path,
    embedding: Embedding,
    config: AdaptConfig | None = None,
    advance: Advance | None = None,
) -> Adapted:
    """Learn the labels of the examples in ``sources`` and write a checkpoint to ``output``.

    sources: folders with a folder per label, or any other layout that ``classify.clips.list_clips`` takes; labels are
        called as they are there.
    Raises ClipError for examples that cannot be learnt from, and as ``save_checkpoint``.
    """
    config, seen = config or AdaptConfig(), _Seen()
    if output.suffix != ".safetensors":
        raise ClipError(f"{output}: the name of a checkpoint ends in .safetensors")
    device = pick_device(config.device)
    clips = _read(example_files(sources), sources[0], config.seed, advance)
    views = _views(_windows(clips, seen), seen, embedding.profile, device, config.mirror)
    features = embed(prepare(copy.deepcopy(embedding.network), device), views)
    _check_enough(sources[0], Counter(label for label, _ in seen.examples))
    labels = tuple(sorted({label for label, _ in seen.examples}))
    examples = _examples(features, seen, labels)
    heads = fit_heads(examples, config.head)
    reports = [score(examples.targets, head.probabilities.argmax(1), labels) for head in heads]
    info = _describe(embedding, labels, heads[0], reports[0], len(seen.examples))
    network = copy.deepcopy(embedding.network).float()
    network.fc = heads[0].layer
    # Not in half precision: a head's weights may be large and take each other away.
    save_checkpoint(output, network, info, half=False)
    tried = tuple((h.kind, h.setting, r.macro_f1) for h, r in zip(heads, reports, strict=True))
    return Adapted(info, reports[0], tried)


def example_files(sources: Sequence[Path]) -> list[ClipFile]:
    """The examples in ``sources`` that may be learnt from: not what is there to test on, nor its relatives.

    Raises ClipError where there are too few of a label, or of labels, or a label is not to be shown.
    """
    files = list_clips(sources, {})
    if any(file.part for file in files):
        files = [files[i] for i in split_clips(files, "folders").train]
    count = Counter({name: 0 for source in sources for name in _empty_folders(source, files)})
    for file in files:
        check_label(file.label)
        count[file.label] += 1 if file.path.suffix != ".npy" else MIN_EXAMPLES  # may hold many
    _check_enough(sources[0], count)
    return files


def check_label(label: str) -> None:
    """Raises ClipError for a label that cannot be shown in a line."""
    if not label.isprintable() or not label.strip() or len(label) > 80:
        raise ClipError(f"a label is one line of up to 80 characters, not {label[:80]!r}")


def _empty_folders(source: Path, files: Sequence[ClipFile]) -> list[str]:
    """Names of folders without clips, where there is a folder per label."""
    if not source.is_dir() or is_spacejam(source) or any(file.part for file in files):
        return []
    labels = {file.label for file in files}
    return [p.name for p in source.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name not in labels]


def _check_enough(where: Path, count: Counter[str]) -> None:
    wanted = f"it takes {MIN_EXAMPLES} to {MAX_EXAMPLES} of each, and 2 labels or more"
    if len(count) < 2:
        raise ClipError(f"{where}: all examples are of {next(iter(count))!r}; {wanted}")
    few = min(count, key=lambda label: count[label])
    if count[few] < MIN_EXAMPLES:
        plural = "" if count[few] == 1 else "s"
        raise ClipError(
            f"{where}: there {'is' if not plural else 'are'} {count[few]} example{plural} of {few!r}; {wanted}"
        )


def _read(files: Sequence[ClipFile], where: Path, seed: int, advance: Advance | None) -> Iterator[LabelledClip]:
    """Up to ``MAX_EXAMPLES`` clips of each label, one at a time. Raises ClipError when too many cannot be read."""
    count, bad, done = Counter[str](), list[BadClip](), 0
    for i in np.random.default_rng(seed).permutation(len(files)):
        room = MAX_EXAMPLES - count[files[i].label]
        outcome = read_file(files[i]) if room else []
        done += bool(room)
        if isinstance(outcome, BadClip):
            bad.append(outcome)
        else:
            count[files[i].label] += len(outcome[:room])
            yield from outcome[:room]
        if advance is not None:
            advance(1)
    refuse_too_many(done, bad, MAX_BAD, where)
    for outcome in bad:
        _log.warning("left out: %s: %s", outcome.path, outcome.reason)
    full = sorted(label for label, number in count.items() if number == MAX_EXAMPLES)
    if done < len(files):
        _log.warning("%d examples each of %s were drawn; to use all, train instead", MAX_EXAMPLES, ", ".join(full))


def _windows(clips: Iterable[LabelledClip], seen: _Seen) -> Iterator[tuple[int, Frames]]:
    """Number of the example and (16, 176, 128, 3): a longer clip gives several windows, all of one example."""
    for number, clip in enumerate(clips):
        seen.examples.append((clip.label, clip.group))
        spare = len(clip.frames) - CLIP_LENGTH
        count = min(_MAX_WINDOWS, 1 + -(-max(spare, 0) // _STRIDE))
        starts = np.linspace(0, spare, count).round().astype(int) if count > 1 else [None]
        for start in starts:
            yield number, sixteen(clip.frames, None if start is None else int(start))


def _views(
    windows: Iterator[tuple[int, Frames]], seen: _Seen, profile: Profile, device: torch.device, mirror: bool
) -> Iterator[torch.Tensor]:
    """Batches for the network, each followed by its mirror image."""
    while batch := list(itertools.islice(windows, _BATCH)):
        x = to_tensor(np.stack([frames for _, frames in batch]), profile, device)
        for view in (x, x.flip(-1)) if mirror else (x,):
            seen.rows.extend(number for number, _ in batch)
            yield view


def _examples(features: torch.Tensor, seen: _Seen, labels: Sequence[str]) -> Examples:
    """Groups are what the data set calls one footage, or each example where some label is in one group only."""
    names, groups = np.array([label for label, _ in seen.examples]), np.array([group for _, group in seen.examples])
    together = all(len(set(groups[names == label])) > 1 for label in labels)
    return Examples(
        features.double().numpy(),
        np.array(seen.rows, np.int64),
        np.searchsorted(labels, names).astype(np.int64),
        np.unique(groups, return_inverse=True)[1].astype(np.int64) if together else np.arange(len(names)),
        len(labels),
    )


def _describe(embedding: Embedding, labels: tuple[str, ...], head: Head, report: Report, count: int) -> CheckpointInfo:
    """Marked as a starter's: a handful of examples is not much, and whoever reads the labels shall know."""
    note = f"learnt from {count} examples; macro-F1 {report.macro_f1:.2f} on examples left out in turn"
    origin = Origin(
        data=f"{count} examples, {head.kind} head on {embedding.model} ({embedding.origin.data})",
        licence=embedding.origin.licence,
        starter=True,
        note=note,
    )
    scores = {"macro_f1": report.macro_f1, "accuracy": report.accuracy}
    return CheckpointInfo(embedding.model, labels, embedding.profile, origin, scores, head.temperature)
