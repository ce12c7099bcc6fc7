"""Players stay, everybody else goes, each with a reason."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.by_hand.court_outline import CourtPolygon
from tracker.court.dimensions import COURTS
from tracker.court.known import KnownCourt
from tracker.players.selection import SelectionConfig, choose_players
from tracker.scene.court import Scene
from tracker.types import Detections, Tracks


def _people(rows: list[tuple[int, int, int, float, float]]) -> Tracks:
    """Tracks from rows of identity, first frame, last frame, height, confidence."""
    parts = [(f, i, [10 * i, 0, 10 * i + 5, h], c) for i, a, b, h, c in rows for f in range(a, b)]
    frames, ids, boxes, confidence = zip(*parts, strict=True)
    return Tracks.of(frames, ids, np.array(boxes, np.float32), confidence)


def test_a_filled_in_box_does_not_count_against_a_player() -> None:
    frames, ids = np.tile(np.arange(4), 2), np.repeat([1, 2], 4)
    confidence = np.array([0.9, 0.8, 0.0, 0.9, 0.3, 0.4, 0.9, 0.3])
    observed = np.array([True, True, False, True, True, True, True, True])
    tracks = Tracks.of(frames, ids, np.tile([0, 0, 10, 20], (8, 1)), confidence, observed)
    kept, reasons = choose_players(tracks, SelectionConfig(0.5, 0))
    assert kept.ids.tolist() == [1]
    assert "0.48" in reasons[2]
    assert choose_players(tracks, SelectionConfig(0, 0))[1] == {}


def test_substitutes_on_the_far_touchline_are_not_the_eleventh_player() -> None:
    players = [(i, 0, 100, 200.0, 0.7) for i in range(1, 11)]
    bench = [(i, 0, 100, 130.0, 0.72) for i in range(11, 15)]
    kept, reasons = choose_players(_people(players + bench), SelectionConfig())
    assert kept.ids.tolist() == list(range(1, 11))
    assert set(reasons) == {11, 12, 13, 14}
    assert len(choose_players(_people(players + bench), SelectionConfig(players=0))[0].ids) == 14


def test_one_player_in_many_pieces_is_one_player() -> None:
    pieces = [(i, 10 * i, 10 * i + 10, 100.0, 0.8) for i in range(1, 9)]
    assert choose_players(_people(pieces), SelectionConfig(players=1))[1] == {}


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(1, 40), st.floats(20, 300), st.floats(0.1, 1.0)),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 6),
)
def test_kept_tracks_are_whole_and_most_of_each_is_within_the_limit(
    rows: list[tuple[int, int, float, float]], players: int
) -> None:
    tracks = _people([(i + 1, a, a + n, h, c) for i, (a, n, h, c) in enumerate(rows)])
    kept, reasons = choose_players(tracks, SelectionConfig(0, players))
    assert set(kept.ids.tolist()) | set(reasons) == set(tracks.ids.tolist())
    assert set(kept.ids.tolist()).isdisjoint(reasons)
    for track_id, track in kept.by_id():
        assert len(track) == int((tracks.track_id == track_id).sum())


def test_nobody_is_nobody() -> None:
    kept, reasons = choose_players(Tracks.empty(), SelectionConfig())
    assert len(kept) == 0 and reasons == {}
    with pytest.raises(InputError):
        SelectionConfig(min_confidence=2)
    with pytest.raises(InputError):
        SelectionConfig(players=-1)


FRAMES = 150
PITCH = np.arange(1, 8) * 150.0
"""Where the seven of ``_game`` stand, in pixels."""


def _game(
    off: list[float] | None = None, moving: float = 3.0, confidence: float = 0.6, **known: object
) -> tuple[Tracks, Scene]:
    """Six players who run to and fro on the floor, and a seventh with ``off`` as his share of it, six seconds long.

    moving: heights that the seventh walks up and down. Detections are the boxes themselves.
    """
    frames = np.repeat(np.arange(FRAMES), 7).astype(np.int32)
    ids = np.tile(np.arange(1, 8), FRAMES)
    sway = 100 * np.where(ids == 7, moving, 3.0) * np.sin(frames / 20)
    left = PITCH[ids - 1]
    boxes = np.stack([left, 200 + sway, left + 40, 300 + sway], axis=1)
    surety = np.where(ids == 7, confidence, 0.8)
    floor = np.where(ids == 7, np.resize(off or [1.0], len(ids)), 1.0).astype(np.float32)
    found = Detections.of(boxes, surety)
    fields: dict[str, object] = {
        "size": (1280, 720),
        "index": np.arange(FRAMES, dtype=np.int32),
        "time": np.arange(FRAMES) / 25,
        "people": found,
        "people_frame": frames,
        "floor": floor,
        "camera": np.tile([0.0, 0.0, 1.0], (FRAMES, 1)),
    }
    return Tracks.of(frames, ids, boxes, surety), Scene(**(fields | known))  # type: ignore[arg-type]


EVERYBODY = SelectionConfig(0, 0, drop_outside=False, drop_still=False)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.floats(0, 1), st.floats(0, 4), st.floats(0.2, 1.0))
def test_who_stands_on_the_court_is_kept_whatever_else_he_does(share: float, moving: float, confidence: float) -> None:
    tracks, scene = _game([share], moving, confidence)
    reasons = choose_players(tracks, SelectionConfig(0, 0), scene)[1]
    assert set(reasons) <= {7}
    if share >= 0.75:
        assert reasons == {}, "a shooter may stand in his corner all day"
    if share < 0.24:
        assert "outside the court" in reasons[7]
    assert choose_players(tracks, EVERYBODY, scene)[1] == {}


def test_a_player_who_steps_out_for_a_while_is_kept() -> None:
    tracks, scene = _game([0.0] * 7 * 80 + [1.0] * 7 * 70)
    assert choose_players(tracks, SelectionConfig(0, 0), scene)[1] == {}


@pytest.mark.parametrize(
    ("share", "moving", "confidence", "goes"),
    [(0.5, 0.2, 0.5, True), (0.5, 3.0, 0.5, False), (0.5, 0.2, 0.8, False), (0.9, 0.2, 0.5, False)],
)
def test_still_at_the_edge_and_unsure_together_make_a_bench(
    share: float, moving: float, confidence: float, goes: bool
) -> None:
    tracks, scene = _game([share], moving, confidence)
    reasons = choose_players(tracks, SelectionConfig(0, 0), scene)[1]
    assert (reasons.get(7) == "in one place at the court's edge for 6.0 s") == goes
    assert choose_players(tracks, SelectionConfig(0, 0, drop_still=False), scene)[1] == {}
    short = tracks[tracks.frame_index < 90]
    assert choose_players(short, SelectionConfig(0, 0), scene)[1] == {}, "players wait, too, but not for long"


@pytest.mark.slow
@settings(max_examples=25)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.99, 1.01))
def test_a_bench_is_still_when_the_camera_moves(dx: float, dy: float, zoom: float) -> None:
    tracks, scene = _game([0.5], 0.1, 0.5)
    steps = np.arange(FRAMES)
    camera = np.stack([dx * steps, dy * steps, zoom**steps], axis=1)
    middle, move = np.tile([640, 360], 2), camera[tracks.frame_index]
    seen = middle + move[:, 2:] * (tracks.xyxy - middle) + np.tile(move[:, :2], 2)
    panned = Tracks.of(tracks.frame_index, tracks.track_id, seen, tracks.confidence)
    found = Detections.of(panned.xyxy, panned.confidence)
    scene = dataclasses.replace(scene, people=found, camera=camera)
    assert list(choose_players(panned, SelectionConfig(0, 0), scene)[1]) == [7]
    unknown = dataclasses.replace(scene, camera=None)
    assert choose_players(panned, SelectionConfig(0, 0), unknown)[1] == {}


def test_an_outline_by_hand_outweighs_the_floor() -> None:
    tracks, scene = _game([1.0])
    outline = CourtPolygon(((0.0, 0.0), (1000.0, 0.0), (1000.0, 720.0), (0.0, 720.0)))
    kept, reasons = choose_players(tracks, SelectionConfig(0, 0), dataclasses.replace(scene, court=(outline,)))
    assert list(reasons) == [7] and "outside the court: 0%" in reasons[7]
    assert kept.ids.tolist() == [1, 2, 3, 4, 5, 6]


def test_known_lines_outweigh_the_floor_where_they_are_known() -> None:
    """The seventh stands two metres beyond the baseline on the same wood."""
    tracks, scene = _game([1.0])
    to_metres = np.array([[0.02, 0, 0], [0, 0.02, -6.0], [0, 0, 1.0]])
    to_metres[0, 2] = COURTS["nba"].length / 2 + 2 - 0.02 * (PITCH[6] + 20)
    known = KnownCourt("nba", scene.index, np.stack([to_metres] * FRAMES))
    kept, reasons = choose_players(tracks, SelectionConfig(0, 0), dataclasses.replace(scene, known=known))
    assert list(reasons) == [7] and "outside the court: 0%" in reasons[7]
    assert kept.ids.tolist() == [1, 2, 3, 4, 5, 6]
    other = dataclasses.replace(scene, known=dataclasses.replace(known, kind="other"))
    assert not choose_players(tracks, SelectionConfig(0, 0), other)[1], "of which nobody knows where its lines are"


def test_nothing_is_said_of_what_is_not_known() -> None:
    tracks, scene = _game([0.0])
    for unknown in (
        dataclasses.replace(scene, floor=None),
        dataclasses.replace(scene, floor=np.full(len(tracks), np.nan, np.float32)),
        dataclasses.replace(scene, people=Detections.empty(), people_frame=scene.people_frame[:0], floor=np.zeros(0)),
        dataclasses.replace(scene, floor=np.where(tracks.frame_index % 5 > 1, np.nan, 0).astype(np.float32)),
        None,
    ):
        assert choose_players(tracks, SelectionConfig(0, 0), unknown)[1] == {}
    assert choose_players(Tracks.empty(), SelectionConfig(), scene)[1] == {}
    glimpse = tracks[(tracks.track_id < 7) | (tracks.frame_index < 5)]
    assert choose_players(glimpse, SelectionConfig(0, 0), scene)[1] == {}


def test_each_dropped_track_has_one_reason_of_one_line() -> None:
    tracks, scene = _game([0.0], moving=0.0, confidence=0.3)
    for config, word in (
        (SelectionConfig(), "outside"),
        (SelectionConfig(drop_outside=False), "one place"),
        (SelectionConfig(drop_outside=False, drop_still=False), "confidence"),
    ):
        reasons = choose_players(tracks, config, scene)[1]
        assert list(reasons) == [7] and word in reasons[7] and "\n" not in reasons[7]
