"""A classifier for new labels from a handful of examples: a network that is there already, and a last layer of its own.

The network is not trained; its embedding of each example, and of its mirror image, is what the last layer learns from.
The result is a checkpoint like any other.
"""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from classify.data.clips import MAX_BAD, BadClip, Frames, LabelledClip, list_clips, read_file, refuse_too_many, sixteen
from classify.data.layouts import ClipFile
from classify.data.spacejam import is_spacejam
from classify.data.splits import split_clips
from classify.evaluate.calibration import fit_threshold
from classify.evaluate.metrics import Report, score
from classify.few_shot.curve import Curve, learning_curve
from classify.few_shot.heads import AUTO, Examples, Head, fit_heads
from classify.few_shot.kept import KEEP, fit_kept
from classify.few_shot.limits import MAX_EXAMPLES, MIN_EXAMPLES
from classify.labels import check_label_set
from classify.networks.pooled import pooled_backbone
from classify.networks.preprocess import to_tensor
from classify.networks.profile import Profile
from classify.networks.registry import architecture
from classify.run.pytorch import prepare
from classify.train.last_layer import embed
from classify.types import CLIP_LENGTH, CLIP_PACE
from classify.weights.checkpoint import save_checkpoint
from classify.weights.description import CheckpointInfo, Origin
from ground.compute.devices import torch_device
from ground.disk.files import visible
from ground.errors import InputError

_STRIDE = 8
"""Frames between the windows of a longer example, as in an analysis."""
_MAX_WINDOWS = 4
"""Of one example. More: a long movement is seen more finely, at the cost of time."""

_log = logging.getLogger("courtscribe")

Advance = Callable[[int], object]
"""Called with the number of files done since the last call."""
Embedding = tuple[nn.Module, CheckpointInfo]
"""A network that is there already, and what it is; its own labels do not matter."""


@dataclass(frozen=True, slots=True)
class AdaptConfig:
    """How a handful of examples is learnt from."""

    head: str = AUTO
    """"linear", "neighbours", or "auto": what left-out examples speak for; or "keep": the network's own labels, which
    the examples correct, and of which those without examples stay as they are."""
    mirror: bool = True
    """Learn from mirror images too: where no label has a side, examples count twice."""
    device: str = "auto"
    curve: bool = False
    """Say how good it becomes with more examples; takes a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """What was learnt."""

    info: CheckpointInfo
    """What the checkpoint says about itself."""
    report: Report
    """Each example judged by a head that learnt from no example of its group."""
    heads: tuple[tuple[str, float, float], ...]
    """Kind, setting and macro-F1 of each head that was tried; the first one is in the checkpoint."""
    curve: Curve | None = None
    """None: nobody asked for it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """An example that went through the network."""

    label: str
    group: str
    features: torch.Tensor
    """float32 (V, C), of its windows and their mirror images."""


def detector_embedding(layers: Path, name: str) -> Embedding:
    """What a detector's own first layers make of clips.

    layers: written by ``tracker.detect.features.export_backbone``. name: the detector's, for whoever reads the
    checkpoint. Raises InputError when they are not a YOLO11n's.
    """
    info = CheckpointInfo("pooled", (), architecture("pooled").profile, Origin(f"the detector {name}"))
    return pooled_backbone(layers), info


