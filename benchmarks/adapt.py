"""What a handful of examples is worth: macro-F1 by embedding, number of examples and head, on clips of other footage.

    python benchmarks/adapt.py CLIPS [--draws 20] [--embedding actions detector FILE ...] [--output FILE.md]

CLIPS is a folder per label. Its clips are in five groups (`classify.clip_files`): neighbours in number, which come
from the same game. In each draw the examples come from three groups, and the clips of the two others are judged.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch

from classify.adapt import Embedding, detector_embedding, trained_embedding
from classify.clips import LabelledClip, list_clips, read_file, sixteen
from classify.few_shot import AUTO, HEADS, Examples, Head, fit_heads
from classify.head import embed
from classify.metrics import score
from classify.preprocess import to_tensor
from pipeline.config import WEIGHTS
from tracker.backbone import export_backbone

_PARTS = 5
"""A folder of examples is cut into so many groups, as in `classify.clip_files`."""
_NAMES = (*HEADS, AUTO, "no mirror")


@dataclass(frozen=True, slots=True)
class Clips:
    """Labelled clips as an embedding sees them."""

    views: np.ndarray
    """float64 (2, N, C): as they are, and mirrored."""
    targets: np.ndarray
    groups: np.ndarray
    labels: tuple[str, ...]


def main() -> None:
    """Print and write a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--embedding", nargs="+", default=["actions", "detector"])
    parser.add_argument("--counts", type=int, nargs="+", default=[3, 5, 10, 20, 50])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"# A handful of examples, {options.clips.name}, {options.draws} draws, {date.today()}",
        "",
        f"| embedding | examples of each | {' | '.join(_NAMES)} | auto is linear | left out | one by one |",
        "|---" * (5 + len(_NAMES)) + "|",
    ]
    clips = [clip for file in list_clips([options.clips], {}) for clip in _readable(file)]
    for name in options.embedding:
        seen = look(clips, _embedding(name))
        lines += [f"| {name} | {count} | {judge(seen, count, options.draws)} |" for count in options.counts]
    print("\n".join(lines))
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def _readable(file: object) -> list[LabelledClip]:
    outcome = read_file(file)  # type: ignore[arg-type]
    return outcome if isinstance(outcome, list) else []


def _embedding(name: str) -> Embedding:
    if name != "detector":
        return trained_embedding(WEIGHTS / "actions.safetensors" if name == "actions" else Path(name))
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(WEIGHTS / "players.pt", layers)
        return detector_embedding(layers, "players.pt")


def look(clips: list[LabelledClip], embedding: Embedding) -> Clips:
    """What the embedding makes of each clip and its mirror image."""
    batches = [np.stack([sixteen(clip.frames) for clip in clips[i : i + 8]]) for i in range(0, len(clips), 8)]
    tensors = [to_tensor(batch, embedding.profile) for batch in batches]
    views = torch.stack([embed(embedding.network, (x.flip(-1) if m else x for x in tensors)) for m in (0, 1)])
    labels, targets = np.unique([clip.label for clip in clips], return_inverse=True)
    groups = np.unique([clip.group for clip in clips], return_inverse=True)[1]
    return Clips(views.double().numpy(), targets, groups, tuple(labels.tolist()))


def judge(clips: Clips, count: int, draws: int) -> str:
    """A row of the table."""
    rng = np.random.default_rng(0)
    rows = np.array([_draw(clips, count, rng) for _ in range(draws)])
    mean, spread = rows.mean(0), rows.std(0)
    cells = [f"{mean[i]:.3f} ± {spread[i]:.3f}" for i in range(len(_NAMES))]
    return " | ".join([*cells, *(f"{value:.2f}" for value in mean[len(_NAMES) :])])


def _draw(clips: Clips, count: int, rng: np.random.Generator) -> list[float]:
    """Macro-F1 of each head; whether auto is linear; what leaving out groups, and single clips, says of it."""
    places = rng.permutation(np.unique(clips.groups))
    learn = np.isin(clips.groups, places[: len(places) * 3 // 5])
    of_label = [np.flatnonzero(learn & (clips.targets == t)) for t in range(len(clips.labels))]
    chosen = np.concatenate([np.sort(rng.permutation(rows)[:count]) for rows in of_label])
    parts = np.concatenate([np.arange(n) * _PARTS // n for n in (min(count, len(rows)) for rows in of_label)])
    tried = {name: fit_heads(_examples(clips, chosen, parts), name)[0] for name in (*HEADS, AUTO)}
    tried["no mirror"] = fit_heads(_examples(clips, chosen, parts, views=1), "linear")[0]
    alone = fit_heads(_examples(clips, chosen, np.arange(len(chosen))), "linear")[0]
    scores = [_macro_f1(clips, np.flatnonzero(~learn), tried[name]) for name in _NAMES]
    left_out = [
        score(clips.targets[chosen], head.probabilities.argmax(1), clips.labels).macro_f1
        for head in (tried["linear"], alone)
    ]
    return [*scores, float(tried[AUTO].kind == "linear"), *left_out]


def _examples(clips: Clips, chosen: np.ndarray, groups: np.ndarray, views: int = 2) -> Examples:
    features = np.concatenate([clips.views[v, chosen] for v in range(views)])
    rows = np.tile(np.arange(len(chosen)), views)
    return Examples(features, rows, clips.targets[chosen], groups, len(clips.labels))


def _macro_f1(clips: Clips, rows: np.ndarray, head: Head) -> float:
    with torch.inference_mode():
        said = head.layer(torch.from_numpy(clips.views[0, rows]).float()).argmax(1).numpy()
    return score(clips.targets[rows], said, clips.labels).macro_f1


if __name__ == "__main__":
    main()
