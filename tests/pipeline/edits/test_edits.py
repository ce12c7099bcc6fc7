"""Edits: whatever is done can be undone, nobody has two boxes in a frame, nothing that was saved is lost."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from classify.types import ACTIONS
from ground.errors import InputError
from pipeline.analysis.timeline import PERSON, ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.edits.draft import Draft
from pipeline.edits.entries import KINDS, Edit, Who, from_line, to_line
from pipeline.edits.fold import fold
from pipeline.edits.log import NAME, append_edits, effective, read_edits
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

_FRAMES = 100
_SPANS = {1: [(0, 40), (55, 100)], 2: [(0, 100)], 3: [(10, 30)], 4: [(41, 54)], 5: [(60, 90)], 7: [(31, 59)]}
"""Frames in which each player is there; 4 lies in a gap of 1, and 3, 7, 5 may be one."""
_MEMBERS = {
    1: Member("Bulls", 0.9),
    2: Member("B", 0.8),
    3: Member("B", 0.7),
    4: Member("", 0.6),
    7: Member("Bulls", 1.0),
}
_TEAMS = Teams(("B", "Bulls"), members=_MEMBERS)
"""Of 5 nothing is known; the first team is called as the second is where it has no name."""


@cache  # nobody changes it
def _analysis() -> Analysis:
    rows = [(f, i, (50 * i, 10, 50 * i + 30, 90)) for i, spans in _SPANS.items() for a, b in spans for f in range(a, b)]
    frame, player, boxes = zip(*rows, strict=True)
    index = np.arange(_FRAMES, dtype=np.int32)
    segments = [
        ActionSegment(i, ACTIONS[(i + k) % 10], start / 25, end / 25, start, end, 0.5)
        for i, spans in _SPANS.items()
        for a, b in spans
        for k, (start, end) in enumerate([(a, (a + b) // 2), ((a + b) // 2, b)])
    ]
    ordered = tuple(sorted(segments, key=lambda s: (s.start, s.track_id)))
    return Analysis(
        VideoFacts("game.mp4", 640, 360, "25", 4.0, "h264"), {}, Frames(index, index / 25),
        Players(Tracks.of(frame, player, boxes), names={2: "Bo", 3: "Ann"}, teams=_TEAMS), Timeline(ACTIONS, ordered),
    )  # fmt: skip


def _done(*edits: tuple[str, str]) -> Analysis:
    draft = Draft(_analysis(), [])
    for kind, text in edits:
        draft.add(kind, text)
    return fold(_analysis(), effective(draft.edits))


def _same(a: Analysis, b: Analysis) -> bool:
    columns = ("frame_index", "track_id", "xyxy", "confidence", "observed")
    boxes = all(np.array_equal(getattr(a.tracks, name), getattr(b.tracks, name)) for name in columns)
    return boxes and a.timeline == b.timeline and dict(a.names) == dict(b.names) and a.teams == b.teams


class Corrections(RuleBasedStateMachine):
    """A person who corrects at random, undoes and does again."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = Draft(_analysis(), [])
        self.states = [_analysis()]
        """What was shown after each edit that counts."""
        self.undone: list[Analysis] = []

    def _shown(self) -> Analysis:
        folded = fold(_analysis(), effective(self.draft.edits))
        assert _same(self.draft.shown(), folded), "the draft goes with the fold"
        return folded

    @rule(
        kind=st.sampled_from(
            ["rename", "merge", "split", "swap", "drop", "restore", "referee", "relabel", "edge", "team"]
        ),
        players=st.lists(st.integers(1, 12), min_size=2, max_size=3, unique=True),
        frames=st.tuples(st.integers(0, 110), st.integers(0, 110)),
        word=st.sampled_from([*ACTIONS, "nonsense", ""]),
    )
    def edit(self, kind: str, players: list[int], frames: tuple[int, int], word: str) -> None:
        """One edit; it may be impossible, and then nothing has changed."""
        one, (a, b) = players[0], (frames[0] / 25, frames[1] / 25)
        text = {
            "rename": f"{one}=Player {word}", "merge": ",".join(map(str, players)), "split": f"{one}@{a}",
            "swap": f"{one},{players[1]}@{a}", "relabel": f"{one}@{a}-{b}={word}", "edge": f"{one}@{a}-{b}",
            "team": f"{one}={['A', 'b', 'Bulls', '', 'C'][players[1] % 5]}",
        }.get(kind, str(one))  # fmt: skip
        before, count = self._shown(), len(self.draft.edits)
        try:
            self.draft.add(kind, text)
        except InputError as error:
            assert "\n" not in str(error) and len(self.draft.edits) == count and _same(self._shown(), before)
            return
        self.states.append(self._shown())
        self.undone = []

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def undo(self) -> None:
        """Back to what was shown before."""
        self.draft.add("undo")
        self.undone.append(self.states.pop())
        assert _same(self._shown(), self.states[-1])

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        """And forth again."""
        self.draft.add("redo")
        self.states.append(self.undone.pop())
        assert _same(self._shown(), self.states[-1])

    @invariant()
    def every_box_is_one_players_and_all_are_kept(self) -> None:
        """Tracks and Timeline check themselves that nobody is twice in a frame; boxes come and go with drops only."""
        shown, whole = self._shown(), _analysis().tracks
        place = {(int(f), *box) for f, box in zip(whole.frame_index, whole.xyxy.tolist(), strict=True)}
        kept = [(int(f), *box) for f, box in zip(shown.tracks.frame_index, shown.tracks.xyxy.tolist(), strict=True)]
        assert len(set(kept)) == len(kept) and set(kept) <= place
        if not any(e.kind in ("drop", "referee") for e in effective(self.draft.edits)):
            assert len(kept) == len(place)
        for segment in shown.timeline.segments:
            track = shown.tracks[shown.tracks.track_id == segment.track_id]
            assert ((track.frame_index >= segment.start_frame) & (track.frame_index < segment.end_frame)).any()

    @invariant()
    def undoing_everything_is_the_original(self) -> None:
        """However long the list of entries is."""
        undone = [*self.draft.edits, *[Edit("undo")] * len(self.draft.edits)]
        assert _same(fold(_analysis(), effective(undone)), _analysis())

    @invariant()
    def entries_survive_their_file(self) -> None:
        """To the last digit."""
        assert [from_line(to_line(edit)) for edit in self.draft.edits] == self.draft.edits