def adapt(
    files: Sequence[ClipFile],
    output: Path,
    embedding: Embedding,
    config: AdaptConfig | None = None,
    advance: Advance | None = None,
) -> Adapted:
    """Learn the labels of ``files``, from ``example_files``, and write a checkpoint to ``output``.

    embedding: from ``detector_embedding``, or any that ``classify.weights.kinetics.load_classifier`` reads.
    Raises InputError for examples that cannot be learnt from, and as ``save_checkpoint``.
    """
    check_label_set({file.label for file in files})
    config, (network, info) = config or AdaptConfig(), embedding
    device = torch_device(config.device)
    ready = prepare(copy.deepcopy(network), device)
    seen = [
        _Seen(clip.label, clip.group, _embed_windows(ready, clip.frames, info.profile, device, config.mirror))
        for clip in _read(files, advance)
    ]
    count = Counter({file.label: 0 for file in files})
    count.update(one.label for one in seen)
    _check_enough("examples that can be read", count)
    labels = tuple(sorted({one.label for one in seen}))
    layer = None
    if config.head == KEEP:
        layer, labels = _own_layer(network, info, labels), info.labels
    examples = _examples(seen, labels)
    heads = [fit_kept(examples, layer, info.temperature)] if layer else fit_heads(examples, config.head)
    reports = [score(examples.targets, head.probabilities.argmax(1), labels) for head in heads]
    info = _describe(info, heads[0], reports[0], examples.targets)
    network = copy.deepcopy(network)
    network.fc = heads[0].layer
    # Not in half precision: a head's weights may be large and take each other away.
    save_checkpoint(output, network, info, half=False)
    tried = tuple((h.kind, h.setting, r.macro_f1) for h, r in zip(heads, reports, strict=True))
    taught = tuple(sorted({one.label for one in seen}))
    curve = learning_curve(_examples(seen, taught), taught) if config.curve else None
    return Adapted(info, reports[0], tried, curve)


def example_files(source: Path) -> list[ClipFile]:
    """The examples in ``source`` that are learnt from: not what is there to test on, nor its relatives.

    source: a folder with a folder per label, or any other layout that ``classify.data.clips.list_clips`` takes; labels
    are
        called as they are there. Of a label with more than ``MAX_EXAMPLES``, so many from all over its folder.
    Raises InputError where there are too few of a label, or of labels, or a label is not to be shown.
    """
    files = list_clips([source], {})
    if any(file.part for file in files):
        files = [files[i] for i in split_clips(files, "folders").train]
    count = Counter(dict.fromkeys(_empty_folders(source, files), 0))
    check_label_set(count.keys() | {file.label for file in files})
    for file in files:
        count[file.label] += MIN_EXAMPLES if file.is_array else 1  # it may hold many
    _check_enough(str(source), count)
    return [file for label in count for file in _from_all_over([f for f in files if f.label == label])]


def _empty_folders(source: Path, files: Sequence[ClipFile]) -> list[str]:
    """Names of folders without clips, where there is a folder per label."""
    if not source.is_dir() or is_spacejam(source) or any(file.part for file in files):
        return []
    labels = {file.label for file in files}
    return [p.name for p in visible(source) if p.is_dir() and p.name not in labels]


def _check_enough(where: str, count: Counter[str]) -> None:
    wanted = f"it takes {MIN_EXAMPLES} to {MAX_EXAMPLES} of each, and 2 labels or more"
    if len(count) < 2:
        raise InputError(f"{where}: all are of {next(iter(count))!r}; {wanted}")
    few = min(count, key=lambda label: count[label])
    if count[few] < MIN_EXAMPLES:
        there = "there is 1 example" if count[few] == 1 else f"there are {count[few]} examples"
        raise InputError(f"{where}: {there} of {few!r}; {wanted}")


def _from_all_over(files: Sequence[ClipFile]) -> list[ClipFile]:
    """Up to ``MAX_EXAMPLES`` files of one label: neighbours are alike, so they are taken at even steps."""
    if len(files) <= MAX_EXAMPLES:
        return list(files)
    _log.warning("%s: %d of %d examples are used; to use all, train", files[0].label, MAX_EXAMPLES, len(files))
    return [files[i] for i in np.linspace(0, len(files) - 1, MAX_EXAMPLES).round().astype(int)]


def _read(files: Sequence[ClipFile], advance: Advance | None) -> Iterator[LabelledClip]:
    """Up to ``MAX_EXAMPLES`` clips of each label, one at a time. Raises InputError when too many cannot be read."""
    count, bad = Counter[str](), list[BadClip]()
    for file in files:
        outcome = read_file(file)
        if isinstance(outcome, BadClip):
            bad.append(outcome)
        else:
            outcome = outcome[: MAX_EXAMPLES - count[file.label]]
            count[file.label] += len(outcome)
            yield from outcome
        if advance is not None:
            advance(1)
    refuse_too_many(len(files), bad, MAX_BAD, "examples")
    for outcome in bad:
        _log.warning("left out: %s: %s", outcome.path, outcome.reason)


