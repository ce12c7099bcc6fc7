"""What is doubtful comes first, and what a person has said is not."""

from __future__ import annotations

from pathlib import Path

from pipeline.edits.current import load_current
from pipeline.studio.doubts import IDENTITY, LABEL, doubts
from pipeline.studio.editing import Editing


def test_the_least_sure_comes_first(game: Path) -> None:
    found = doubts(load_current(game))
    assert [d.doubt for d in found] == sorted((d.doubt for d in found), reverse=True)
    assert [(d.kind, d.track_id) for d in found if d.kind == LABEL] == [(LABEL, 3), (LABEL, 2)]
    (join,) = [d for d in found if d.kind == IDENTITY]
    assert join.track_id == 3 and (join.start, join.end) == (9 / 25, 40 / 25) and "1.2 s" in join.why


def test_what_a_person_has_said_is_not_doubted(game: Path) -> None:
    editing = Editing(game)
    editing.change([{"edit": "relabel", "players": [3], "time": 0.0, "end": 2.0, "text": "run"}])
    found = doubts(editing.shown()[0])
    assert not [d for d in found if d.kind == LABEL and d.track_id == 3]
    editing.close()
