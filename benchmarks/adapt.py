"""What a handful of examples is worth: macro-F1 by embedding, number of examples and head, on clips of other footage.

    python benchmarks/adapt.py ../shared/clips/university --output benchmarks/results/adapt.md

The clips are a folder per label. They are in five groups (`classify.data.layouts`): neighbours in number, which come
from the same game. In each draw the examples come from three groups, and the clips of the two others are judged.
`--embedding` names what is compared: `actions` (the shipped network), `detector`, a checkpoint, or `maps:FILE`,
the small network with what `courtscribe train maps` left in FILE.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from provenance import SHIPPED, write_result

from classify.data.clips import LabelledClip, list_clips, read_file, sixteen
from classify.data.layouts import ClipFile
from classify.evaluate.metrics import score
from classify.few_shot.adapt import Embedding, detector_embedding
from classify.few_shot.heads import AUTO, HEADS, Examples, Head, fit_heads
from classify.networks.pooled_maps import PooledMaps
from classify.networks.preprocess import to_tensor
from classify.networks.registry import architecture
from classify.train.distillation import rescale
from classify.train.last_layer import embed
from classify.weights.checkpoint import load_start
from classify.weights.description import CheckpointInfo
from classify.weights.kinetics import load_classifier
from pipeline.shipped import WEIGHTS
from tracker.detect.features import export_backbone

_PARTS = 5
"""A folder of examples is cut into so many groups, as in `classify.data.layouts`."""
_NAMES = (*HEADS, AUTO, "no mirror")
_NOTES = """\
Macro-F1 on the judged clips: mean and standard deviation over draws. Auto is what `courtscribe adapt` does; "no mirror"
is the linear head without mirror images; "left out" is what the linear head says of its own examples when they are left
out in turn, in groups that lie beside each other, as `adapt` does where a folder is numbered.

No embedding has seen a label of these clips. But the maps of `actions` were taught on pictures of them, unlabelled,
among others, and its features are scaled by their spread in them; on footage that it has not seen at all expect what
`maps:FILE` shows, if FILE was taught on other videos. `detector` has seen none of them."""
"""What the table does not say by itself."""


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
        *(f"CPU, {options.draws} draws.", "", _NOTES, ""),
        f"| embedding | examples of each | {' | '.join(_NAMES)} | auto is linear | left out |",
        "|---" * (4 + len(_NAMES)) + "|",
    ]
    clips = [clip for file in list_clips([options.clips], {}) for clip in _readable(file)]
    for name in options.embedding:
        seen = embed_clips(clips, _embedding(name, clips))
        lines += [
            f"| {name.split('/')[-1]} | {count} | {judge(seen, count, options.draws)} |" for count in options.counts
        ]
    files = [Path(name) for name in options.embedding if Path(name).is_file()]
    write_result(options.output, f"A handful of examples: clips/{options.clips.name}", lines, [*SHIPPED, *files])


def _readable(file: ClipFile) -> list[LabelledClip]:
    outcome = read_file(file)
    return outcome if isinstance(outcome, list) else []


def _embedding(name: str, clips: list[LabelledClip]) -> Embedding:
    if name.startswith("maps:"):
        return _taught(Path(name.removeprefix("maps:")), clips)
    if name != "detector":
        return load_classifier(WEIGHTS / "actions.safetensors" if name == "actions" else Path(name))
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(WEIGHTS / "players.pt", layers)
        return detector_embedding(layers, "players.pt")


def _taught(path: Path, clips: list[LabelledClip]) -> Embedding:
    """The small network with these maps, its features scaled as for the shipped one, without labels."""
    network = load_start(path, "pooled_maps", 2).eval()
    assert isinstance(network, PooledMaps)
    profile = architecture("pooled_maps").profile
    rescale(network, embed(network, (to_tensor(sixteen(clip.frames)[None], profile) for clip in clips)))
    return network, CheckpointInfo("pooled_maps", (), profile)


def embed_clips(clips: list[LabelledClip], embedding: Embedding) -> Clips:
    """What the embedding makes of each clip and its mirror image."""
    network, info = embedding
    tensors = [to_tensor(sixteen(clip.frames)[None], info.profile) for clip in clips]
    views = torch.stack([embed(network, (x.flip(-1) if mirror else x for x in tensors)) for mirror in (False, True)])
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
    """Macro-F1 of each head; whether auto is linear; what leaving out groups says of the linear one."""
    places = rng.permutation(np.unique(clips.groups))
    learn = np.isin(clips.groups, places[: len(places) * 3 // 5])
    of_label = [np.flatnonzero(learn & (clips.targets == t)) for t in range(len(clips.labels))]
    chosen = np.concatenate([np.sort(rng.permutation(rows)[:count]) for rows in of_label])
    parts = np.concatenate([np.arange(n) * _PARTS // n for n in (min(count, len(rows)) for rows in of_label)])
    examples = _examples(clips, chosen, parts)
    tried = {name: fit_heads(examples, name)[0] for name in (*HEADS, AUTO)}
    tried["no mirror"] = fit_heads(_examples(clips, chosen, parts, views=1), "linear")[0]
    scores = [_macro_f1(clips, np.flatnonzero(~learn), tried[name]) for name in _NAMES]
    left_out = score(examples.targets, tried["linear"].probabilities.argmax(1), clips.labels).macro_f1
    return [*scores, float(tried[AUTO].kind == "linear"), left_out]


def _examples(clips: Clips, chosen: np.ndarray, groups: np.ndarray, views: int = 2) -> Examples:
    features = np.concatenate([clips.views[v, chosen] for v in range(views)])
    rows = np.tile(np.arange(len(chosen)), views)
    return Examples(features, rows, clips.targets[chosen], groups, len(clips.labels))


def _macro_f1(clips: Clips, rows: np.ndarray, head: Head) -> float:
    with torch.inference_mode():
        predicted = head.layer(torch.from_numpy(clips.views[0, rows]).float()).argmax(1).numpy()
    return score(clips.targets[rows], predicted, clips.labels).macro_f1


if __name__ == "__main__":
    main()