def _embed_windows(
    network: nn.Module, frames: Frames, profile: Profile, device: torch.device, mirror: bool
) -> torch.Tensor:
    """(T, 176, 128, 3) -> float32 (V, C): what the network makes of each window, and of its mirror image."""
    x = to_tensor(_windows(frames), profile, device)
    return embed(network, (x, x.flip(-1)) if mirror else (x,))


def _windows(frames: Frames) -> Frames:
    """(T, ...) -> (W, 16, ...): one window, or several all over a longer clip."""
    spare = len(frames) - CLIP_LENGTH
    if spare <= 0:
        return sixteen(frames)[None]
    starts = np.linspace(0, spare, min(_MAX_WINDOWS, 1 + -(-spare // _STRIDE))).round()
    return np.stack([sixteen(frames, int(start)) for start in starts])


def _examples(seen: Sequence[_Seen], labels: Sequence[str]) -> Examples:
    """As arrays."""
    return Examples(
        torch.cat([one.features for one in seen]).double().numpy(),
        np.repeat(np.arange(len(seen)), [len(one.features) for one in seen]),
        np.array([labels.index(one.label) for one in seen]),
        np.unique(_left_out_together(seen), return_inverse=True)[1],
        len(labels),
    )


def _left_out_together(seen: Sequence[_Seen]) -> list[str]:
    """A name for each example: what the data set calls one footage is left out together.

    Footage that shows one label only is left out together with such footage of the other labels: without one example
    of three, a label is thought so much rarer that the example is taken for another (macro-F1 0.19 instead of 0.41).
    Where all examples of a label are of one footage, they are told apart, since nothing would be left of the label.
    """
    footage = {label: {one.group for one in seen if one.label == label} for label in {one.label for one in seen}}
    alone = sorted(label for label, groups in footage.items() if len(groups) == 1)
    if alone:
        _log.warning("%s: all examples are of the same footage, so what is said of them flatters", ", ".join(alone))
    units = [f"{i} alone" if one.label in alone else one.group for i, one in enumerate(seen)]
    shown: dict[str, set[str]] = {}
    for unit, one in zip(units, seen, strict=True):
        shown.setdefault(unit, set()).add(one.label)
    count, turn = Counter[str](), dict[str, str]()
    for unit, (label, *others) in shown.items():
        if not others:
            turn[unit] = f"turn {count[label]}"
            count[label] += 1
    return [turn.get(unit, unit) for unit in units]


def _own_layer(network: nn.Module, info: CheckpointInfo, labels: Sequence[str]) -> nn.Linear:
    """The network's last layer. Raises InputError where it cannot be kept, or has not all of ``labels``."""
    strange = sorted(set(labels) - set(info.labels))
    if strange:
        what = f"{', '.join(strange)}: none of the labels of the network, which cannot be kept then"
        raise InputError(f"{what}; choose another head", "head")
    if not isinstance(network.fc, nn.Linear):
        raise InputError("the network's last layer is learnt from examples already; start from another one", "head")
    return network.fc


def _describe(embedding: CheckpointInfo, head: Head, report: Report, truth: np.ndarray) -> CheckpointInfo:
    """Marked as a starter's: a handful of examples is not much, and whoever reads the labels shall know."""
    origin = replace(
        embedding.origin,
        data=f"{len(truth)} examples, {head.kind} head on {embedding.model} ({embedding.origin.data})",
        starter=True,
        note=f"learnt from {len(truth)} examples; macro-F1 {report.macro_f1:.2f} on examples left out in turn",
    )
    return replace(
        embedding,
        labels=report.labels,
        profile=replace(
            embedding.profile, pace=CLIP_PACE
        ),  # examples came at the pace of clips, whatever it knew before
        origin=origin,
        scores={"macro_f1": report.macro_f1, "accuracy": report.accuracy},
        temperature=head.temperature,
        # A handful of examples of some labels says little of how sure the others are.
        unsure_below=embedding.unsure_below if head.kind == KEEP else fit_threshold(head.probabilities, truth),
    )
