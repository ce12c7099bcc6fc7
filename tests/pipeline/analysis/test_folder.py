"""The folder of an analysis: whole after a kill anywhere, nothing read that was not written, old formats readable."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ground.disk.files
from classify.types import ActionScores
from ground.errors import InputError
from pipeline.analysis.folder import JSON_NAME, is_analysis, load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, DetectionTable, Frames, Players, Scores, VideoFacts
from pipeline.outputs.write import write_outputs
from tracker.teams.teams import Member, Teams
from tracker.types import Detections, Tracks

_LABELS = ("walk", "run")
_FRAMES = 10
_TEAMS = Teams(("Knicks", "B"), ((240, 240, 240), (20, 90, 40)), {1: Member("B", 0.98), 9: Member("", 0.7)})


class _KilledError(BaseException):
    """As a kill: nothing may catch it and tidy up."""


def _analysis(*ids: int, action: str = "walk") -> Analysis:
    index = np.arange(_FRAMES, dtype=np.int32)
    boxes = np.tile([10, 10, 40, 90], (_FRAMES * len(ids), 1))
    tracks = Tracks.of(np.tile(index, len(ids)), np.repeat(ids, _FRAMES), boxes)
    segments = tuple(ActionSegment(i, action, 0.0, 0.4, 0, _FRAMES, 0.9) for i in ids)
    scores = Scores(tuple(ActionScores(i, 0.0, 0.4, np.array([0.25, 0.75], np.float32)) for i in ids), ("odd",))
    found = Detections.of(boxes[:_FRAMES], np.full(_FRAMES, 0.5), np.zeros(_FRAMES))
    detections = DetectionTable(index, found, np.full(_FRAMES, np.nan, np.float32), ("player",))
    return Analysis(
        VideoFacts("/x/game.mp4", 640, 360, "25", 0.4, "h264", "abc"), {"start": None}, Frames(index, index / 25.0),
        Players(tracks, names={ids[0]: "Ann"}, teams=_TEAMS), Timeline(_LABELS, segments), scores, detections,
    )  # fmt: skip


def _state(folder: Path) -> tuple[list[int], list[int], list[int]]:
    """Players in the tracks, in the timeline and in the scores."""
    analysis = load_analysis(folder)
    return (
        analysis.tracks.ids.tolist(),
        sorted({s.track_id for s in analysis.timeline.segments}),
        [s.track_id for s in analysis.scores.windows],
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_analysis(_analysis(1, 2), tmp_path / "a")
    assert is_analysis(tmp_path / "a") and _state(tmp_path / "a") == ([1, 2], [1, 2], [1, 2])
    again = load_analysis(tmp_path / "a")
    assert again.names == {1: "Ann"} and again.notes == ("odd",) and again.video.fingerprint == "abc"
    assert again.detections is not None and again.detections.classes == ("player",)
    assert again.teams == _TEAMS and again.teams.team(1) == "B" and again.teams.team(9) == again.teams.team(2) == ""
    save_analysis(again, tmp_path / "b")
    files = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in "ab"]
    assert files[0] == files[1], "equal analyses have equal tables"
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files[0])


def test_an_analysis_without_teams_is_read(tmp_path: Path) -> None:
    save_analysis(_analysis(1), tmp_path)
    record = json.loads((tmp_path / JSON_NAME).read_text())
    del record["teams"]
    (tmp_path / JSON_NAME).write_text(json.dumps(record))
    assert load_analysis(tmp_path).teams == Teams()


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["A"]},
        {"names": "AB"},
        {"colors": [[1, 2, 3]]},
        {"colors": [[1, 2, 300], [1, 2, 3]]},
        {"members": {"1": {"team": "C", "probability": 1}}},
        {"members": {"x": {"team": "A", "probability": 1}}},
        {"members": {"1": {"team": "A"}}},
        {"members": []},
    ],
)
def test_teams_that_cannot_be_are_damage(tmp_path: Path, change: dict[str, object]) -> None:
    save_analysis(_analysis(1), tmp_path)
    record = json.loads((tmp_path / JSON_NAME).read_text())
    record["teams"] = {"names": ["A", "B"], "colors": [], "members": {}} | change
    (tmp_path / JSON_NAME).write_text(json.dumps(record))
    with pytest.raises(InputError, match="damaged"):
        load_analysis(tmp_path)


def test_a_new_analysis_leaves_no_table_of_the_old_one(tmp_path: Path) -> None:
    others = {"mine.npz", "frames.npz", "tracks.npz", "scores.npz", "tracks-1.npz"}
    for name in others:
        (tmp_path / name).write_text("not a table of ours")
    save_analysis(_analysis(1, 2), tmp_path)
    save_analysis(_analysis(7), tmp_path)
    named = {table["file"] for table in json.loads((tmp_path / JSON_NAME).read_text())["tables"].values()}
    assert {path.name for path in tmp_path.iterdir()} == named | {JSON_NAME} | others


def _kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Kill at the ``number``-th step that changes the disk; returns how many there were."""
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == number:
                raise _KilledError
            return real(*arguments, **options)

        return step

    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    monkeypatch.setattr(Path, "write_bytes", counted(Path.write_bytes))
    monkeypatch.setattr(Path, "write_text", counted(Path.write_text))
    monkeypatch.setattr(ground.disk.files, "_remove", lambda _part: None)  # a killed process removes nothing
    return lambda: count


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_the_old_analysis_or_the_new_one(tmp_path: Path) -> None:
    old, new = _analysis(1, 2), _analysis(7, 8, 9, action="run")
    seen: set[str] = set()
    for number in range(1, 1000):
        folder = tmp_path / str(number)
        write_outputs(old, folder, with_video=False)
        (folder / "annotated.mp4").write_text("shows the old one")
        with pytest.MonkeyPatch.context() as patch:
            steps = _kill_at(patch, number)
            try:
                write_outputs(new, folder, with_video=False)
                finished = True
            except _KilledError:
                finished = False
        state = _state(folder)
        assert state in (([1, 2],) * 3, ([7, 8, 9],) * 3), (number, state)
        seen.add("new" if 7 in state[0] else "old")
        for name in ("timeline.csv", "captions.vtt", "tracks.txt", "annotated.mp4"):
            if (folder / name).exists() and ("new" if 7 in state[0] else "old") == "new":
                assert "walk" not in (folder / name).read_text() and name != "annotated.mp4", (number, name)
        (folder / ".courtscribe-sound.part").mkdir()  # as a writer of sound leaves behind when it is killed
        save_analysis(new, folder)
        assert not list(folder.glob(".courtscribe-*")), "what a killed writer left is swept away"
        if finished:
            assert number > steps() > 8 and seen == {"old", "new"}
            return
    raise AssertionError("the kills never end")


