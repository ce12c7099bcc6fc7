"""What the small network's labels rest on: its features, its clips and its last layer, each left out in turn.

    python benchmarks/actions.py UNIVERSITY SPACEJAM_MINI --start-from maps.safetensors --output FILE.md

Macro-F1 and accuracy in cross-validation grouped by original, the mean over several ways to cut the folds, as one way
says little about a few hundred clips. The last layer is fitted anew in each fold; the network before it has no labels
to learn from, so that it can be the same in all of them. The first folder is also judged alone, and so is what the
others say with the first to learn from.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import path as import_path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

import_path.insert(0, str(Path(__file__).resolve().parent.parent))

from provenance import write_result

from classify.data.clips import LabelledClip, load_clips, sixteen
from classify.data.splits import grouped_folds
from classify.evaluate.judgement import label_indices
from classify.evaluate.metrics import score
from classify.networks.pooled_maps import PICTURE_PARTS, PooledMaps
from classify.networks.preprocess import to_tensor
from classify.networks.registry import architecture
from classify.train.config import SMALL
from classify.train.distillation import PART_WEIGHTS
from classify.train.last_layer import embed, fit_head
from classify.types import ACTIONS
from classify.weights.checkpoint import load_start
from pipeline.shipped import WEIGHTS
from pipeline.synthetic.clips import synthetic_clips

PARTS: tuple[str, ...] = ("joints", "ball", "ball at joints", "looks at 1/16", "looks at 1/32")
OVER_TIME: tuple[str, ...] = ("mean", "spread", "change")
FOLDS = 5
BATCH = 16

Ints = npt.NDArray[np.int64]
Row = tuple[str, tuple[str, ...], tuple[str, ...], str, float]
"""Name, parts, statistics over time, clips to learn from ("real", "synthetic" or "both"), decay of the last layer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Clips as the network sees them."""

    features: torch.Tensor
    """(2, N, C): as they are, and mirrored."""
    targets: Ints
    groups: npt.NDArray[np.str_]


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--start-from", type=Path, default=WEIGHTS / "actions.safetensors")
    parser.add_argument("--synthetic", type=int, default=1000, metavar="N")
    parser.add_argument("--draws", type=int, default=6, metavar="N", help="ways to cut the folds")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    network = load_start(options.start_from, SMALL, len(ACTIONS)).eval()
    assert isinstance(network, PooledMaps)
    network.norm.reset()
    folders = [load_clips([folder], ACTIONS) for folder in options.folders]
    first, real = len(folders[0]), [clip for some in folders for clip in some]
    made = [LabelledClip("", label, "made", frames) for label, frames in synthetic_clips(options.synthetic, seed=1)]
    seen, other = _see(network, real), _see(network, made)
    lines = [
        f"`benchmarks/actions.py`, {first} clips of {options.folders[0].name} and {len(real) - first} of "
        f"{', '.join(f.name for f in options.folders[1:])}; {options.synthetic} synthetic ones. Macro-F1 / accuracy, "
        f"mean over {options.draws} ways to cut {FOLDS} folds; "
        f"the standard deviation of the first row over them is {{spread}}.\n",
        f"| | {options.folders[0].name} alone | all | the others, of all |",
        "|---|---|---|---|",
    ]
    spread = ""
    for row in _rows():
        figures = np.array([list(_judge(seen, other, first, row, draw)) for draw in range(options.draws)])
        mean = figures.mean(0)
        spread = spread or " / ".join(f"{value:.3f}" for value in figures.std(0, ddof=1)[[0, 2, 4]])
        lines.append(f"| {row[0]} | " + " | ".join(f"{a:.3f} / {b:.3f}" for a, b in mean.reshape(-1, 2)) + " |")
        print(lines[-1], flush=True)
    lines = [line.replace("{spread}", spread) for line in lines]
    write_result(options.output, "What the small network's labels rest on, CPU", lines, [options.start_from])


def _rows() -> Iterator[Row]:
    yield "all parts, real clips", PARTS, OVER_TIME, "real", 1e-4
    yield "a third of the decay", PARTS, OVER_TIME, "real", 3e-5
    yield "three times the decay", PARTS, OVER_TIME, "real", 3e-4
    for part in PARTS:
        yield f"without {part}", tuple(p for p in PARTS if p != part), OVER_TIME, "real", 1e-4
    for parts in (PARTS[:1], PARTS[1:2], PARTS[2:3], PARTS[:3], PARTS[3:]):
        yield f"only {' and '.join(parts)}", parts, OVER_TIME, "real", 1e-4
    for statistic in OVER_TIME:
        yield f"without {statistic} over time", PARTS, tuple(s for s in OVER_TIME if s != statistic), "real", 1e-4
    yield "synthetic clips only", PARTS, OVER_TIME, "synthetic", 1e-4
    yield "**real and synthetic clips, as shipped**", PARTS, OVER_TIME, "both", 1e-4


def _see(network: PooledMaps, clips: Sequence[LabelledClip]) -> Seen:
    profile = architecture(SMALL).profile

    def batches(view: int) -> Iterator[torch.Tensor]:
        for i in range(0, len(clips), BATCH):
            frames = np.stack([sixteen(clip.frames) for clip in clips[i : i + BATCH]])
            yield to_tensor(frames[:, :, :, ::view], profile)

    features = torch.stack([embed(network, batches(view)) for view in (1, -1)])
    return Seen(features, label_indices(clips, ACTIONS), np.array([clip.group for clip in clips]))


def _judge(seen: Seen, made: Seen, first: int, row: Row, draw: int) -> Iterator[float]:
    """Macro-F1 and accuracy on the first folder alone, on all clips, and on those of the other folders among them."""
    scaled, scaled_made = _chosen(seen.features, seen.features, row), _chosen(made.features, seen.features, row)
    real, synthetic = Seen(scaled, seen.targets, seen.groups), Seen(scaled_made, made.targets, made.groups)
    everything = np.arange(len(seen.targets))
    alone, whole = (_predict(real, synthetic, some, row, draw) for some in (everything[:first], everything))
    for some, predicted in ((everything[:first], alone), (everything, whole), (everything[first:], whole[first:])):
        report = score(seen.targets[some], predicted, ACTIONS)
        yield report.macro_f1
        yield report.accuracy


def _chosen(features: torch.Tensor, like: torch.Tensor, row: Row) -> torch.Tensor:
    """The features that the row keeps, scaled as in ``classify.train.distillation.rescale``."""
    _, parts, statistics, _, _ = row
    sizes = torch.tensor(PICTURE_PARTS).repeat(3).tolist()
    mean, spread = like.flatten(0, 1).mean(0), like.flatten(0, 1).std(0)
    scaled = ((features - mean) / (spread + 1e-3)).split(sizes, 2)
    names = [(part, statistic) for statistic in OVER_TIME for part in PARTS]
    weights = dict(zip(PARTS, PART_WEIGHTS, strict=True))
    kept = [
        block * weights[part] / block.shape[2] ** 0.5
        for (part, statistic), block in zip(names, scaled, strict=True)
        if part in parts and statistic in statistics
    ]
    return torch.cat(kept, 2)


def _predict(seen: Seen, made: Seen, judged: Ints, row: Row, draw: int) -> Ints:
    """What is said of each of the clips ``judged`` by a last layer that learnt from none of its group."""
    kind, decay = row[3], row[4]
    fold, predicted = _folds(seen, judged, draw), np.zeros(len(judged), np.int64)
    for number in range(FOLDS):
        learn = judged[fold != number]
        pairs: list[tuple[torch.Tensor, Ints]] = []
        if kind != "synthetic":
            pairs.append((seen.features[:, learn].flatten(0, 1), np.tile(seen.targets[learn], 2)))
        if kind != "real":
            asked = np.flatnonzero(np.isin(made.targets, seen.targets[judged]))
            pairs.append((made.features[:, asked].flatten(0, 1), np.tile(made.targets[asked], 2)))
        fc = nn.Linear(seen.features.shape[2], len(ACTIONS))
        counts = [np.maximum(np.bincount(y, minlength=len(ACTIONS)), 1) for _, y in pairs]
        # Synthetic clips count as much as the real ones of their label, as in ``classify.train.fit``.
        shares = [counts[0][y] / count[y] for (_, y), count in zip(pairs, counts, strict=True)]
        targets, weights = (torch.from_numpy(np.concatenate(v)) for v in ([y for _, y in pairs], shares))
        fit_head(fc, torch.cat([x for x, _ in pairs]), targets, decay, weights.float())
        with torch.inference_mode():
            predicted[fold == number] = fc(seen.features[0, judged[fold == number]]).argmax(1).numpy()
    return predicted


def _folds(seen: Seen, judged: Ints, draw: int) -> Ints:
    """The first way is the one that training reports; the others deal the groups out at random."""
    groups = seen.groups[judged]
    if draw == 0:
        return grouped_folds(groups.tolist(), [ACTIONS[t] for t in seen.targets[judged]], FOLDS)
    dealt: Callable[[int], Ints] = np.random.default_rng(draw).permutation
    names, of = np.unique(groups, return_inverse=True)
    return (dealt(len(names)) % FOLDS)[of]


if __name__ == "__main__":
    main()
