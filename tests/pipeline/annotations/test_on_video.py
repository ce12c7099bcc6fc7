"""Annotations on the players and frames of an analysis; and home again as edits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import PERSON, Timeline, frame_ends
from pipeline.analysis.values import Analysis, player_name
from pipeline.annotations.annotation_file import Annotation, AnnotationFile
from pipeline.annotations.formats import READERS, WRITERS
from pipeline.annotations.on_video import match_annotations
from pipeline.edits.current import load_current
from pipeline.edits.draft import Draft
from pipeline.edits.fold import fold
from pipeline.outputs.export import annotations_of
from pipeline.runners.cli import main
from tests.pipeline.annotations.drawn import LABELS, analyses, game


def spans(timeline: Timeline) -> list[tuple[int, str, int, int]]:
    return [(s.track_id, s.action, s.start_frame, s.end_frame) for s in timeline.segments]


def test_players_actions_and_times_are_found() -> None:
    file = AnnotationFile((
        Annotation(" ann ", "RUN", 0.01, 0.21), Annotation("7", "run", 0.199, 5.0), Annotation("Bo", "run", 0.4, 0.6),
        Annotation("7", "fly", 0.0, 1.0), Annotation("7", "ball pass", 0.0, 1.0), Annotation("7", "run", 8.0, 9.0),
        Annotation("7", "unsure", 0.0, 0.1),
    ))  # fmt: skip
    matched = match_annotations(file, game())
    assert spans(matched.timeline) == [(4, "run", 0, 5), (7, "run", 5, 25), (8, "run", 10, 15)]
    assert matched.strangers == {8: "Bo"}
    assert matched.notes == (
        "fly: no labels of this analysis, so left out",
        "Bo: nobody of this analysis is called so",
        "1 annotation outside the analysed frames, or shorter than one",
    )


def test_a_label_laid_over_another_corrects_it() -> None:
    file = AnnotationFile((Annotation("7", "run", 0.0, 1.0), Annotation("7", "ball in hand", 0.4, 0.6)))
    matched = match_annotations(file, game())
    assert spans(matched.timeline) == [(7, "run", 0, 10), (7, "ball in hand", 10, 15), (7, "run", 15, 25)]
    assert matched.notes == ("1 action over another one of the same player: the later one counts",)


def test_of_many_strange_names_some_are_told() -> None:
    file = AnnotationFile(tuple(Annotation(f"P\n{i}", f"fly {i}", 0.0, 1.0) for i in range(30)))
    assert match_annotations(file, game()).notes == (
        "fly 0, fly 1, fly 10, fly 11, fly 12, fly 13, fly 14, fly 15 and 22 more: no labels of this analysis, so left "
        "out",
    )
    people = AnnotationFile(tuple(Annotation(f"P\n{i}", "run", 0.0, 1.0) for i in range(30)))
    (note,) = match_annotations(people, game()).notes
    assert note == "P 0, P 1, P 2, P 3, P 4, P 5, P 6, P 7 and 22 more: nobody of this analysis is called so"
    crowd = AnnotationFile(tuple(Annotation(f"P{i}", "run", 0.0, 1.0) for i in range(600)))
    with pytest.raises(InputError, match="over 500 players whom the analysis does not have"):
        match_annotations(crowd, game())


def test_a_name_of_two_players_is_refused() -> None:
    two = dataclasses.replace(game().players, names={4: "Ann", 7: "ann"})
    file = AnnotationFile((Annotation("Ann", "run", 0.0, 1.0),))
    with pytest.raises(InputError, match="'Ann' is the name of players 4, 7"):
        match_annotations(file, dataclasses.replace(game(), players=two))


@pytest.mark.parametrize("kind", sorted(READERS))
def test_what_a_person_corrected_elsewhere_comes_home(kind: str, tmp_path: Path) -> None:
    """Written, relabelled and recut there, and taken: the analysis then says what the file says."""
    folder, path = tmp_path / "game.courtscribe", tmp_path / "corrected"
    save_analysis(game(), folder)
    file = annotations_of(game())
    first, second, third = file.annotations
    corrected = (
        dataclasses.replace(first, end=0.4, frames=(0, 10)), second,
        Annotation("Ann", LABELS[1], 0.4, 0.6, (10, 15)), dataclasses.replace(third, action="dunk 🏀"),
    )  # fmt: skip
    WRITERS[kind](path, dataclasses.replace(file, annotations=corrected))
    assert main(["edit", str(folder), "--from", str(path), "--quiet"]) == 0
    shown = load_current(folder).timeline
    assert spans(shown) == [(4, "run", 0, 10), (7, "run", 5, 20), (4, LABELS[1], 10, 15), (4, "dunk 🏀", 15, 25)]
    assert [s.source for s in shown.segments] == ["model", "model", PERSON, PERSON]
    before = (folder / "edits.jsonl").read_bytes()
    assert before.count(b"\n") == 2
    assert main(["edit", str(folder), "--from", str(path), "--quiet"]) == 0, "it is home already"
    assert (folder / "edits.jsonl").read_bytes() == before
    assert main(["edit", str(folder), "--undo", "--undo", "--quiet"]) == 0
    assert spans(load_current(folder).timeline) == spans(game().timeline)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(analyses(), st.data())
def test_any_corrected_file_is_what_is_shown_then(
    tmp_path_factory: pytest.TempPathFactory, analysis: Analysis, data: st.DataObject
) -> None:
    path, index = tmp_path_factory.mktemp("home") / "a.csv", analysis.frames.index
    edges = np.append(analysis.frames.time, frame_ends(analysis.frames.time)[-1])
    annotations: list[Annotation] = []
    for player in analysis.tracks.ids.tolist():
        for a in range(0, len(index), 7):
            b = min(a + 7, len(index))
            frames = int(index[a]), int(index[b - 1]) + 1
            name, label = player_name(analysis.names, player), data.draw(st.sampled_from(LABELS))
            annotations.append(Annotation(name, label, float(edges[a]), float(edges[b]), frames))
    WRITERS["csv"](path, AnnotationFile(tuple(annotations)))
    draft = Draft(analysis, [])
    draft.add_differences(path)
    wanted = match_annotations(AnnotationFile(tuple(annotations)), analysis).timeline
    assert _by_frame(fold(analysis, draft.added).timeline) == _by_frame(wanted)


def _by_frame(timeline: Timeline) -> dict[tuple[int, int], str]:
    return {(s.track_id, f): s.action for s in timeline.segments for f in range(s.start_frame, s.end_frame)}


def test_a_file_of_another_game_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, path = tmp_path / "game.courtscribe", tmp_path / "other.csv"
    save_analysis(game(), folder)
    WRITERS["csv"](path, AnnotationFile((Annotation("Bo", "run", 0.0, 1.0),)))
    assert main(["edit", str(folder), "--rename", "7=Cy", "--from", str(path)]) == 2
    assert "says nothing of the players of this analysis (Bo: nobody" in capsys.readouterr().err
    assert not (folder / "edits.jsonl").exists(), "nor is what was right before it"