def _with_table(folder: Path, name: str, content: bytes) -> None:
    """Put ``content`` where a table is, with a record that agrees: as one who wants to do harm would."""
    path = folder / JSON_NAME
    record = json.loads(path.read_text())
    sha256 = hashlib.sha256(content).hexdigest()
    record["tables"][name] |= {"sha256": sha256, "file": f"{name}-{sha256[:16]}.npz"}
    (folder / record["tables"][name]["file"]).write_bytes(content)
    path.write_text(json.dumps(record))


def _npz(**columns: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in columns.items():
            archive.writestr(f"{name}.npy", content)
    return packed.getvalue()


def _npy(descr: str, shape: str, data: bytes = b"") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "content",
    [
        _npz(track_id=_npy("<i4", "(4000000000000,)")),
        _npz(track_id=_npy("|O", "(1,)", b"\x80\x04N.")),
        _npz(track_id=_npy("<f8", "(1,)", bytes(8))),
        _npz(track_id=_npy("<i4", "(-1,)")),
        _npz(track_id=_npy("<i4", "(2, 2)", bytes(16))),
        _npz(another=_npy("<i4", "(1,)", bytes(4))),
        _npz(track_id=_npy("<i4", "(1,)", bytes(4)), frame_index=_npy("<i4", "(2,)", bytes(8))),
        _npz(track_id=b"\x93NUMPY\x01\x00\xff\xff{"),
        _npz(),
        b"PK\x05\x06",
        b"",
    ],
)
def test_a_table_that_claims_what_it_does_not_hold_is_one_line(tmp_path: Path, content: bytes) -> None:
    save_analysis(_analysis(1), tmp_path)
    _with_table(tmp_path, "tracks", content)
    with pytest.raises(InputError, match=r"^[^\n]{10,500}$"):
        load_analysis(tmp_path)


def test_a_table_that_was_changed_is_noticed(tmp_path: Path) -> None:
    save_analysis(_analysis(1), tmp_path)
    table = next(tmp_path.glob("tracks-*.npz"))
    save_analysis(_analysis(3), tmp_path / "other")
    shutil.copy(next((tmp_path / "other").glob("tracks-*.npz")), table)
    with pytest.raises(InputError, match="another file than the one that was written"):
        load_analysis(tmp_path)
    table.unlink()
    with pytest.raises(InputError, match="not a whole analysis"):
        load_analysis(tmp_path)


@pytest.mark.parametrize("name", ["../elsewhere/tracks-0123456789abcdef.npz", "/etc/passwd", "tracks.npz", "", "a\0b"])
def test_names_in_the_record_do_not_leave_the_folder(tmp_path: Path, name: str) -> None:
    save_analysis(_analysis(1), tmp_path / "a")
    save_analysis(_analysis(2), tmp_path / "elsewhere")
    path = tmp_path / "a" / JSON_NAME
    record = json.loads(path.read_text())
    record["tables"]["tracks"]["file"] = name
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="damaged"):
        load_analysis(tmp_path / "a")


def test_the_format_before_is_read(tmp_path: Path) -> None:
    """As that version wrote it: plain names, one list of notes, scores with speed in them."""
    analysis = _analysis(1, 2)
    save_analysis(analysis, tmp_path)
    record = json.loads((tmp_path / JSON_NAME).read_text())
    for name, table in record.pop("tables").items():
        (tmp_path / table["file"]).rename(tmp_path / f"{name}.npz")
        record.setdefault("files", {})[name] = f"{name}.npz"
    del record["video"]["fingerprint"]
    record |= {"format": 1, "notes": ["from before"]}
    (tmp_path / JSON_NAME).write_text(json.dumps(record))
    old = load_analysis(tmp_path)
    assert old.tracks.ids.tolist() == [1, 2] and old.timeline == analysis.timeline and old.video.fingerprint == ""
    assert old.scores.windows == () and old.notes[0] == "from before" and len(old.notes) == 2
    save_analysis(old, tmp_path)
    assert load_analysis(tmp_path).notes == old.notes and not (tmp_path / "tracks.npz").exists(), "it was named"
    record["format"] = 99
    (tmp_path / JSON_NAME).write_text(json.dumps(record))
    with pytest.raises(InputError, match="format 99, this version reads 1 to 2"):
        load_analysis(tmp_path)
