"""What is answered is on disk; what is not is not; who comes second only reads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ground.errors import FullError, InputError
from pipeline.annotations.formats import read_annotations
from pipeline.edits.current import load_current
from pipeline.edits.log import read_edits
from pipeline.studio.editing import BEHIND, Editing
from pipeline.studio.game import EXPORTS
from tests.pipeline.studio.conftest import Connect, make_game


def _change(client: TestClient, *changes: dict[str, Any]) -> Any:
    return client.post("/api/game/edit", json={"id": "game.courtscribe", "changes": list(changes)})


def _settled(client: TestClient) -> dict[str, Any]:
    """The state when files have followed."""
    for _ in range(100):
        state = client.get("/api/game/state", params={"id": "game.courtscribe"}).json()
        if state["follow"]["tables"] != "writing":
            return state
        time.sleep(0.05)
    raise AssertionError("files do not follow")


def test_a_change_is_one_entry_and_files_follow_it(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    before = (game / "timeline.csv").read_bytes()
    data = _change(client, {"edit": "rename", "players": [1], "text": "Ann"}).json()
    assert [p["name"] for p in data["players"]] == ["Ann", "2", "3"] and data["studio"]["undo"] == 1
    assert len(read_edits(game)) == 1
    assert _settled(client)["follow"] == {"tables": "done", "error": "", "video": "none"}
    assert b"Ann,run" in (game / "timeline.csv").read_bytes() and "Ann run" in (game / "captions.vtt").read_text()
    assert "Ann" in (game / "report.html").read_text() and not (game / BEHIND).exists()
    _change(client, {"edit": "undo"})
    _settled(client)
    assert (game / "timeline.csv").read_bytes() == before


def test_several_changes_are_undone_at_once_or_not_made_at_all(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    shoot = [{"edit": "relabel", "players": [i], "time": 0.0, "end": 0.4, "text": "shoot"} for i in (1, 2)]
    assert _change(client, *shoot).json()["studio"]["undo"] == 1
    refused = _change(client, shoot[0], {"edit": "relabel", "players": [9], "time": 0.0, "end": 0.4, "text": "shoot"})
    assert refused.status_code == 400 and "player 9" in refused.json()["error"] and len(read_edits(game)) == 1
    assert _change(client, {"edit": "undo"}).json()["studio"]["redo"] == 1
    assert not any(s.source == "person" for s in load_current(game).timeline.segments)


_IMPOSSIBLE: list[dict[str, Any]] = [
    {}, {"edit": "fly"}, {"edit": ["undo"]}, {"edit": "drop", "players": ["1"]},
    {"edit": "drop", "players": [True]}, {"edit": "drop", "players": [99]}, {"edit": "drop", "players": 1},
    {"edit": "split", "players": [1], "time": "1"}, {"edit": "split", "players": [1], "time": 1e300},
    {"edit": "rename", "players": [1], "text": 3}, {"edit": "rename", "players": [1], "text": "=1+1"},
    {"edit": "drop", "players": [1], "more": 1}, {"edit": "undo"}, {"edit": "redo"},
    {"edit": "relabel", "players": [1], "time": 1, "end": 0, "text": "run"},
]  # fmt: skip


def test_what_cannot_be_done_changes_nothing(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    for change in _IMPOSSIBLE:
        answer = _change(client, change)
        assert answer.status_code == 400 and "\n" not in answer.json()["error"], change
        assert not (game / "edits.jsonl").exists(), change
        assert client.get("/api/game", params={"id": "game.courtscribe"}).json()["studio"]["undo"] == 0


@pytest.mark.slow
def test_the_second_studio_only_reads_and_takes_over_when_the_first_ends(game: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.studio.editing import Editing\n"
        "e = Editing(Path(sys.argv[1])); e.change([{'edit': 'rename', 'players': [1], 'text': 'Ann'}])\n"
        "print(e.is_writable, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(game)], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"True\n"
        second = Editing(game)
        assert not second.is_writable and f"process {first.pid}" in second.refusal
        with pytest.raises(InputError, match="another run"):
            second.change([{"edit": "drop", "players": [2]}])
        assert second.shown()[0].names == {1: "Ann"} and not second.ask_again()
        first.send_signal(signal.SIGKILL)
    assert second.ask_again() and second.is_writable
    second.change([{"edit": "drop", "players": [2]}])
    assert load_current(game).tracks.ids.tolist() == [1, 3]
    second.close()


@pytest.mark.slow
def test_a_reader_sees_what_another_has_written(game: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.studio.editing import Editing\n"
        "e = Editing(Path(sys.argv[1]))\n"
        "for line in sys.stdin:\n"
        "    e.change([{'edit': 'rename', 'players': [1], 'text': line.strip()}]); print('ok', flush=True)"
    )
    command = [sys.executable, "-c", code, str(game)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdin.write("Ann\n")
        assert writer.stdout.readline() == "ok\n"
        reader = Editing(game)
        for name in ("Bo", "Cy"):
            writer.stdin.write(f"{name}\n")
            assert writer.stdout.readline() == "ok\n"
            assert reader.shown()[0].names == {1: name}
        writer.stdin.close()
    reader.close()


def test_a_full_disk_is_said_and_loses_nothing(
    game: Path, files_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    editing = Editing(game)
    for i in range(20):
        editing.change([{"edit": "rename", "players": [1], "text": f"Ann {i}"}])
    before = (game / "edits.jsonl").read_bytes()
    with files_at_most(len(before) + 20), pytest.raises(FullError, match="free some space"):
        editing.change([{"edit": "rename", "players": [1], "text": "lost"}])
    assert (game / "edits.jsonl").read_bytes() == before and editing.shown()[0].names[1] == "Ann 19"
    editing.change([{"edit": "undo"}])
    assert editing.shown()[0].names[1] == "Ann 18" and load_current(game).names[1] == "Ann 18"
    editing.close()


def test_a_folder_that_is_no_analysis_is_said(tmp_path: Path, connect: Connect) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.courtscribe").mkdir()
    (tmp_path / "broken.courtscribe" / "analysis.json").write_text('{"format": 2}')
    client = connect(tmp_path)
    for name, what in (("empty", "is no analysis"), ("broken.courtscribe", "damaged"), ("gone", "not there any more")):
        answer = client.get("/api/game", params={"id": name})
        assert answer.status_code == 400 and what in answer.json()["error"]


def test_a_video_that_moved_is_asked_for_and_another_one_is_not_taken(game: Path, connect: Connect) -> None:
    (game.parent / "new place").mkdir()
    (game.parent / "game.mp4").rename(game.parent / "new place" / "moved.mp4")
    make_game(game.parent, "other")
    other = (game.parent / "other.mp4").read_bytes()
    (game.parent / "other.mp4").write_bytes(other + b"more")
    client = connect(game.parent)
    data = client.get("/api/game", params={"id": "game.courtscribe"}).json()
    assert data["studio"]["lost"] and data["video"]["url"] == ""
    refused = client.post("/api/game/moved", json={"id": "game.courtscribe", "video": "other.mp4"})
    assert refused.status_code == 400 and "another content" in refused.json()["error"]
    found = client.post("/api/game/moved", json={"id": "game.courtscribe", "video": "new%20place/moved.mp4"}).json()
    assert not found["studio"]["lost"] and client.get(found["video"]["url"]).status_code == 200


def test_an_analysis_that_names_a_file_of_somebody_does_not_get_it_shown(game: Path, connect: Connect) -> None:
    content = json.loads((game / "analysis.json").read_text())
    content["video"] |= {"source": "/etc/passwd", "fingerprint": ""}
    (game / "analysis.json").write_text(json.dumps(content))
    client = connect(game.parent)
    assert client.get("/api/game", params={"id": "game.courtscribe"}).json()["studio"]["lost"]
    assert client.get("/api/game/video", params={"id": "game.courtscribe"}).status_code == 400
    for name in ("analysis.json", "../game.mp4", "edits.jsonl", "/etc/passwd"):
        answer = client.get("/api/game/file", params={"id": "game.courtscribe", "name": name})
        assert answer.status_code == 400


def test_a_browser_gets_parts_of_the_video(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    address = client.get("/api/game", params={"id": "game.courtscribe"}).json()["video"]["url"]
    whole = (game.parent / "game.mp4").read_bytes()
    part = client.get(address, headers={"range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole[100:200]
    assert client.get(address).content == whole and client.get(address).headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("kind", EXPORTS)
def test_files_for_other_programs_hold_what_was_corrected(
    game: Path, tmp_path: Path, connect: Connect, kind: str
) -> None:
    client = connect(game.parent)
    _change(client, {"edit": "rename", "players": [1], "text": "Zoë & <b>"})
    answer = client.get("/api/game/export", params={"id": "game.courtscribe", "kind": kind})
    assert f"game{EXPORTS[kind]}" in answer.headers["content-disposition"]
    (tmp_path / f"taken{EXPORTS[kind]}").write_bytes(answer.content)
    read = read_annotations(tmp_path / f"taken{EXPORTS[kind]}", ("run", "shoot"))
    assert {(a.player, a.action) for a in read.annotations} >= {("Zoë & <b>", "run"), ("2", "shoot")}
    assert client.get("/api/game/export", params={"id": "game.courtscribe", "kind": "../x"}).status_code == 400


def test_boxes_are_those_of_the_data_that_were_told(game: Path, connect: Connect) -> None:
    client = connect(game.parent)
    query = {"id": "game.courtscribe", "minute": 0}
    assert client.get("/api/game/boxes", params=query).json() is None, "nothing was told yet"
    version = client.get("/api/game", params={"id": "game.courtscribe"}).json()["version"]
    assert client.get("/api/game/boxes", params=query).json()["version"] == version
    assert _change(client, {"edit": "drop", "players": [1]}).json()["version"] != version
    assert client.get("/api/game/boxes", params=query).json()["version"] != version
    assert client.get("/api/game/boxes", params={**query, "minute": 7}).json() is None


@pytest.mark.slow
def test_files_of_a_long_game_follow_from_a_process_of_their_own(
    game: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.studio.following._MANY", 10)
    client = connect(game.parent)
    for name in ("Ann", "Bo", "Cy"):
        _change(client, {"edit": "rename", "players": [1], "text": name})
    for _ in range(400):
        if not (game / BEHIND).exists():
            break
        time.sleep(0.05)
    assert b"Cy,run" in (game / "timeline.csv").read_bytes() and "Cy run" in (game / "captions.vtt").read_text()
    assert _settled(client)["follow"]["error"] == ""


@pytest.mark.slow
def test_what_was_killed_before_files_had_followed_follows_later(game: Path, connect: Connect) -> None:
    editing = Editing(game)
    editing.change([{"edit": "rename", "players": [1], "text": "Ann"}])  # and nobody writes the files
    editing.close()
    assert (game / BEHIND).exists() and b"Ann" not in (game / "timeline.csv").read_bytes()
    _settled(connect(game.parent))
    assert b"Ann" in (game / "timeline.csv").read_bytes()


@pytest.mark.slow
def test_the_annotated_video_follows_and_the_newest_wins(game: Path, connect: Connect) -> None:
    from pipeline.studio.following import Following

    editing = Editing(game)
    following = Following(editing, (sys.executable, "-m", "pipeline.runners.cli"), quiet=0.2)
    following.source = str(game.parent / "game.mp4")
    following.want_video()
    deadline = time.monotonic() + 60
    while following.state()["video"] != "there" and time.monotonic() < deadline:
        time.sleep(0.1)
    first = (game / "annotated.mp4").read_bytes()
    for name in ("Ann", "Bo", "Cy"):
        editing.change([{"edit": "rename", "players": [1], "text": name}])
        following.follow()
        time.sleep(0.4)  # the one before has begun to be made
    assert following.state()["video"] != "there", "it would show something else"
    while following.state()["video"] != "there" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (game / "annotated.mp4").read_bytes() != first and not (game / BEHIND).exists()
    assert not list(game.glob(".courtscribe-*.part"))
    following.close()
    editing.close()
