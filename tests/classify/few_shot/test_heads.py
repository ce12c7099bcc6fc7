"""Heads from a handful of examples: what they say of left-out examples is what refitting says, and who is chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.few_shot.heads import Examples, Floats, Head, fit_heads, fit_linear, fit_neighbours
from ground.errors import InputError


def _blobs(
    sizes: tuple[int, ...], spread: float, seed: int = 0, views: int = 2, features: int = 12, group_size: int = 1
) -> Examples:
    """Examples around a centre for each label; the rows of one example are alike, and so are those of a group."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(sizes)), sizes)
    groups = np.arange(len(targets)) // group_size
    centres = 3 * rng.normal(size=(len(sizes), features)) + 50
    shared = rng.normal(size=(groups.max() + 1, features))
    points = centres[targets] + spread * shared[groups]
    rows = np.tile(np.arange(len(targets)), views)
    return Examples(points[rows] + 0.01 * rng.normal(size=(len(rows), features)), rows, targets, groups, len(sizes))


def _refitted(examples: Examples, head: Head) -> Floats:
    """What ridge regression, written down as in a textbook, says of each row when its group is not there."""
    x = examples.features - examples.features.mean(0)
    x = np.column_stack([x / np.linalg.norm(examples.features.std(0)), np.ones(len(x))])
    wanted = np.eye(examples.num_labels)[examples.targets[examples.example]] - 1 / examples.num_labels
    weights, groups = examples.row_weights(), examples.groups[examples.example]
    predicted = np.empty_like(wanted)
    for group in np.unique(groups):
        a, w, b = (v[groups != group] for v in (x, weights, wanted))
        decay = head.setting * len(x) * np.eye(x.shape[1])
        predicted[groups == group] = x[groups == group] @ np.linalg.solve(
            a.T @ (w[:, None] * a) + decay, a.T @ (w[:, None] * b)
        )
    return predicted


def _softmax(logits: Floats) -> Floats:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), views=st.integers(1, 3), group_size=st.integers(1, 3), spread=st.floats(0.5, 8))
def test_left_out_answers_are_those_of_refitting(seed: int, views: int, group_size: int, spread: float) -> None:
    examples = _blobs((4, 7, 5), spread, seed, views, group_size=group_size)
    head = fit_linear(examples)
    rows = _refitted(examples, head)
    logits = np.stack([rows[examples.example == i].mean(0) for i in range(len(examples.targets))])
    assert head.probabilities == pytest.approx(_softmax(logits / head.temperature), abs=1e-3)


@pytest.mark.parametrize("kind", ["linear", "neighbours"])
def test_blobs_are_told_apart_also_when_left_out(kind: str) -> None:
    examples = _blobs((6, 9, 3), spread=0.3)
    (head,) = fit_heads(examples, kind)
    rows = torch.from_numpy(examples.features).float()
    with torch.inference_mode():
        predicted = (head.layer(rows) / head.temperature).softmax(1)
    assert head.kind == kind
    assert (predicted.argmax(1).numpy() == examples.targets[examples.example]).all()
    assert (head.probabilities.argmax(1) == examples.targets).all()
    assert head.probabilities.sum(1) == pytest.approx(1)
    assert predicted.max(1).values.min() > 0.6, "a head is sure of what is far apart"


def test_the_nearest_example_is_the_one_that_votes() -> None:
    examples = _blobs((5, 5, 5), spread=4.0, seed=2, views=1)
    layer = fit_neighbours(examples).layer
    layer.ranks = torch.nn.Buffer(torch.ones(1))
    centred = examples.features - examples.features.mean(0)
    questions = centred + 8 * np.random.default_rng(1).normal(size=centred.shape)
    unit, asked = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (centred, questions))
    nearest = examples.targets[(asked @ unit.T).argmax(1)]
    with torch.inference_mode():
        predicted = layer(torch.from_numpy(questions + examples.features.mean(0)).float()).argmax(1).numpy()
    assert (predicted == nearest).all() and (nearest != examples.targets).any()


def test_few_right_answers_are_no_certainty() -> None:
    sure = [fit_heads(_blobs((n, n, n), spread=0.3))[0].probabilities.max(1).mean() for n in (3, 30)]
    assert 0.6 < sure[0] < 0.9 and sure[1] > 0.95


@pytest.mark.parametrize("kind", ["linear", "neighbours"])
def test_copies_of_an_example_do_not_speak_for_it(kind: str) -> None:
    rng = np.random.default_rng(3)
    points, targets = rng.normal(size=(60, 40)), np.arange(60) % 3
    rows = np.tile(np.arange(60), 2)
    (head,) = fit_heads(Examples(points[rows], rows, targets, np.arange(60), 3), kind)
    assert (head.probabilities.argmax(1) == targets).mean() < 0.55, "labels by chance cannot be foretold"
    assert head.probabilities.max(1).mean() < 0.6, "and the head knows that"


def test_rare_labels_count_as_much_as_common_ones() -> None:
    examples = _blobs((40, 4), spread=4.0, features=6)
    for head in fit_heads(examples):
        predicted = head.probabilities.argmax(1)
        recall = [(predicted[examples.targets == t] == t).mean() for t in (0, 1)]
        assert min(recall) >= 0.5, (head.kind, recall)


def test_neighbours_are_chosen_only_where_they_are_clearly_better() -> None:
    assert fit_heads(_blobs((8, 8, 8), spread=2.0))[0].kind == "linear"
    rng = np.random.default_rng(0)
    # Labels that alternate around a circle: no plane tells them apart, the nearest examples do.
    angle = np.repeat(np.arange(8), 6) * np.pi / 4 + 0.05 * rng.normal(size=48)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    circle = Examples(points, np.arange(48), np.repeat(np.arange(8), 6) % 2, np.arange(48), 2)
    best, other = fit_heads(circle)
    assert (best.kind, other.kind) == ("neighbours", "linear")
    assert (best.probabilities.argmax(1) == circle.targets).all()


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(InputError, match="a head is linear, neighbours or auto, not 'forest'"):
        fit_heads(_blobs((3, 3), 1.0), "forest")
