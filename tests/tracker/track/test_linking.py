from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ground.errors import InputError
from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.linking import LinkingConfig, link
from tracker.track.tracklets import Tracklets, cut
from tracker.types import Tracks

RATE = 25


def tracklets(
    *pieces: tuple[int, Float64Array], camera: Float64Array | None = None, cuts: tuple[int, ...] = ()
) -> Tracklets:
    """Pieces as first frame and boxes in the hall (N, 4); ``camera`` (F, 2) moves what the picture shows.

    cuts: frames with which another shot begins.
    """
    frame = np.concatenate([np.arange(len(boxes)) + first for first, boxes in pieces])
    track = np.repeat(np.arange(len(pieces)), [len(boxes) for _, boxes in pieces])
    shift = np.zeros((len(frame), 2)) if camera is None else camera[frame]
    xyxy = np.concatenate([boxes for _, boxes in pieces]) + np.tile(shift, 2)
    nobody = np.zeros(len(frame), np.bool_)
    shot = np.searchsorted(np.array(cuts, np.intp), frame, "right")
    return cut(track, frame, frame / RATE, xyxy, np.ones(len(frame)), shift, nobody, shot)


def walk(x: float, speed: float, frames: int, y: float = 400, height: float = 150) -> Float64Array:
    """Boxes (frames, 4) of somebody who goes at ``speed`` heights per second."""
    centre = x + speed * height / RATE * np.arange(frames)
    top, bottom = np.full(frames, y - height / 2), np.full(frames, y + height / 2)
    return np.stack([centre - 0.2 * height, top, centre + 0.2 * height, bottom], axis=1)


def identities(tracks: Tracks, *frames: int) -> list[list[int]]:
    """At each frame the identities from left to right."""
    rows = (tracks.at(frame) for frame in frames)
    return [r.track_id[np.argsort(r.xyxy[:, 0])].tolist() for r in rows]


CORNERS = (0, walk(60, 0, 200, y=100)), (0, walk(1200, 0, 200, y=700))
"""Two who stand in the corners, so that the picture is as wide as it is."""


def test_two_who_cross_behind_each_other_go_on_as_they_went() -> None:
    pieces = tracklets(
        *CORNERS,
        (0, walk(400, 1.0, 50)), (0, walk(1036, -1.0, 50)),
        (56, walk(400 + 56 * 6, 1.0, 50)), (56, walk(1036 - 56 * 6, -1.0, 50)),
    )  # fmt: skip
    before, after = identities(link(pieces), 40, 100)
    assert before[1:3] == after[2:0:-1]


def test_two_who_meet_and_turn_back_are_told_by_their_motion() -> None:
    there, back = walk(400, 0.8, 50), walk(400, 0.8, 50)[::-1]
    other, again = walk(720, -0.8, 50), walk(720, -0.8, 50)[::-1]
    before, after = identities(link(tracklets(*CORNERS, (0, there), (0, other), (54, back), (54, again))), 10, 95)
    assert before == after


def test_a_tall_one_and_a_short_one_are_told_apart_after_a_long_hug() -> None:
    crossing = (
        [(0, walk(500, 0, 50, height=h)) for h in (140, 165)],
        [(60, walk(500, 0, 50, height=h)) for h in (165, 140)],
    )
    tracks = link(tracklets(*CORNERS, *crossing[0], *crossing[1]))
    height = tracks.xyxy[:, 3] - tracks.xyxy[:, 1]
    for _, track in tracks.by_id():
        assert np.ptp(track.xyxy[:, 3] - track.xyxy[:, 1]) < 10
    assert np.ptp(height) > 20


def test_who_leaves_at_one_side_comes_back_there() -> None:
    left, right = walk(30, 0, 50), walk(1230, 0, 50)
    tracks = link(tracklets((0, walk(640, 0, 200)), (0, left), (0, right), (150, left), (150, right)))
    before, after = identities(tracks, 10, 180)
    assert before == after
    assert len(tracks.ids) == 3


def test_a_pan_is_not_a_walk() -> None:
    camera = np.stack([300 * np.sin(np.arange(200) / 20), np.zeros(200)], axis=1)
    standing = [(0, walk(x, 0, 90)) for x in (500, 600)] + [(100, walk(x, 0, 90)) for x in (500, 600)]
    tracks = link(tracklets(*CORNERS, *standing, camera=camera))
    before, after = identities(tracks, 80, 110)
    assert before == after


def test_a_player_is_never_in_two_places() -> None:
    tracks = link(tracklets(*CORNERS, (0, walk(500, 0, 60)), (40, walk(500, 0, 60))))
    assert len(tracks.ids) == 4


def test_ghosts_and_more_players_than_there_are() -> None:
    pieces = tracklets(*CORNERS, (30, walk(700, 0, 4)), (0, walk(400, 0, 100)))
    assert len(link(pieces).ids) == 3
    assert len(link(pieces, LinkingConfig(min_length=0)).ids) == 4
    kept = link(pieces, LinkingConfig(players=2))
    assert len(kept.ids) == 2
    assert len(kept) == 400


