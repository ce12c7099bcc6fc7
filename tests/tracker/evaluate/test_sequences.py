"""Which file belongs to which sequence, in all the layouts that people have."""

from __future__ import annotations

from pathlib import Path

import pytest

from ground.errors import InputError
from tracker.evaluate.sequences import pair_sequences

TRUE = ("SEQ/gt/gt.txt", "SEQ/gt.txt", "gt/SEQ/gt/gt.txt", "SEQ.txt")
FOUND = ("SEQ.txt", "SEQ/tracks.txt", "SEQ.courtscribe/tracks.txt", "data/SEQ.txt")


def made(folder: Path, layout: str, *names: str) -> Path:
    for name in names:
        path = folder / layout.replace("SEQ", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1,1,1,1,9,9,1\n")
    return folder


@pytest.mark.parametrize("true", TRUE)
@pytest.mark.parametrize("found", FOUND)
def test_sequences_are_paired_by_name(tmp_path: Path, true: str, found: str) -> None:
    truth = made(tmp_path / "truth", true, "game_b", "game_a")
    tracks = made(tmp_path / "tracks", found, "game_a", "game_b")
    pairs = pair_sequences(truth, tracks)
    assert [pair.name for pair in pairs] == ["game_a", "game_b"]
    for name, true_file, file in pairs:
        assert true_file == truth / true.replace("SEQ", name) and file == tracks / found.replace("SEQ", name)


@pytest.mark.parametrize("true", ["gt/gt.txt", "gt.txt", "anything.txt"])
@pytest.mark.parametrize("found", ["tracks.txt", "other.txt"])
def test_two_single_ones_belong_together(tmp_path: Path, true: str, found: str) -> None:
    truth, tracks = made(tmp_path / "game", true, ""), made(tmp_path / "x.courtscribe", found, "")
    true_place = truth / true if true == "anything.txt" else truth
    track_place = tracks / found if found == "other.txt" else tracks
    (pair,) = pair_sequences(true_place, track_place)
    assert pair == ("anything" if true == "anything.txt" else "game", truth / true, tracks / found)


def test_the_folder_one_stands_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "game", "gt/gt.txt", "")
    monkeypatch.chdir(tmp_path / "game")
    assert pair_sequences(Path(), Path("gt/gt.txt"))[0].name == "game"


def test_one_of_many_is_found_by_its_name(tmp_path: Path) -> None:
    truth, tracks = made(tmp_path / "truth", "SEQ/gt/gt.txt", "a"), made(tmp_path / "tracks", "SEQ.txt", "a")
    assert pair_sequences(truth, tracks / "a.txt")[0].name == "a"


@pytest.mark.parametrize(
    ("true", "found", "says"),
    [
        (("a", "b", "c"), ("a",), "tracks: holds nothing for .*b/gt/gt.txt and 1 more; it has a"),
        (("a",), ("a", "b"), "truth: holds nothing for .*b.txt; it has a"),
        (("a",), ("A",), "tracks: holds nothing for .*a/gt/gt.txt; it has A"),
        ((), ("a",), "truth: no such file or folder"),
        (("a",), (), "tracks: no such file or folder"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, true: tuple[str, ...], found: tuple[str, ...], says: str) -> None:
    truth, tracks = made(tmp_path / "truth", "SEQ/gt/gt.txt", *true), made(tmp_path / "tracks", "SEQ.txt", *found)
    with pytest.raises(InputError, match=says) as error:
        pair_sequences(truth, tracks)
    assert "\n" not in str(error.value)


def test_truth_where_tracks_are_expected_and_nothing_at_all(tmp_path: Path) -> None:
    truth = made(tmp_path / "truth", "SEQ/gt/gt.txt", "a")
    with pytest.raises(InputError, match="holds ground truth, where tracks are expected"):
        pair_sequences(truth, truth)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no gt/gt\.txt"):
        pair_sequences(tmp_path / "empty", truth)
    with pytest.raises(InputError, match=r"empty: holds no tracks\.txt"):
        pair_sequences(truth, tmp_path / "empty")


def test_what_other_programs_leave_beside_is_passed_over(tmp_path: Path) -> None:
    truth, tracks = made(tmp_path / "t", "SEQ/gt/gt.txt", "a", "b"), made(tmp_path / "r", "data/SEQ.txt", "a", "b")
    (truth / "a/seqinfo.ini").write_text("[Sequence]\n")
    made(truth, "seqmaps/SEQ.txt", "all")
    (tracks / "pedestrian_summary.txt").write_text("HOTA DetA\n0.5 0.5\n")
    (tracks / "data/._a.txt").write_bytes(b"\0\5\x16\7")
    assert [p.name for p in pair_sequences(truth, tracks)] == ["a", "b"]
    flat = made(tmp_path / "flat", "SEQ.txt", "a", "b")
    (flat / "pedestrian_summary.txt").write_text("HOTA DetA\n0.5 0.5\n")
    (flat / "README.txt").write_text("made today\n")
    assert [p.name for p in pair_sequences(truth, flat)] == ["a", "b"]
    assert [p.name for p in pair_sequences(tmp_path / "t/..", flat) if p.truth.parts[-3] in "ab"] == ["a", "b"]


def test_two_trackers_in_one_folder_are_named(tmp_path: Path) -> None:
    truth = made(tmp_path / "t", "SEQ/gt/gt.txt", "a")
    made(tmp_path / "r", "mine/data/SEQ.txt", "a")
    assert pair_sequences(truth, tmp_path / "r")[0].name == "a"
    made(tmp_path / "r", "yours/data/SEQ.txt", "a")
    with pytest.raises(InputError, match=r"mine/data/a.txt and .*yours/data/a.txt are both a"):
        pair_sequences(truth, tmp_path / "r")


@pytest.mark.parametrize(
    ("true", "found", "pairs"),
    [
        (("M-02-FRCNN", "M-04-FRCNN"), ("M-02-FRCNN", "M-04-FRCNN"), ["M-02-FRCNN", "M-04-FRCNN"]),
        (("M-02-DPM", "M-02-FRCNN", "M-02-SDP"), ("M-02-FRCNN",), ["M-02-FRCNN"]),
        (("M-02-DPM", "M-02-FRCNN"), ("M-02",), ["M-02-DPM"]),
        (("M-02",), ("M-02-SDP",), ["M-02"]),
    ],
)
def test_sequences_are_the_same_film_whatever_its_detector(
    tmp_path: Path, true: tuple[str, ...], found: tuple[str, ...], pairs: list[str]
) -> None:
    truth, tracks = made(tmp_path / "t", "SEQ/gt/gt.txt", *true), made(tmp_path / "r", "SEQ.txt", *found)
    assert [pair.name for pair in pair_sequences(truth, tracks)] == pairs
    made(truth, "SEQ/gt/gt.txt", "M-09-SDP")
    with pytest.raises(InputError, match=r"holds nothing for .*M-09-SDP"):
        pair_sequences(truth, tracks)