TestCorrections = pytest.mark.slow(Corrections.TestCase)
TestCorrections.settings = settings(
    max_examples=30, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize(("said", "team"), [("A", "B"), ("b", "B"), ("bulls", "Bulls"), ("", "")])
def test_a_person_says_who_is_of_which_team(said: str, team: str) -> None:
    assert _done(("team", f"1={said}")).teams.members[1] == Member(team, 1.0)
    merged = _done(("team", f"5={said}"), ("merge", "7,5"))
    assert merged.teams.team(7) == "Bulls" if said == "bulls" else merged.teams.members[7].probability < 1
    assert _done(("team", f"1={said}"), ("split", "1@2.0")).teams.members[8] == Member(team, 1.0)


def test_what_a_person_says_of_teams_outlives_their_names() -> None:
    draft = Draft(_analysis(), [])
    draft.add("team", "1=Bulls")
    renamed = dataclasses.replace(_analysis().teams, names=("Celtics", "Knicks"), members={})
    players = dataclasses.replace(_analysis().players, teams=renamed)
    again = fold(dataclasses.replace(_analysis(), players=players), draft.edits)
    assert dict(again.teams.members) == {1: Member("Knicks", 1.0)}


@pytest.mark.parametrize("text", ["1", "1=Celtics", "9=A"])
def test_teams_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        _done(("team", text))


@pytest.mark.parametrize("pair", ["3,7@31", "7,5@60", "3,5@60"])
def test_merge_then_split_is_the_identity(pair: str) -> None:
    players, frame = pair.split("@")
    first, second = players.split(",")
    merged = _done(("merge", players))
    assert int(second) not in merged.tracks.ids
    split = _done(("merge", players), ("split", f"{first}@{int(frame) / 25}"))
    assert _same(split, _analysis())


def test_a_merged_player_bears_the_name_that_one_of_them_had() -> None:
    assert _done(("merge", "7,3")).names == {2: "Bo", 7: "Ann"}
    assert _done(("merge", "3,7")).names == {2: "Bo", 3: "Ann"}
    assert _done(("merge", "1,4")).tracks.ids.tolist() == [1, 2, 3, 5, 7], "4 lies in a gap of 1"


def test_two_in_the_picture_at_once_are_not_one() -> None:
    with pytest.raises(InputError, match=r"player 1 and player Bo are both in the picture in 85 frames, from 0\.00 to"):
        _done(("merge", "1,bo"))


def test_after_a_swap_names_stay_and_boxes_change_places() -> None:
    swapped = _done(("swap", "Bo,3@0.8"), ("swap", "2,3@0.6"))
    at = swapped.tracks.at(17)
    assert at.xyxy[at.track_id == 3][0, 0] == 100 and at.xyxy[at.track_id == 2][0, 0] == 150
    assert swapped.names == {2: "Bo", 3: "Ann"}


def test_a_relabelled_span_is_a_persons_and_moves_with_its_boxes() -> None:
    edited = _done(("relabel", "2@1-2=shoot"), ("swap", "1,2@0"))
    mine = [s for s in edited.timeline.segments if s.source == PERSON]
    assert [(s.track_id, s.action, s.start_frame, s.end_frame, s.confidence) for s in mine] == [
        (1, "shoot", 25, 50, 1.0)
    ]
    around = [s for s in edited.timeline.segments if s.track_id == 1 and s.source != PERSON]
    assert [(s.start_frame, s.end_frame) for s in around] == [(0, 25), (50, 100)]


def test_an_edge_moves_both_ways() -> None:
    for to in (30, 70):
        moved = [s for s in _done(("edge", f"2@2-{to / 25}")).timeline.segments if s.track_id == 2]
        labels = np.concatenate([[s.action] * (s.end_frame - s.start_frame) for s in moved])
        assert labels.tolist() == [ACTIONS[2]] * to + [ACTIONS[3]] * (_FRAMES - to)
        assert [s.source for s in moved] == (["model", PERSON] if to < 50 else [PERSON, "model"]), "one row each"
    with pytest.raises(InputError, match="no edge between two actions at"):
        _done(("edge", "2@1-2"))


def test_whom_a_rule_left_out_comes_back_without_a_model() -> None:
    analysis = _analysis()
    is_seven = analysis.tracks.track_id == 7
    players = dataclasses.replace(
        analysis.players, tracks=analysis.tracks[~is_seven], left_out=analysis.tracks[is_seven],
        dropped={7: "outside the court: 3% of it at the feet", 99: "a ghost"},
    )  # fmt: skip
    segments = tuple(s for s in analysis.timeline.segments if s.track_id != 7)
    ruled = dataclasses.replace(analysis, players=players, timeline=Timeline(ACTIONS, segments))
    assert fold(ruled, []).tracks.ids.tolist() == [1, 2, 3, 4, 5]
    draft = Draft(ruled, [])
    draft.add("rename", "7=Gil")
    assert 7 not in fold(ruled, effective(draft.edits)).tracks.ids, "a name alone brings nobody back"
    draft.add("restore", "Gil")
    back = fold(ruled, effective(draft.edits))
    np.testing.assert_array_equal(back.tracks[back.tracks.track_id == 7].xyxy, players.left_out.xyxy)
    assert back.names[7] == "Gil" and dict(back.players.dropped) == {99: "a ghost"}
    assert not [s for s in back.timeline.segments if s.track_id == 7], "nobody has said what he did"
    draft.add("undo")
    assert dict(fold(ruled, effective(draft.edits)).players.dropped) == dict(players.dropped)


def test_edits_follow_the_boxes_when_tracking_again_has_renumbered_everybody() -> None:
    draft = Draft(_analysis(), [])
    for kind, text in (("rename", "5=Cy"), ("relabel", "7@1.5-2=pass"), ("drop", "3"), ("merge", "1,4")):
        draft.add(kind, text)
    before = _analysis()
    moved = dataclasses.replace(before.tracks, track_id=before.tracks.track_id + 1)
    timeline = tuple(dataclasses.replace(s, track_id=s.track_id + 1) for s in before.timeline.segments)
    again = dataclasses.replace(before, players=Players(moved), timeline=Timeline(before.timeline.labels, timeline))
    shown = fold(again, draft.edits)
    assert shown.names == {6: "Cy"} and shown.tracks.ids.tolist() == [2, 3, 6, 8] and not shown.notes
    assert [s.track_id for s in shown.timeline.segments if s.source == PERSON] == [8]
    gone = dataclasses.replace(again, players=Players(moved[moved.track_id != 6]), timeline=Timeline(ACTIONS, ()))
    assert fold(gone, draft.edits).notes == ("an edit is left out: player 5 is not there any more",)


def test_what_is_done_together_is_undone_at_once_and_not_done_by_halves() -> None:
    draft = Draft(_analysis(), [])
    parts = [Edit("relabel", (draft.who("2", 1.0),), 1.0, 1.4, "shoot"), Edit("drop", (draft.who("3"),))]
    draft.do(Edit("together", parts=tuple(parts)))
    assert 3 not in draft.shown().tracks.ids and sum(s.source == PERSON for s in draft.shown().timeline.segments) == 1
    before = draft.shown()
    impossible = Edit("relabel", (draft.who("2", 1.0),), 2.0, 2.4, "nonsense")
    with pytest.raises(InputError, match="nonsense"):
        draft.do(Edit("together", parts=(Edit("drop", (draft.who("1"),)), impossible)))
    assert _same(draft.shown(), before) and len(draft.edits) == 1
    draft.add("undo")
    assert _same(draft.shown(), _analysis())


def test_what_could_not_be_kept_never_was() -> None:
    draft = Draft(_analysis(), [])
    draft.add("drop", "3")
    draft.add("rename", "2=Cy")
    draft.take_back()
    assert _same(draft.shown(), _done(("drop", "3"))) and [e.kind for e in draft.edits] == ["drop"]


_WHO = st.builds(Who, st.integers(1, 99), st.integers(0, 9999), st.tuples(*[st.floats(-1e4, 1e4)] * 4))


@pytest.mark.slow
@given(st.sampled_from(sorted(KINDS)), st.lists(_WHO, min_size=2, max_size=2), st.floats(0, 1e5), st.text(max_size=20))
def test_every_entry_is_one_line_and_is_read_back(kind: str, who: list[Who], time: float, text: str) -> None:
    _, most, *needed = KINDS[kind]
    values = (time, time + 1, text)
    parts = (Edit("drop", (who[0],)), Edit("rename", (who[1],), text=text)) if kind == "together" else ()
    given = [v if n else None for n, v in zip(needed, values, strict=True)]
    edit = Edit(kind, tuple(who[: min(most, 2)]), *given, parts)
    assert to_line(edit).count("\n") == 1 and to_line(edit).isascii()
    assert from_line(to_line(edit)) == edit


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "[]", "null", '{"edit": 3}', '{"edit": "fly"}', '{"edit": "undo", "extra": 1}', '{"edit": ["undo"]}',
        '{"edit": "drop", "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3]}]}', '{"edit": "drop", "who": 3}',
        '{"edit": "drop", "who": [{"track_id": 1e9, "frame": 0, "box": [1, 2, 3, 4]}]}', '{"edit": "split", "who": []}',
        '{"edit": "drop", "who": [{"track_id": true, "frame": 0, "box": [1, 2, 3, 4]}]}', "[" * 100_000,
        '{"edit": "rename", "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3, 4]}], "text": 5}',
        '{"edit": "drop", "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3, null]}]}',
        '{"edit": "drop", "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3, 1e400]}]}',
        '{"edit": "split", "time": 1e300, "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3, 4]}]}',
        '{"edit": "together"}', '{"edit": "together", "parts": [{"edit": "undo"}]}', '{"edit": "together", "parts": 3}',
        '{"edit": "together", "parts": [{"edit": "together", "parts": []}]}', '{"edit": "undo", "parts": [3]}',
        '{"edit": "split", "time": NaN, "who": [{"track_id": 1, "frame": 0, "box": [1, 2, 3, 4]}]}',
    ],
)  # fmt: skip
def test_what_is_no_entry_is_said_with_its_line(line: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"edit": "undo"}\n' + line + "\n")
    with pytest.raises(InputError, match=r"edits\.jsonl: line 2: [^\n]{5,300}$"):
        read_edits(tmp_path)


def test_a_line_that_was_cut_off_was_never_saved(tmp_path: Path) -> None:
    edits = [Edit("undo"), Edit("redo")]
    append_edits(tmp_path, edits)
    with (tmp_path / NAME).open("a") as file:
        file.write('{"edit": "un')
    assert read_edits(tmp_path) == edits
    append_edits(tmp_path, [Edit("undo")])
    assert read_edits(tmp_path) == [*edits, Edit("undo")] and read_edits(tmp_path / "none") == []


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "no end"])
def test_entries_that_an_editor_saved_its_own_way_stay(code: str, ends: str, last: str, tmp_path: Path) -> None:
    edits = [Edit("undo"), Edit("redo")]
    text = "".join(map(to_line, edits)).replace("\n", ends)
    (tmp_path / NAME).write_bytes((text.removesuffix(ends) if last else text).encode(code))
    assert read_edits(tmp_path) == edits
    append_edits(tmp_path, [Edit("undo")])
    assert read_edits(tmp_path) == [*edits, Edit("undo")]
