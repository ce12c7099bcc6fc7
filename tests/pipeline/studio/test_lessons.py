"""Examples are cut when they are marked; what is learnt from them lies beside the game until it is kept."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import av
import pytest
from starlette.testclient import TestClient

from classify.few_shot.adapt import example_files
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import Timeline
from pipeline.edits.current import load_current
from pipeline.studio.lessons import compared
from tests.pipeline.studio.conftest import Connect, make_game

_ID = "game.courtscribe"


def _add(client: TestClient, label: str, *spans: dict[str, Any]) -> Any:
    return client.post("/api/lesson/add", json={"id": _ID, "label": label, "spans": list(spans)})


def _spans(player: int | None) -> list[dict[str, Any]]:
    return [{"player": player, "start": start, "end": start + 0.5} for start in (0.0, 0.6, 1.2)]


def test_marked_spans_become_clips_that_are_learnt_from(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    _add(client, "euro step", *_spans(1))
    state = _add(client, "whole", *_spans(None)).json()
    assert [(one["label"], len(one["examples"])) for one in state["labels"]] == [("euro step", 3), ("whole", 3)]
    examples = game.parent / "taught.examples"
    assert {file.label for file in example_files(examples)} == {"euro step", "whole"}
    sizes = {}
    for path in examples.rglob("*.mp4"):
        with av.open(str(path)) as opened:
            sizes[path.parent.name] = (opened.streams.video[0].width, opened.streams.video[0].height)
            assert 11 <= sum(1 for _ in opened.decode(video=0)) <= 14
    assert sizes == {"euro step": (128, 176), "whole": (160, 120)}
    gone = state["labels"][0]["examples"][0]["id"]
    state = client.post("/api/lesson/remove", json={"id": _ID, "example": gone}).json()
    assert len(state["labels"][0]["examples"]) == 2 and len(list(examples.rglob("*.mp4"))) == 5


_NO_EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("", {"player": 1, "start": 0, "end": 1}), ("../up", {"player": 1, "start": 0, "end": 1}),
    ("train", {"player": 1, "start": 0, "end": 1}), ("unsure", {"player": 1, "start": 0, "end": 1}),
    ("ok", {"player": 99, "start": 0, "end": 1}), ("ok", {"player": "1", "start": 0, "end": 1}),
    ("ok", {"player": 1, "start": 1, "end": 0}), ("ok", {"player": 1, "start": 0, "end": 1e9}),
    ("ok", {"player": 1, "start": 0}), ("ok", {}), ("ok", {"player": 1, "start": True, "end": 1}),
]  # fmt: skip


def test_what_is_no_example_is_said(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    for label, span in _NO_EXAMPLES:
        answer = _add(client, label, span)
        assert answer.status_code == 400 and "\n" not in answer.json()["error"], (label, span)
        assert not list(game.parent.rglob("taught.examples/**/*.mp4")), (label, span)


def test_nothing_but_examples_is_removed(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    _add(client, "ok", *_spans(1))
    for name in ("game.mp4", "game.courtscribe", "taught.examples", "taught.examples/ok", "../x", "none"):
        assert client.post("/api/lesson/remove", json={"id": _ID, "example": name}).status_code == 400
    assert (game.parent / "game.mp4").exists() and load_analysis(game)


def test_too_few_examples_are_said_before_anything_is_begun(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    _add(client, "one", *_spans(1))
    for path in ("learn", "keep"):
        answer = client.post(f"/api/lesson/{path}", json={"id": _ID})
        assert answer.status_code == 400, answer.json()
    _add(client, "two", _spans(2)[0])
    assert "too few of two" in client.post("/api/lesson/learn", json={"id": _ID}).json()["error"]


@pytest.mark.parametrize(("labels", "head"), [(("run", "shoot"), "keep"), (("run", "euro step"), "auto")])
def test_labels_that_are_there_already_are_corrected_and_the_others_stay(
    game: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, str], head: str
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("pipeline.studio.lessons.Lessons._do", lambda _, arguments: asked.append(list(arguments)))
    client = connect(game.parent)
    for player, label in enumerate(labels, 1):
        _add(client, label, *_spans(player))
    client.post("/api/lesson/learn", json={"id": _ID})
    end = time.monotonic() + 10
    while len(asked) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert asked[0][asked[0].index("--head") + 1] == head and asked[1][0] == "label"


def test_before_and_after_are_beside_each_other(game: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    before, after = load_current(game), load_current(make_game(tmp_path / "b"))
    rows = compared(before, after)
    assert [row["confidence"] for row in rows] == sorted(row["confidence"] for row in rows)
    assert all(row["before"] == row["after"] for row in rows) and len(rows) == 4


def test_players_and_whole_pictures_are_not_learnt_together(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    _add(client, "one", *_spans(1))
    _add(client, "two", *_spans(None))
    assert "one kind at a time" in client.post("/api/lesson/learn", json={"id": _ID}).json()["error"]


def _learnt(client: TestClient) -> dict[str, Any]:
    """Learn, and wait for it."""
    assert client.post("/api/lesson/learn", json={"id": _ID}).status_code == 200
    deadline = time.monotonic() + 180
    while (state := client.get("/api/lesson", params={"id": _ID}).json())["state"] in ("adapt", "label"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return state


_COMMAND = "import sys; sys.exit(sys.argv[1] != 'adapt' and f'more\\ncourtscribe: {sys.argv[1:3]}')"
"""Learns nothing, and says what else it was asked to do."""


def test_learning_and_labelling_are_processes_and_what_one_says_is_shown(
    game: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.pipeline.studio.conftest.COMMAND", (sys.executable, "-c", _COMMAND))
    client = connect(game.parent)
    for player, label in enumerate(("one", "two"), 1):
        _add(client, label, *_spans(player))
    state = _learnt(client)
    assert state["state"] == "failed" and state["error"] == str(["label", str(game)])
    assert not (game / "trial").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("commands_here")
def test_whole_pictures_are_learnt_and_told_apart(game: Path, connect: Connect) -> None:
    """The video becomes brighter: early pictures are dark, late ones are bright."""
    client = connect(game.parent)
    for label, begin in (("dark", 0.0), ("bright", 1.3)):
        _add(client, label, *({"player": None, "start": begin + k / 10, "end": begin + k / 10 + 0.4} for k in range(3)))
    state = _learnt(client)
    assert state["state"] == "ready", state
    learnt = state["learnt"]
    assert set(learnt["report"]["per_class"]) == {"dark", "bright"} and "points" in learnt["curve"]
    rows = client.get("/api/lesson/compare", params={"id": _ID}).json()
    assert rows and {row["after"] for row in rows} <= {"dark", "bright"} and rows[0]["name"] == "the whole picture"
    kept = client.post("/api/lesson/keep", json={"id": _ID}).json()
    assert (game.parent / "taught.safetensors").is_file() and kept["labels"] == ["run", "shoot", "unsure"]
    assert not (game / "trial").exists()


def test_what_was_tried_is_discarded_or_kept(game: Path, connect: Connect) -> None:
    """As learning leaves it; a studio that is begun anew finds it."""
    client, other = connect(game.parent), load_analysis(game)
    before = (game / "analysis.json").read_bytes()
    words = {"run": "low", "shoot": "high"}
    segments = tuple(dataclasses.replace(s, action=words[s.action]) for s in other.timeline.segments)
    tried = dataclasses.replace(other, timeline=Timeline(("high", "low"), segments))

    def leave() -> None:
        save_analysis(tried, game / "trial" / "game.courtscribe")
        (game / "trial" / "taught.safetensors").write_bytes(b"weights")

    leave()
    assert client.get("/api/lesson", params={"id": _ID}).json()["state"] == "ready"
    rows = client.get("/api/lesson/compare", params={"id": _ID}).json()
    assert {(row["before"], row["after"]) for row in rows} == {("run", "low"), ("shoot", "high")}
    assert client.post("/api/lesson/discard", json={"id": _ID}).json()["state"] == "none"
    assert not (game / "trial").exists() and (game / "analysis.json").read_bytes() == before
    leave()
    edit = {"edit": "rename", "players": [1], "text": "Ann"}
    client.post("/api/game/edit", json={"id": _ID, "changes": [edit]})
    kept = client.post("/api/lesson/keep", json={"id": _ID}).json()
    assert kept["labels"] == ["high", "low", "unsure"] and kept["players"][0]["name"] == "Ann"
    assert load_current(game).settings["classifier"]["weights"] == str(game.parent / "taught.safetensors")
    assert (game.parent / "taught.safetensors").read_bytes() == b"weights"
