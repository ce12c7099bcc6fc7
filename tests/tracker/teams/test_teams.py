from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.looks.kit import KitViews
from tracker.teams.mixture import learn
from tracker.teams.teams import Member, Teams, TeamsConfig, find_teams, split
from tracker.types import Tracks

WHITE, YELLOW = (75.0, 8, 2, 75, 6, 0), (52.0, 11, 30, 66, 9, 28)
GREEN, BLACK = (36.0, -15, 14, 38, -18, 15), (15.0, 2, 0, 12, 0, 0)
RED, BLUE = (45.0, 54, 40, 44, 56, 44), (35.0, 44, -78, 30, 36, -65)


def seen(
    kits: list[tuple[float, ...]], seed: int = 0, num_views: int = 8, light: tuple[float, ...] = (9, 3, 4)
) -> tuple[Tracks, KitViews]:
    """People in these kits, 1 to P, each a little different, in light that changes from view to view."""
    rng = np.random.default_rng(seed)
    frame = np.tile(np.arange(num_views), len(kits))
    ids = np.repeat(np.arange(1, len(kits) + 1), num_views)
    xyxy = np.stack([10.0 * ids, 5.0 * frame, 10.0 * ids + 8, 5.0 * frame + 20], axis=1)
    own = np.array(kits) + rng.normal(0, [4, 1.5, 2] * 2, (len(kits), 6))
    colors = own[ids - 1] + rng.normal(0, light * 2, (len(ids), 6))
    kit = np.insert(colors, [3, 6], rng.uniform(0.3, 0.9, (len(ids), 2)), axis=1).astype(np.float32)
    tracks = Tracks.of(frame, ids, xyxy, np.ones(len(ids)))
    return tracks, KitViews(frame, xyxy, kit, np.ones(len(frame), np.bool_))


def sides(teams: Teams | None, num_people: int) -> list[str]:
    assert teams is not None
    return [teams.team(i) for i in range(1, num_people + 1)]


W, Y, B = WHITE, YELLOW, BLACK


@pytest.mark.slow
@given(st.integers(0, 1000), st.permutations([W] * 5 + [Y] * 5 + [B] * 3))
@example(56, [W, Y, Y, B, B, B, W, Y, W, W, Y, W, Y])  # white and black once passed for one wide kit
@settings(max_examples=6, deadline=None)
def test_teams_are_told_and_referees_are_of_neither(seed: int, kits: list[tuple[float, ...]]) -> None:
    tracks, views = seen(kits, seed)
    wanted = {WHITE: "A", YELLOW: "B", BLACK: ""}
    found = sides(find_teams(tracks, views), len(kits))
    wrong = sum(a != wanted[kit] for a, kit in zip(found, kits, strict=True))
    assert wrong <= 1


@pytest.mark.slow
@given(
    st.integers(0, 1000),
    st.lists(st.sampled_from([WHITE, GREEN, BLACK, RED, BLUE]), min_size=2, max_size=2, unique=True),
)
@settings(max_examples=6, deadline=None)
def test_shadow_and_blur_that_take_from_colours_do_not_part_a_team(seed: int, kits: list[tuple[float, ...]]) -> None:
    tracks, views = seen([kits[0]] * 5 + [kits[1]] * 5, seed, light=(6, 2, 3))
    shade = np.random.default_rng(seed).uniform(0.4, 1, (len(views.kit), 1))
    views.kit[:, [1, 2, 5, 6]] *= shade
    found = sides(find_teams(tracks, views), 10)
    assert len(set(found[:5])) == 1 == len(set(found[5:])) and set(found) == {"A", "B"}


