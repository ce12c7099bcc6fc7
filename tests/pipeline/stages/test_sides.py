"""Whose team has the ball speaks for and against defending, blocking, setting a pick."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from classify.types import ACTIONS, ActionScores
from pipeline.analysis.values import Frames
from pipeline.stages.possession import combine_with_ball
from pipeline.stages.sides import ATTACKING, DEFENDING, combine_with_sides, possession
from tracker.ball.path import SEEN, UNSEEN, BallPath
from tracker.ball.scene import NOBODY
from tracker.teams.teams import Member, Teams

_RATE, _NUM = 30, 240
_A, _B, _REFEREE = 1, 2, 3
_TEAMS = Teams(
    ("Larks", "Owls"), members={_A: Member("Larks", 1.0), _B: Member("Owls", 0.9), _REFEREE: Member("", 1.0)}
)
_EVEN = np.full(len(ACTIONS), 0.1)


def _frames(*cuts: int) -> Frames:
    zero = np.zeros(_NUM)
    is_cut = np.isin(np.arange(_NUM), cuts)
    return Frames(np.arange(_NUM, dtype=np.int32), np.arange(_NUM) / _RATE, np.zeros((_NUM, 2)), zero + 1, is_cut)


def _ball(holder: dict[int, int], state: int = SEEN) -> BallPath:
    """In hands in some frames, followed in all."""
    index = np.arange(_NUM, dtype=np.int32)
    held = np.array([holder.get(i, NOBODY) for i in range(_NUM)], np.int32)
    return BallPath(index, np.zeros((_NUM, 2), np.float32), np.full(_NUM, state, np.uint8), held)


def _said(probabilities: Any, player: int, holder: int, labels: tuple[str, ...] = ACTIONS) -> dict[str, float]:
    score = ActionScores(player, 2.0, 2.64, np.asarray(probabilities, np.float32))
    ball = _ball(dict.fromkeys(range(40, 90), holder))
    (found,) = combine_with_sides([score], labels, ball, _TEAMS, _frames())
    return dict(zip(labels, found.probabilities.tolist(), strict=True))


def test_who_attacks_does_not_defend_and_who_defends_sets_no_pick() -> None:
    attacks, defends = _said(_EVEN, _A, holder=_A), _said(_EVEN, _A, holder=_B)
    assert max(attacks[label] for label in DEFENDING) < 0.01 < attacks["pick"]
    assert max(defends[label] for label in ATTACKING) < 0.01
    assert min(defends[label] for label in DEFENDING) > 2 * max(defends["run"], defends["walk"], defends["no_action"])


def test_who_is_of_neither_team_and_what_nobody_has_stays_as_it_is() -> None:
    probabilities = np.linspace(1, 2, len(ACTIONS)) / 15
    for player, holder in ((_REFEREE, _A), (99, _A), (_A, NOBODY), (_A, _REFEREE)):
        assert list(_said(probabilities, player, holder).values()) == np.float32(probabilities).tolist()


def test_labels_of_ones_own_are_left_alone() -> None:
    assert _said([0.7, 0.3], _A, _B, ("jump", "fall")) == {"jump": np.float32(0.7), "fall": np.float32(0.3)}


@given(hnp.arrays(np.float64, 10, elements=st.floats(0.001, 1)), st.sampled_from([_A, _B]), st.sampled_from([_A, _B]))
def test_what_both_sides_do_keeps_its_order(raw: np.ndarray, player: int, holder: int) -> None:
    probabilities = raw / raw.sum()
    found = _said(probabilities, player, holder)
    both = [i for i, label in enumerate(ACTIONS) if label not in (*DEFENDING, *ATTACKING)]
    before, after = probabilities[both], np.array([found[ACTIONS[i]] for i in both])
    np.testing.assert_allclose(after / after.sum(), before / before.sum(), rtol=1e-3)
    assert abs(sum(found.values()) - 1) < 1e-5


def test_the_ball_stays_a_teams_until_the_other_has_it() -> None:
    whose = possession(
        _ball({**dict.fromkeys(range(60, 70), _A), **dict.fromkeys(range(200, 210), _B)}), _TEAMS, _frames()
    )
    assert (whose[:169] == 1).all() and (whose[171:] == -1).all(), "before anybody had it, too"


def test_what_another_shot_shows_tells_nothing() -> None:
    whose = possession(_ball(dict.fromkeys(range(60, 70), _A)), _TEAMS, _frames(100))
    assert (whose[:100] == 1).all() and not whose[100:].any()


def test_a_ball_that_is_hardly_seen_tells_nothing() -> None:
    held = dict.fromkeys(range(_NUM), _A)
    assert not possession(_ball(held, UNSEEN), _TEAMS, _frames()).any()
    score = ActionScores(_A, 2.0, 2.64, np.float32(_EVEN))
    assert combine_with_ball([score], ACTIONS, _ball(held, UNSEEN), _frames()) == [score]


def test_a_ball_that_changes_hands_to_and_fro_is_between() -> None:
    mixed = _ball({i: (_A, _B)[i % 2] for i in range(60, 180)})
    assert np.abs(possession(mixed, _TEAMS, _frames())[60:180]).max() < 0.1


@given(
    st.dictionaries(st.integers(0, _NUM - 1), st.sampled_from([_A, _B, _REFEREE, NOBODY])), st.sets(st.integers(1, 230))
)
def test_it_is_between_both_and_does_not_depend_on_which_is_named_first(holder: dict[int, int], cuts: set[int]) -> None:
    whose = possession(_ball(holder), _TEAMS, _frames(*cuts))
    turned = Teams(_TEAMS.names[::-1], members=_TEAMS.members)
    assert (np.abs(whose) <= 1).all()
    np.testing.assert_array_equal(whose, -possession(_ball(holder), turned, _frames(*cuts)))
