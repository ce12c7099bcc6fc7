"""Votes over readings: said only when sure, one number per team at a time, and evidence of who is who."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.numbers.reader import READING, TEXTS, likelihoods
from tracker.numbers.votes import NumberEvidence, NumberViews, evidence, find_numbers, vote
from tracker.track.linking import link
from tracker.track.tracklets import cut
from tracker.types import FloatArray, Tracks

_NUMBERS = st.sampled_from(TEXTS)


def reading(text: str, sure: float = 0.97, legible: float = 0.95) -> FloatArray:
    """A view in which the network reads ``text``."""
    first, last = np.full(11, (1 - sure) / 10), np.full(10, (1 - sure) / 9)
    first[0 if len(text) == 1 else 1 + int(text[0])] = sure
    last[int(text[-1])] = sure
    return np.concatenate([[legible], first, last]).astype(np.float32)


def readings(*texts: str) -> FloatArray:
    return np.array([reading(text) for text in texts], np.float32).reshape(-1, READING)


BLANK = reading("8", legible=0.001)


@given(_NUMBERS)
def test_what_is_read_is_the_number_that_was_written(text: str) -> None:
    chance = likelihoods(readings(text))[0]
    assert TEXTS[int(chance.argmax())] == text
    assert chance.sum() == pytest.approx(1)


@given(_NUMBERS, st.integers(3, 8))
def test_views_that_agree_say_a_number(text: str, count: int) -> None:
    said = vote(readings(*[text] * count))
    assert said is not None and said.text == text and said.probability >= 0.95


@given(_NUMBERS, st.integers(0, 20))
def test_one_view_alone_says_nothing_however_sure(text: str, blanks: int) -> None:
    assert vote(np.array([reading(text, 0.9999, 0.9999), *[BLANK] * blanks])) is None


@given(_NUMBERS, st.integers(1, 12))
def test_backs_without_a_number_say_nothing(text: str, count: int) -> None:
    assert vote(np.array([reading(text, legible=0.02)] * count)) is None


@given(_NUMBERS, _NUMBERS, st.integers(1, 4))
def test_as_many_views_of_another_number_leave_it_unsaid(one: str, other: str, count: int) -> None:
    if one != other:
        assert vote(readings(*[one, other] * count)) is None


def test_views_that_show_nothing_take_nothing_away() -> None:
    seen = readings("23", "23", "23")
    alone, among = vote(seen), vote(np.concatenate([seen, [BLANK] * 50]))
    assert alone is not None and among is not None
    assert among.text == "23" and among.probability == pytest.approx(alone.probability, abs=0.01)


def _tracks(spans: dict[int, range]) -> Tracks:
    rows = sorted((frame, one) for one, frames in spans.items() for frame in frames)
    frame, one = np.array(rows).T
    left = 100.0 * one
    return Tracks.of(frame, one, np.stack([left, 0 * left, left + 50, 0 * left + 150], axis=1))


def _found(spans: dict[int, range], worn: dict[int, Sequence[str]], teams: dict[int, str]) -> dict[int, str]:
    tracks = _tracks(spans)
    seen = [(frame, one, text) for one, texts in worn.items() for frame, text in zip(spans[one], texts, strict=False)]
    at = [int(np.flatnonzero((tracks.frame_index == f) & (tracks.track_id == one))[0]) for f, one, _ in seen]
    views = NumberViews(
        tracks.frame_index[at].astype(np.intp), tracks.xyxy[at].astype(np.float64), readings(*(t for *_, t in seen))
    )
    return {one: number.text for one, number in find_numbers(tracks, views, teams).items()}


def test_of_two_of_one_team_at_once_the_surer_one_wears_the_number() -> None:
    worn = {1: ["23"] * 6, 2: ["23"] * 3, 3: ["23"] * 4}
    at_once = {1: range(10), 2: range(10), 3: range(10)}
    assert _found(at_once, worn, {1: "A", 2: "A", 3: "B"}) == {1: "23", 3: "23"}


def test_one_after_the_other_may_wear_it_and_who_is_of_no_team_has_none() -> None:
    worn = {1: ["23"] * 4, 2: ["23"] * 4, 3: ["7"] * 4}
    assert _found({1: range(10), 2: range(20, 30), 3: range(10)}, worn, {1: "A", 2: "A"}) == {1: "23", 2: "23"}


def _evidence(*views: FloatArray) -> NumberEvidence:
    tracklet = np.repeat(np.arange(len(views)), [len(one) for one in views])
    count = np.arange(len(views))
    return NumberEvidence.of(np.concatenate(views), tracklet, count.astype(np.float64), count)


def test_the_same_number_joins_another_parts_and_none_says_nothing() -> None:
    worn = _evidence(readings("4", "4", "4"), readings("4", "4"), readings("42", "42"), np.array([BLANK] * 3)[:0])
    i, j = np.array([0, 0, 0]), np.array([1, 2, 3])
    same, other, nothing = worn.costs(i, j, np.arange(4))
    assert same < -4 and other > 3 and nothing == 0


def test_within_a_shot_numbers_say_nothing() -> None:
    worn = dataclasses.replace(_evidence(readings("4", "4"), readings("4", "4")), shot=np.array([3, 3]))
    assert worn.costs(np.array([0]), np.array([1]), np.arange(2)).tolist() == [0]


def test_after_a_cut_players_are_found_again_by_their_numbers_wherever_they_stand() -> None:
    """Two players change sides while the camera is away; without numbers nobody outlives the cut."""
    track, frame = (
        np.repeat([0, 1, 2, 3], 30),
        np.concatenate([np.tile(np.arange(30), 2), np.tile(np.arange(60, 90), 2)]),
    )
    left = np.repeat([100.0, 500.0, 100.0, 500.0], 30)
    xyxy = np.stack([left, 0 * left + 100, left + 60, 0 * left + 250], axis=1)
    still, certain = np.zeros((120, 2)), np.full(120, 0.9)
    tracklets = cut(
        track, frame, frame / 30, xyxy, certain, still, np.zeros(120, np.bool_), (frame >= 60).astype(np.intp)
    )
    worn = _evidence(readings("4", "4"), readings("23", "23"), readings("23", "23"), readings("4", "4"))
    worn = dataclasses.replace(worn, seconds=tracklets.seconds[tracklets.first], shot=tracklets.shot[tracklets.first])
    assert len(link(tracklets).ids) == 4
    tracks = link(tracklets, evidence=worn.costs)
    sides = {i: sorted(set(tracks.xyxy[tracks.track_id == i, 0].tolist())) for i in tracks.ids.tolist()}
    assert list(sides.values()) == [[100, 500], [100, 500]]


@given(st.lists(st.lists(_NUMBERS, max_size=4), min_size=2, max_size=6))
def test_a_link_costs_what_it_changes_in_the_likelihood_of_chains(worn: list[list[str]]) -> None:
    told = _evidence(*(readings(*texts) for texts in worn))
    alone = told.of_one(told.told)
    cost = told.costs(np.array([0]), np.array([1]), np.arange(len(worn)))[0]
    assert cost == pytest.approx(alone[0] + alone[1] - told.of_one(told.told[:1] + told.told[1:2])[0], abs=1e-9)


@given(st.lists(_NUMBERS, min_size=1, max_size=6))
def test_lumping_unread_numbers_together_loses_nothing(texts: list[str]) -> None:
    """The likelihood of one person is the same with a column for each number."""
    whole = evidence(readings(*texts)).sum(axis=0)
    lumped = _evidence(readings(*texts))
    wanted = 2 * (np.logaddexp.reduce(whole) - np.log(len(TEXTS)))
    assert lumped.of_one(lumped.told)[0] == pytest.approx(wanted, abs=0.2)
