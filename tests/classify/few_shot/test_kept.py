"""A last layer that examples correct: what they say is learnt, what they are silent about stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from classify.few_shot.heads import Examples
from classify.few_shot.kept import KEEP, fit_kept

_FEATURES, _LABELS = 12, 5


def _layer(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(_FEATURES, _LABELS)


def _examples(seed: int, targets: list[int], views: int = 2) -> Examples:
    rng = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(targets)), views)
    points = rng.normal(size=(len(targets), _FEATURES)) * 3 + 10
    features = points[rows] + 0.1 * rng.normal(size=(len(rows), _FEATURES))
    return Examples(features, rows, np.array(targets), np.arange(len(targets)), _LABELS)


def _logits(layer: nn.Module, examples: Examples) -> np.ndarray:
    with torch.inference_mode():
        return layer(torch.from_numpy(examples.features).float()).double().numpy()


def _error(logits: np.ndarray, examples: Examples) -> float:
    """Mean over labels of what the right one costs, among those that have examples."""
    present = np.unique(examples.targets)
    own = torch.from_numpy(logits[:, present]).log_softmax(1).numpy()
    right = own[np.arange(len(own)), np.searchsorted(present, examples.targets[examples.example])]
    return float(-(examples.row_weights() * right).mean())


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(
    seed=st.integers(0, 500), temperature=st.floats(0.5, 3), targets=st.lists(st.sampled_from([0, 2, 3]), min_size=4)
)
def test_labels_without_examples_stay_and_the_others_err_less(
    seed: int, temperature: float, targets: list[int]
) -> None:
    targets = [*targets, 0, 2]
    layer, examples = _layer(seed), _examples(seed, targets)
    head = fit_kept(examples, layer, temperature)
    before, after = _logits(layer, examples) / temperature, _logits(head.layer, examples)
    present = sorted(set(targets))
    absent = [label for label in range(_LABELS) if label not in present]
    np.testing.assert_allclose(after[:, absent], before[:, absent], atol=1e-4)
    assert _error(after, examples) <= _error(before, examples) + 1e-6
    assert (head.kind, head.temperature) == (KEEP, 1.0) and head.probabilities.shape == (len(targets), _LABELS)


@pytest.mark.slow
def test_the_stiffer_the_less_it_moves() -> None:
    layer, examples = _layer(1), _examples(1, [0, 1, 2] * 4)
    before = _logits(layer, examples)
    moved = [np.abs(_logits(fit_kept(examples, layer, 1.0, s).layer, examples) - before).max() for s in (0.01, 1, 1e6)]
    assert moved[0] > moved[1] > moved[2] and moved[2] < 1e-3


def test_what_is_said_of_an_example_is_said_without_it() -> None:
    """Refitted by hand without the examples of one fold."""
    layer, targets = _layer(3), [0, 1] * 6
    examples = _examples(3, targets, views=1)
    head = fit_kept(examples, layer, 1.0)
    kept = examples.groups % 10 != 0
    numbers = np.cumsum(kept) - 1
    rest = Examples(examples.features[kept], numbers[kept], examples.targets[kept], examples.groups[kept], _LABELS)
    # The features are centred and scaled by all examples there, and by the rest here: nearly the same.
    again = _logits(fit_kept(rest, layer, 1.0).layer, examples)[~kept]
    wanted = np.exp(again) / np.exp(again).sum(1, keepdims=True)
    assert head.probabilities[~kept] == pytest.approx(wanted, abs=0.1)
