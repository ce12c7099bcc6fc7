"""What is written in each format is read back, whatever the names; the readers of others agree."""

from __future__ import annotations

import dataclasses
import os
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kloppy import sportscode as kloppy_sportscode
from pympi import Eaf

from pipeline.analysis.timeline import PERSON, UNSURE
from pipeline.analysis.values import Analysis
from pipeline.annotations.annotation_file import AnnotationFile, milliseconds
from pipeline.annotations.boris import code
from pipeline.annotations.formats import READERS, WRITERS, annotation_format, read_annotations
from pipeline.annotations.on_video import match_annotations
from pipeline.annotations.sportscode import Cutting, write_sportscode
from pipeline.outputs.export import annotations_of
from tests.pipeline.annotations.drawn import LABELS, analyses, files, game

_MANY = settings(deadline=None, max_examples=int(os.environ.get("COURTSCRIBE_EXAMPLES", "100")))
_FEW = settings(deadline=None, max_examples=25)


def said(file: AnnotationFile) -> list[tuple[str, str, int, int, str]]:
    """What every format keeps of annotations: who, what, when to the millisecond, and to whom."""
    return sorted(
        (a.player, a.action, milliseconds(a.start), 0 if a.is_event else milliseconds(a.end), a.to)
        for a in file.annotations
    )


def assert_same(kind: str, file: AnnotationFile, folder: Path) -> None:
    """Write, tell the format, read: the same annotations, and a note for every name that is another."""
    path = folder / "a"
    notes = WRITERS[kind](path, file)
    assert annotation_format(path) == kind, kind
    again = read_annotations(path, LABELS)
    name = code if kind.startswith("boris") else str
    wanted = sorted((name(p), name(a), s, e, to) for p, a, s, e, to in said(file))
    assert said(again) == wanted, kind
    for player in file.players:
        assert name(player) == player or any(repr(player) in note for note in notes)
    assert again.notes == (), kind
    last, wanted_last = (max(a.end for a in f.annotations if not a.is_event) for f in (again, file))
    assert last == pytest.approx(wanted_last, abs=0.00051), "ends reach the end of the video"


def _with_action(file: AnnotationFile) -> bool:
    return any(not a.is_event for a in file.annotations)


@pytest.mark.slow
def test_many_timelines_are_read_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each of every format: it takes longer to draw one than to write and read it."""
    folder = tmp_path_factory.mktemp("many")

    @_MANY
    @given(files().filter(_with_action))
    def check(file: AnnotationFile) -> None:
        for kind in sorted(READERS):
            assert_same(kind, file, folder)

    check()


@pytest.mark.slow
def test_a_file_says_of_its_own_analysis_what_that_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    """To the frame, at any rate of frames; whoever has a name that a format cannot hold is nobody there."""
    folder = tmp_path_factory.mktemp("own")

    @_FEW
    @given(analyses())
    def check(analysis: Analysis) -> None:
        file = annotations_of(analysis)
        if not file.annotations:
            return
        for kind in sorted(READERS):
            WRITERS[kind](folder / "a", file)
            matched = match_annotations(read_annotations(folder / "a", LABELS), analysis)
            renamed = {i for i, name in analysis.names.items() if kind.startswith("boris") and code(name) != name}
            wanted = [s for s in analysis.timeline.segments if s.action != UNSURE and s.track_id not in renamed]
            found = [s for s in matched.timeline.segments if s.track_id not in matched.strangers]
            assert [(s.track_id, s.action, s.start_frame, s.end_frame) for s in found] == [
                (s.track_id, s.action, s.start_frame, s.end_frame) for s in wanted
            ], kind

    check()


@pytest.mark.slow
@_FEW
@given(
    file=files().filter(_with_action),
    by=st.sampled_from(["player", "action"]),
    lead=st.integers(0, 5000),
    lag=st.integers(0, 5000),
)
def test_lead_and_lag_are_taken_off_again(
    tmp_path_factory: pytest.TempPathFactory, file: AnnotationFile, by: str, lead: int, lag: int
) -> None:
    path = tmp_path_factory.mktemp("pad") / "a.xml"
    write_sportscode(path, file, Cutting(by, lead / 1000, lag / 1000))
    again = read_annotations(path, LABELS)
    assert said(again) == said(file)
    data = kloppy_sportscode.load(str(path))
    for instance in data.records:
        assert instance.timestamp.total_seconds() >= 0
        assert instance.end_timestamp.total_seconds() <= max(file.duration, 0) + 0.0011


@pytest.mark.slow
@_FEW
@given(files().filter(_with_action))
def test_kloppy_reads_what_sportscode_gets(tmp_path_factory: pytest.TempPathFactory, file: AnnotationFile) -> None:
    path = tmp_path_factory.mktemp("kloppy") / "a.xml"
    write_sportscode(path, file, Cutting("action"))
    data = kloppy_sportscode.load(str(path))
    theirs = [
        (str(i.labels["player"]), i.code, round(1000 * i.timestamp.total_seconds()), str(i.labels.get("team", "")))
        for i in data.records
    ]
    ours = [(_number(a.player), a.action, milliseconds(a.start), a.team) for a in file.annotations]
    assert theirs == ours
    ends = [round(1000 * i.end_timestamp.total_seconds()) for i in data.records]
    assert [e for e, a in zip(ends, file.annotations, strict=True) if not a.is_event] == [
        milliseconds(a.end) for a in file.annotations if not a.is_event
    ]


def _number(text: str) -> str:
    """A label's text as kloppy gives it back: what reads as a number is one."""
    try:
        return str(float(text) if "." in text else int(text))
    except ValueError:
        return text