@pytest.mark.slow
@given(st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_a_view_tells_by_itself_which_team_is_likelier(seed: int) -> None:
    _, views = seen([WHITE] * 5 + [GREEN] * 5, seed)
    colors, weight = split(views.kit)
    found = learn(colors, weight, np.repeat(np.arange(10), 8), np.ones(10))
    assert found is not None
    views_say = found.views(colors, weight)[:, :2].argmax(axis=1).reshape(10, 8)
    first = views_say[0, 0]
    assert (views_say[:5] == first).mean() > 0.9 and (views_say[5:] != first).mean() > 0.9


@pytest.mark.slow
@given(st.integers(0, 1000), st.integers(0, 3))
@settings(max_examples=6, deadline=None)
def test_one_kit_is_no_two_teams(seed: int, num_others: int) -> None:
    assert find_teams(*seen([WHITE] * 10 + [BLACK] * num_others, seed)) is None


@pytest.mark.parametrize("kits", [[], [WHITE], [WHITE, GREEN], [WHITE, YELLOW, GREEN, BLACK]])
def test_too_few_people_are_no_teams(kits: list[tuple[float, ...]]) -> None:
    tracks, views = seen(kits) if kits else (Tracks.empty(), KitViews.empty())
    assert find_teams(tracks, views) is None


@pytest.mark.slow
def test_the_first_team_is_the_lighter_one_in_whatever_order_people_come() -> None:
    kits = [GREEN] * 5 + [WHITE] * 5
    assert sides(find_teams(*seen(kits)), 10) == ["B"] * 5 + ["A"] * 5
    assert sides(find_teams(*seen(kits[::-1])), 10) == ["A"] * 5 + ["B"] * 5


def test_given_colors_say_which_team_is_which() -> None:
    config = TeamsConfig(("Celtics", "Knicks"), ("#126b3a", "white"))
    found = find_teams(*seen([GREEN] * 5 + [WHITE] * 5), config)
    assert sides(found, 10) == ["Celtics"] * 5 + ["Knicks"] * 5
    assert found is not None and found.names == ("Celtics", "Knicks")
    assert found.colors[0][1] > max(found.colors[0][0], found.colors[0][2])
    assert min(found.colors[1]) > 150


def test_who_is_not_learnt_from_is_told_all_the_same_and_unseen_ones_by_number() -> None:
    tracks, views = seen([WHITE] * 5 + [GREEN] * 6)
    rows = np.flatnonzero(views.xyxy[:, 0] != 30)
    found = find_teams(tracks, views.of(rows), players=range(1, 11))
    assert sides(found, 11) == ["A"] * 5 + ["B"] * 6
    assert found is not None and found.members[11].probability > 0.9
    assert found.members[3] == Member("A", round(2 / 3, 3)), "four and five of the others leave two places and one"


def test_where_teams_are_of_a_size_nobody_is_guessed() -> None:
    tracks, views = seen([WHITE] * 5 + [GREEN] * 4)
    rows = np.flatnonzero(views.xyxy[:, 0] != 30)
    found = find_teams(tracks, views.of(rows))
    assert found is not None and 3 not in found.members


def test_equal_views_give_equal_teams() -> None:
    tracks, views = seen([WHITE] * 5 + [YELLOW] * 5 + [BLACK] * 2)
    assert find_teams(tracks, views) == find_teams(tracks, views)


@pytest.mark.parametrize(
    ("names", "colors", "setting"),
    [
        (("one",), (), "teams.names"),
        (("x", " x "), (), "teams.names"),
        (("=1+1", "x"), (), "teams.names"),
        (("12", "x"), (), "teams.names"),
        ((), ("white",), "teams.colors"),
        ((), ("white", "nocolor"), "teams.colors"),
    ],
)
def test_settings_that_cannot_be_are_said(names: tuple[str, ...], colors: tuple[str, ...], setting: str) -> None:
    with pytest.raises(InputError) as said:
        TeamsConfig(names, colors)
    assert said.value.setting == setting


def test_members_are_of_one_of_the_two_teams() -> None:
    teams = Teams(members={1: Member("A", 1.0)})
    with pytest.raises(ValueError, match="two teams"):
        dataclasses.replace(teams, members={1: Member("C", 1.0)})


@given(st.sampled_from([("A", "B"), ("B", "A"), ("Knicks", "Pacers")]))
def test_a_team_is_meant_by_its_name_before_its_letter(names: tuple[str, str]) -> None:
    teams = Teams(names)
    assert [teams.letter(name) for name in names] == ["A", "B"] == [teams.letter(f" {n.upper()} ") for n in names]
    assert teams.letter(" ") == ""
    with pytest.raises(InputError, match="no team 'Celtics'"):
        teams.letter("Celtics")
