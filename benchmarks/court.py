"""The court's network: how well it sees the areas of venues that it has not learnt from; and how it is trained.

python -m benchmarks.court judge WEIGHTS DATA --venues A,B
python -m benchmarks.court train DATA -o WEIGHTS [--hold-out A,B] [--steps N]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from pipeline.shipped import WEIGHTS
from tracker.court.network import AREAS, CourtNetwork, CourtSegmenter, save_network
from tracker.court.train import CourtPicture, balanced, court_pictures, fit, read_picture
from tracker.detect.features import export_backbone


def overlaps(segmenter: CourtSegmenter, pictures: Iterable[CourtPicture]) -> dict[str, float]:
    """Intersection over union of each area, pixels of all pictures together."""
    both, either = np.zeros(len(AREAS)), np.zeros(len(AREAS))
    for entry in pictures:
        image, truth = read_picture(entry)
        seen = segmenter.areas(image)
        size = image.shape[1::-1]
        for i in range(len(AREAS)):
            found = cv2.resize(seen[i], size, interpolation=cv2.INTER_LINEAR) > 0.5
            both[i] += (found & (truth[:, :, i] > 0)).sum()
            either[i] += (found | (truth[:, :, i] > 0)).sum()
    return {name: float(part / whole) for name, part, whole in zip(AREAS, both, either, strict=True)}


def judge(options: argparse.Namespace) -> None:
    """Print a table."""
    segmenter = CourtSegmenter(options.weights)
    print(f"| venue | pictures | {' | '.join(AREAS)} |\n|---|---|{'---|' * len(AREAS)}")
    for venue in options.venues.split(","):
        chosen = [p for p in court_pictures(options.data) if p.venue == venue]
        row = overlaps(segmenter, chosen).values()
        print(f"| {venue} | {len(chosen)} | {' | '.join(f'{value:.3f}' for value in row)} |")


def train(options: argparse.Namespace) -> None:
    """Train, from the backbone of the shipped detector, and write the weights."""
    torch.set_num_threads(1)
    held_out = set(options.hold_out.split(","))
    chosen = balanced([p for p in court_pictures(options.data) if p.venue not in held_out])
    read = {entry.picture: read_picture(entry) for entry in set(chosen)}
    torch.manual_seed(1)
    network = CourtNetwork()
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(WEIGHTS / "players.pt", layers)
        network.load_state_dict(load_file(layers), strict=False)
    for step, loss in enumerate(fit(network, [read[entry.picture] for entry in chosen], options.steps)):
        if step % 100 == 0:
            print(f"{step} {loss:.3f}", flush=True)
    save_network(network, options.output)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    judging = commands.add_parser("judge")
    judging.add_argument("weights", type=Path)
    judging.add_argument("data", type=Path)
    judging.add_argument("--venues", required=True)
    judging.set_defaults(run=judge)
    training = commands.add_parser("train")
    training.add_argument("data", type=Path)
    training.add_argument("-o", "--output", type=Path, required=True)
    training.add_argument("--hold-out", default="")
    training.add_argument("--steps", type=int, default=2600)
    training.set_defaults(run=train)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
