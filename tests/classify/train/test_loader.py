"""Batches: the same however many threads get them ready, balanced as asked for, shared among processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.data.clips import LabelledClip
from classify.train.config import BY_LOSS, TrainConfig
from classify.train.loader import batches, draw, label_weights, steps_per_epoch
from classify.train.processes import ALONE, Team
from ground.ahead import ahead
from ground.errors import InputError

CONFIG = TrainConfig(batch=4, device="cpu")


def _load(squares: list[LabelledClip], team: Team = ALONE, threads: int = 1) -> list[tuple[np.ndarray, list[int]]]:
    order = np.array([7, 0, 3, 2, 5, 5, 1])
    given = batches(squares, np.arange(8) % 2, order, replace(CONFIG, loaders=threads), (1, 2), team)
    return [(b.frames, b.targets.tolist()) for b in given]


def test_batches_are_the_same_however_many_threads_there_are(squares: list[LabelledClip]) -> None:
    alone, many = _load(squares), _load(squares, threads=5)
    assert [y for _, y in alone] == [[1, 0, 1, 0], [1, 1, 1]] == [y for _, y in many]
    assert alone[0][0].shape == (4, 16, 176, 128, 3) and alone[0][0].dtype == np.uint8
    for (x, _), (same, _) in zip(alone, many, strict=True):
        np.testing.assert_array_equal(x, same)
    assert not np.array_equal(alone[1][0][0], alone[1][0][1]), "the same clip twice, at another window or pace"


def test_processes_share_a_batch(squares: list[LabelledClip]) -> None:
    parts = [_load(squares, Team(rank, 2)) for rank in range(2)]
    assert [y for _, y in parts[0]] == [[1, 1], [1, 1]]
    assert [y for _, y in parts[1]] == [[0, 0], [1]]
    with pytest.raises(InputError, match="a batch of 4 cannot be shared by 3 processes"):
        steps_per_epoch(8, CONFIG, Team(0, 3))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.integers(1, 4), st.booleans())
def test_an_epoch_has_as_many_clips_as_there_are(labels: list[int], multiple: int, by_loss: bool) -> None:
    targets = np.array(labels)
    config = replace(CONFIG, balance_by=BY_LOSS) if by_loss else CONFIG
    order = draw(targets, config, np.random.default_rng(0), multiple)
    assert len(order) % multiple == 0 and len(targets) <= len(order) < len(targets) + multiple
    if by_loss:
        assert set(order.tolist()) == set(range(len(targets))), "each is seen"
    weights = label_weights(targets, 4, config)
    assert (weights is None) == (not by_loss)
    if weights is not None:
        seen = np.unique(targets)
        totals = [float(weights[k]) * int((targets == k).sum()) for k in seen]
        assert np.allclose(totals, len(targets) / len(seen), rtol=1e-4), "each label counts as much"


@pytest.mark.parametrize(("balance", "low", "high"), [(1.0, 450, 550), (0.5, 180, 300), (0.0, 50, 50)])
def test_rare_labels_are_drawn_as_often_as_asked_for(balance: float, low: int, high: int) -> None:
    targets = np.array([0] * 950 + [1] * 50)
    order = draw(targets, replace(CONFIG, balance=balance), np.random.default_rng(0))
    assert low <= Counter(targets[order].tolist())[1] <= high


def test_work_ahead_is_in_order_bounded_and_ends_with_its_consumer() -> None:
    done: list[int] = []

    def work(i: int) -> int:
        time.sleep(0.002 * (i % 3))
        done.append(i)
        return i

    assert list(ahead(work, range(20), 4)) == list(range(20))
    done.clear()
    given = ahead(work, range(1000), 2, size=3)
    assert next(given) == 0
    given.close()
    assert len(done) <= 6 and threading.active_count() < 10
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda i: 1 // i, [1, 0], 2))
