"""Write the graphs of the small networks anew, beside their weights: after these were trained.

python -m benchmarks.graphs
"""

from __future__ import annotations

import torch

from ground.compute.graph import save_graph
from pipeline.shipped import BALL_WEIGHTS, COURT_WEIGHTS, NUMBER_WEIGHTS, WEIGHTS
from tracker.court.network import load_network
from tracker.court.segmenter import HEIGHT, WIDTH
from tracker.detect.ball_look import SEEN, load_ball_network
from tracker.numbers import reader


def main() -> None:
    """Write all."""
    court, ball, numbers = (WEIGHTS / name for name in (COURT_WEIGHTS, BALL_WEIGHTS, NUMBER_WEIGHTS))
    save_graph(load_network(court), torch.zeros(1, 3, HEIGHT, WIDTH), court)
    save_graph(load_ball_network(ball), torch.zeros(2, 3, SEEN, SEEN), ball)
    save_graph(reader.load_number_network(numbers), torch.zeros(2, 3, reader.HEIGHT, reader.WIDTH), numbers)


if __name__ == "__main__":
    main()