def test_other_evidence_decides_where_boxes_do_not() -> None:
    before = [(0, walk(x, 0, 50)) for x in (500, 510)]
    after = [(58, walk(x, 0, 50)) for x in (500, 510)]
    pieces = tracklets(*CORNERS, *before, *after)
    cost = np.zeros((6, 6))
    for swap in (False, True):
        cost[2:4, 4:6] = np.where(np.eye(2, dtype=bool) == swap, 30.0, 0.0)
        a, b = identities(link(pieces, evidence=lambda i, j, _: cost[i, j]), 20, 90)
        assert (a == b) != swap


def three_shots() -> Tracklets:
    """Tracklets 0, 1 before a cut, 2, 3 after it, in each other's places, 4, 5 in a shot five minutes later."""
    a, b = walk(400, 0, 50), walk(800, 0, 50)
    return tracklets((0, a), (0, b), (50, a), (50, b), (7600, a), (7600, b), cuts=(50, 7600))


def looks(person: list[int], evidence: float) -> Callable[[Indices, Indices, Indices], Float64Array]:
    who = np.array(person)
    return lambda i, j, _: np.where(who[i] == who[j], -evidence, evidence)


def test_without_looks_nobody_outlives_a_cut() -> None:
    still = [(0, walk(400, 0, 50)), (50, walk(400, 0, 50))]
    assert len(link(tracklets(*still)).ids) == 1
    assert len(link(tracklets(*still, cuts=(50,))).ids) == 2
    assert len(link(tracklets(*still, cuts=(50,)), evidence=lambda i, _j, _c: np.zeros(len(i))).ids) == 2
    assert len(link(three_shots()).ids) == 6


@pytest.mark.parametrize(("evidence", "found"), [(30.0, True), (0.5, False)])
def test_looks_find_a_player_again_in_any_later_shot(evidence: float, found: bool) -> None:
    tracks = link(three_shots(), evidence=looks([0, 1, 1, 0, 0, 1], evidence))
    first, second, third = identities(tracks, 10, 60, 7610)
    assert (first == second[::-1] == third) == found
    assert len(tracks.ids) == (2 if found else 6)


def test_a_player_who_misses_a_shot_is_found_in_the_next() -> None:
    tracks = link(three_shots(), evidence=looks([0, 1, 2, 1, 0, 3], 30.0))
    first, second, third = identities(tracks, 10, 60, 7610)
    assert first[0] == third[0]
    assert first[1] == second[1]
    assert len(tracks.ids) == 4


def test_nobody_is_found_again_after_too_long() -> None:
    evidence = looks([0, 1, 1, 0, 0, 1], 30.0)
    assert len(link(three_shots(), LinkingConfig(max_absence_over_cuts=100), evidence).ids) == 4
    assert len(link(three_shots(), LinkingConfig(max_absence_over_cuts=0.02), evidence).ids) == 6


def test_all_of_a_shot_speaks_for_who_it_is() -> None:
    halves = (0, walk(400, 0, 20)), (30, walk(400, 0, 20)), (50, walk(900, 0, 20)), (80, walk(900, 0, 20))
    seen: set[tuple[int, int, bool]] = set()

    def evidence(i: Indices, j: Indices, chain: Indices) -> Float64Array:
        seen.update(zip(i.tolist(), j.tolist(), (chain == [0, 0, 2, 2]).all(keepdims=True).repeat(len(i)), strict=True))
        return np.full(len(i), -20.0)

    assert len(link(tracklets(*halves, cuts=(50,)), evidence=evidence).ids) == 1
    assert (1, 2, True) in seen
    assert not {(i, j) for i, j, _ in seen} - {(0, 1), (2, 3), (1, 2)}


def test_cuts_where_boxes_are_missing_and_where_doubt_begins() -> None:
    frame = np.array([0, 1, 2, 3, 4, 20, 21, 22])
    doubtful = np.array([0, 0, 1, 1, 0, 0, 0, 0], np.bool_)
    boxes = walk(0, 0, 8)
    one = np.ones(8, np.intp)
    pieces = cut(one, frame, frame / RATE, boxes, np.ones(8), np.zeros((8, 2)), doubtful, one)
    assert pieces.tracklet.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert pieces.first.tolist() == [0, 2, 5]
    assert (pieces.shot == 1).all()
    assert pieces.last.tolist() == [1, 4, 7]


def test_no_tracklets_and_no_links() -> None:
    none = np.empty(0)
    no = none.astype(np.intp)
    empty = cut(no, no, none, np.empty((0, 4)), none, np.empty((0, 2)), none > 0, no)
    assert len(link(empty)) == 0
    assert len(link(tracklets((0, walk(500, 0, 20)))).ids) == 1


@pytest.mark.parametrize(
    "knob",
    [
        {"max_absence_over_cuts": -1},
        {"max_absence": -1},
        {"min_length": -1},
        {"players": -1},
        {"max_absence": float("nan")},
    ],
)
def test_impossible_knobs(knob: dict[str, float]) -> None:
    with pytest.raises(InputError, match="0 or more"):
        LinkingConfig(**knob)  # type: ignore[arg-type]
