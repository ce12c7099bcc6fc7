"""Players stay, everybody else goes, each with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import InputError
from tracker.roster import RosterConfig, choose_players
from tracker.types import Tracks


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
    kept, reasons = choose_players(tracks, RosterConfig(0.5, 0))
    assert kept.ids.tolist() == [1]
    assert "0.48" in reasons[2]
    assert choose_players(tracks, RosterConfig(0, 0))[1] == {}


def test_substitutes_on_the_far_touchline_are_not_the_eleventh_player() -> None:
    players = [(i, 0, 100, 200.0, 0.7) for i in range(1, 11)]
    bench = [(i, 0, 100, 130.0, 0.72) for i in range(11, 15)]
    kept, reasons = choose_players(_people(players + bench), RosterConfig())
    assert kept.ids.tolist() == list(range(1, 11))
    assert set(reasons) == {11, 12, 13, 14}
    assert len(choose_players(_people(players + bench), RosterConfig(players=0))[0].ids) == 14


def test_one_player_in_many_pieces_is_one_player() -> None:
    pieces = [(i, 10 * i, 10 * i + 10, 100.0, 0.8) for i in range(1, 9)]
    assert choose_players(_people(pieces), RosterConfig(players=1))[1] == {}


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
    kept, reasons = choose_players(tracks, RosterConfig(0, players))
    assert set(kept.ids.tolist()) | set(reasons) == set(tracks.ids.tolist())
    assert set(kept.ids.tolist()).isdisjoint(reasons)
    for track_id, track in kept.by_id():
        assert len(track) == int((tracks.track_id == track_id).sum())


def test_nobody_is_nobody() -> None:
    kept, reasons = choose_players(Tracks.empty(), RosterConfig())
    assert len(kept) == 0 and reasons == {}
    with pytest.raises(InputError):
        RosterConfig(min_confidence=2)
    with pytest.raises(InputError):
        RosterConfig(players=-1)
