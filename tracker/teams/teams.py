"""Who is of which team: one decision per track over all views of him, learnt from the video itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import ImageColor

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.looks.kit import KitViews
from tracker.names import clear_names, same
from tracker.teams.mixture import Mixture, learn, posterior, weights
from tracker.track.tracklets import owners
from tracker.types import FloatArray, Tracks

Color = tuple[int, int, int]
"""RGB, 0..255."""
NEITHER = ""
"""The team of who is of neither."""
LETTERS = ("A", "B")
"""What teams are called where they have no names, and in edits, which outlive names."""
_COLORS, _SHARES = [0, 1, 2, 4, 5, 6], [3, 7]
"""Columns of a kit."""
MOST_VIEWS = 20_000
"""Views from which teams are learnt; of more, every so many-th."""


@dataclass(frozen=True, slots=True)
class TeamsConfig:
    """What the teams are called, and which is which."""

    names: tuple[str, ...] = ()
    """Two names; none: A and B."""
    colors: tuple[str, ...] = ()
    """Two colours of shirts, as in CSS (``white``, ``#0a5``), in the order of the names; none: the first team is the
    one in lighter shirts."""

    def __post_init__(self) -> None:
        wanted = [same(name) for name in self.names]
        if wanted and (len(wanted) != 2 or not all(wanted) or wanted[0] == wanted[1]):
            raise InputError(f"teams are two different names, not {', '.join(self.names) or 'none'}", "teams.names")
        if bad := next((name for name in wanted if not _is_name(name)), None):
            why = "a name is one short line, no number, and nothing that a spreadsheet runs"
            raise InputError(f"no team can be called {bad!r:.80}: {why}", "teams.names")
        if self.colors and len(self.colors) != 2:
            raise InputError(f"team colors are two, not {len(self.colors)}", "teams.colors")
        for color in self.colors:
            _lab(_rgb(color))

    @property
    def called(self) -> tuple[str, str]:
        """Both teams' names."""
        first, second = [same(name) for name in self.names] or LETTERS
        return first, second


@dataclass(frozen=True, slots=True)
class Member:
    """Of which team somebody is."""

    team: str
    """Its name; empty: of neither, such as a referee."""
    probability: float
    """0..1, that it is so."""


@dataclass(frozen=True, slots=True)
class Teams:
    """Both teams, and who is in them."""

    names: tuple[str, str] = LETTERS
    colors: tuple[Color, ...] = ()
    """Of their shirts, in the order of the names; none: nobody's were seen."""
    members: Mapping[int, Member] = field(default_factory=dict[int, Member])
    """By track_id; nothing is known of the others."""

    def __post_init__(self) -> None:
        if len(self.colors) not in (0, 2) or any(m.team not in (*self.names, NEITHER) for m in self.members.values()):
            raise ValueError("there are two teams, of which members are or not")

    def team(self, track_id: int) -> str:
        """The name of somebody's team; empty: of neither, or not known."""
        return self.members[track_id].team if track_id in self.members else NEITHER

    def said(self, teams: Mapping[int, str]) -> Teams:
        """These teams, with who is of which as somebody says, by track_id; a third name stays out.

        Where he has two other names, the teams are called so: by those of whom both say something.
        """
        names = sorted({team for team in teams.values() if _is_name(team)})
        if len(names) == 2 and not set(names) & set(self.names):
            ways = (self._called(first, second) for first, second in (names, names[::-1]))
            return max(ways, key=lambda way: sum(way.team(i) == team for i, team in teams.items())).said(teams)
        said = {i: Member(team, 1.0) for i, team in teams.items() if team in self.names}
        return replace(self, members={**self.members, **said})

    def _called(self, first: str, second: str) -> Teams:
        names = dict(zip(self.names, (first, second), strict=True)) | {NEITHER: NEITHER}
        members = {i: replace(member, team=names[member.team]) for i, member in self.members.items()}
        return replace(self, names=(first, second), members=members)

    def letter(self, text: str) -> str:
        """``A`` or ``B`` for a team's name or letter, empty for an empty text. Raises InputError for another."""
        called = {NEITHER: NEITHER, **{i.casefold(): i for i in LETTERS}}
        called |= {name.casefold(): letter for name, letter in zip(self.names, LETTERS, strict=True)}
        if (wanted := same(text).casefold()) not in called:
            known = dict.fromkeys([*self.names, *LETTERS])
            raise InputError(
                f"there is no team {text!r:.60}; there is {', '.join(known)}, and none: nothing behind the ="
            )
        return called[wanted]


def find_teams(
    tracks: Tracks, views: KitViews, config: TeamsConfig | None = None, players: Iterable[int] | None = None
) -> Teams | None:
    """The teams of those whose views there are; None where there are no two teams.

    tracks: with the very boxes that were looked at. players: the identities to learn from; None: all. Those of them
    without a view are told by numbers where these differ: teams are of a size.
    """
    config = config or TeamsConfig()
    views = views.of(views.clear)
    owner = owners(tracks, views.frame, views.xyxy)
    colors, weight = split(views.kit)
    playing = tracks.ids if players is None else np.fromiter(players, np.int64)
    rows = np.flatnonzero(np.isin(owner, playing))
    rows = rows[:: 1 + len(rows) // MOST_VIEWS]
    if not len(rows):
        return None
    ids, person = np.unique(owner[rows], return_inverse=True)
    presence = np.bincount(tracks.track_id)[ids].astype(np.float64)
    found = learn(colors[rows], weight[rows], person, presence)
    if found is None:
        return None
    rows = np.flatnonzero(owner >= 0)
    ids, person = np.unique(owner[rows], return_inverse=True)
    probability = posterior(found.people(colors[rows], weight[rows], person, len(ids)))
    teams = _teams(config, found, ids.tolist(), probability)
    guessed = _by_number(tracks[np.isin(tracks.track_id, playing)], teams)
    return replace(teams, members={**teams.members, **guessed})


def split(kit: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Colours and how much each counts, (N, 6) both, of kits (N, 8): what ``Mixture`` takes."""
    return kit[:, _COLORS].astype(np.float64), weights(kit[:, _SHARES].astype(np.float64))


def _teams(config: TeamsConfig, found: Mixture, ids: list[int], probability: Float64Array) -> Teams:
    order = _order(found, config.colors)
    called = tuple(config.called[order.index(team)] for team in range(2))
    members = {
        one: Member((*called, NEITHER)[int(own.argmax())], round(float(own.max()), 3))
        for one, own in zip(ids, probability, strict=True)
    }
    first, second = (_shown(found.centers[team, :3]) for team in order)
    return Teams(config.called, (first, second), members)


def _by_number(tracks: Tracks, teams: Teams) -> dict[int, Member]:
    """The teams of those in ``tracks`` of whom nothing is known: each has an open place in the smaller one, likelier.

    Open places are those that either team lacks to the larger one's number and one more.
    """
    side = np.array([teams.team(i) for i in tracks.track_id.tolist()], object)
    guessed: dict[int, Member] = {}
    for one in sorted(set(tracks.ids.tolist()) - set(teams.members)):
        frames = tracks.frame_index[tracks.track_id == one]
        beside = np.isin(tracks.frame_index, frames)
        there = np.array([np.count_nonzero(beside & (side == name)) for name in teams.names]) / len(frames)
        places = there.max() + 1 - there
        if places.max() > places.min():
            guessed[one] = Member(teams.names[int(places.argmax())], round(float(places.max() / places.sum()), 3))
    return guessed


def _order(found: Mixture, colors: tuple[str, ...]) -> list[int]:
    """Which of the two that were learnt is first: the lighter one, or the one nearer to its colour."""
    shirts = found.centers[:, :3]
    if not colors:
        return [0, 1] if shirts[0, 0] >= shirts[1, 0] else [1, 0]
    wanted = [_lab(_rgb(color)) for color in colors]
    apart = np.linalg.norm(shirts[:, None] - np.array(wanted)[None], axis=2)
    return [0, 1] if apart[0, 0] + apart[1, 1] <= apart[0, 1] + apart[1, 0] else [1, 0]


def _is_name(text: str) -> bool:
    return bool(text) and clear_names({0: text})[0].get(0) == text


def _rgb(text: str) -> Color:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise InputError(f"{text!r:.40} is no color; white and #0a5 are", "teams.colors") from error
    return red, green, blue


def _lab(color: Color) -> Float64Array:
    return cv2.cvtColor(np.array([[color]], np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0].astype(np.float64)


def _shown(lab: Float64Array) -> Color:
    """A colour in Lab as RGB."""
    rgb = cv2.cvtColor(lab.astype(np.float32)[None, None], cv2.COLOR_Lab2RGB)[0, 0]
    red, green, blue = np.clip(np.round(255 * rgb), 0, 255).astype(int).tolist()
    return red, green, blue