@pytest.mark.slow
@_FEW
@given(files())
def test_pympi_reads_what_we_write_for_elan(tmp_path_factory: pytest.TempPathFactory, file: AnnotationFile) -> None:
    path = tmp_path_factory.mktemp("pympi") / "a.eaf"
    WRITERS["elan"](path, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        eaf = Eaf(str(path))
    assert eaf.adocument["VERSION"] == "3.0" and set(file.players) <= set(eaf.get_tier_names())
    for player in file.players:
        found = sorted(eaf.get_annotation_data_for_tier(player))
        mine = [a for a in file.annotations if a.player == player and not a.is_event]
        assert [(start, end, text) for start, end, text in found] == [
            (milliseconds(a.start), milliseconds(a.end), a.action) for a in mine
        ]
        assert all(before[1] <= after[0] for before, after in pairwise(found)), "no overlaps"
        assert all(start < end and text for start, end, text in found), "nothing is empty"
        assert eaf.tiers[player][2]["PARTICIPANT"] == player
    vocabulary = {entry[0][0][0] for entry in eaf.get_cv_entries("actions").values()}
    assert set(LABELS) <= vocabulary
    if media := eaf.get_linked_files():
        assert media[0]["MEDIA_URL"].startswith("file:///")


@pytest.mark.parametrize("kind", sorted(READERS))
def test_the_same_analysis_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    for name in "ab":
        WRITERS[kind](tmp_path / name, annotations_of(game()))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_confidence_and_who_says_so_go_along(tmp_path: Path) -> None:
    file = annotations_of(game())
    for kind in ("sportscode", "csv"):
        WRITERS[kind](tmp_path / "a", file)
        again = read_annotations(tmp_path / "a", LABELS).annotations
        assert [a.confidence for a in again] == [a.confidence for a in file.annotations]
        assert [a.source == PERSON for a in again] == [a.source == PERSON for a in file.annotations]
        assert [a.team for a in again] == [a.team for a in file.annotations]
    for kind in ("boris", "boris table"):
        WRITERS[kind](tmp_path / "a", file)
        again = read_annotations(tmp_path / "a", LABELS).annotations
        assert [a.confidence for a in again] == [a.confidence for a in file.annotations]
    assert dataclasses.asdict(read_annotations(tmp_path / "a"))["notes"] == ()
