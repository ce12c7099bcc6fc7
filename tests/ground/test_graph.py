"""Graphs of small networks say what their weights say."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ground.compute.graph import graph_of, open_graph
from pipeline.shipped import BALL_WEIGHTS, COURT_WEIGHTS, NUMBER_WEIGHTS, WEIGHTS
from tracker.court.network import load_network
from tracker.court.segmenter import HEIGHT, WIDTH
from tracker.detect.ball_look import SEEN, load_ball_network
from tracker.numbers import reader

NETWORKS = {
    COURT_WEIGHTS: (load_network, (1, 3, HEIGHT, WIDTH)),
    BALL_WEIGHTS: (load_ball_network, (5, 3, SEEN, SEEN)),
    NUMBER_WEIGHTS: (reader.load_number_network, (2, 3, reader.HEIGHT, reader.WIDTH)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shipped_graphs_are_of_the_shipped_weights(name: str) -> None:
    load, shape = NETWORKS[name]
    inputs = np.random.default_rng(0).random(shape, dtype=np.float32)
    network = load(WEIGHTS / name).eval()
    with torch.inference_mode():
        wanted = network(torch.from_numpy(inputs)).numpy()
    graph = open_graph(WEIGHTS / name)
    assert graph is not None
    assert np.abs(graph(inputs) - wanted).max() < 1e-3
    assert (graph(inputs) == graph(inputs)).all()


def test_a_graph_of_other_weights_or_none_is_not_taken(tmp_path: Path) -> None:
    weights = tmp_path / BALL_WEIGHTS
    shutil.copy(WEIGHTS / BALL_WEIGHTS, weights)
    assert open_graph(weights) is None
    for suffix in (".xml", ".bin"):
        shutil.copy((WEIGHTS / BALL_WEIGHTS).with_suffix(suffix), tmp_path)
    assert open_graph(weights) is not None
    graph_of(weights).write_text("no graph", encoding="utf-8")
    assert open_graph(weights) is None
    shutil.copy((WEIGHTS / BALL_WEIGHTS).with_suffix(".xml"), tmp_path)
    weights.write_bytes(weights.read_bytes() + b" ")
    assert open_graph(weights) is None
