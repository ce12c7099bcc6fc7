"""Pictures of an analysis: there, the same each time, and showing what the analysis says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Players
from pipeline.outputs.plots.budget import plot_budget
from pipeline.outputs.plots.confidence import plot_confidence
from pipeline.outputs.plots.identities import plot_identities
from pipeline.outputs.plots.style import action_colors, clock, duration
from pipeline.outputs.plots.timeline import plot_timeline
from pipeline.runners.cli import main
from tests.pipeline.annotations.drawn import game
from tracker.types import Tracks

PLOTS = (plot_timeline, plot_budget, plot_confidence, plot_identities)
Plot = Callable[[Analysis, Path], None]


def _share(path: Path, color: str) -> float:
    """Of the pixels, those in ``color``."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return float((pixels == np.frombuffer(bytes.fromhex(color[1:]), np.uint8)).all(axis=2).mean())


@pytest.mark.slow
@pytest.mark.parametrize("plot", PLOTS)
def test_the_same_analysis_gives_the_same_bytes(plot: Plot, tmp_path: Path) -> None:
    for suffix in (".png", ".svg"):
        for name in "ab":
            plot(game(), tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert Image.open(tmp_path / "a.png").width > 1500
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag.endswith("svg") and b"dc:date" not in (tmp_path / "a.svg").read_bytes()


@pytest.mark.slow
def test_actions_fill_as_much_as_they_last(tmp_path: Path) -> None:
    """Ann runs for 0.6 s and has the ball for 0.4; player 7 runs for 0.6."""
    plot_timeline(game(), tmp_path / "a.png")
    colors = action_colors(game().timeline.labels)
    run, ball = (_share(tmp_path / "a.png", colors[action]) for action in ("run", "ball in hand"))
    assert run / ball == pytest.approx(1.2 / 0.4, rel=0.05)
    plot_budget(game(), tmp_path / "b.png")
    run, ball = (_share(tmp_path / "b.png", colors[action]) for action in ("run", "ball in hand"))
    assert run / ball == pytest.approx(1.6 / 0.4, rel=0.05)


@pytest.mark.slow
def test_who_is_seen_again_after_a_while_is_a_break(tmp_path: Path) -> None:
    whole = game()
    track = whole.tracks
    plot_identities(whole, tmp_path / "whole.png")
    gone = dataclasses.replace(whole, players=Players(track[(track.frame_index < 3) | (track.frame_index > 20)]))
    plot_identities(gone, tmp_path / "gone.png")
    short = dataclasses.replace(whole, players=Players(track[(track.frame_index < 3) | (track.frame_index > 10)]))
    plot_identities(short, tmp_path / "short.png")
    whole_share, gone_share, short_share = (
        _share(tmp_path / f"{n}.png", "#d1495b") for n in ("whole", "gone", "short")
    )
    assert whole_share == short_share, "the mark in the legend alone"
    assert gone_share > 1.5 * whole_share


@pytest.mark.slow
def test_names_of_any_kind_and_many_labels(tmp_path: Path) -> None:
    labels = tuple(f"label {i} <&> $x_1$" for i in range(30))
    segments = tuple(ActionSegment(4, label, i / 30, (i + 1) / 30, i, i + 1, 0.5) for i, label in enumerate(labels))
    names = {4: "Zoë <b> & $x^2$ " + "x" * 60, 7: "🏀"}
    analysis = dataclasses.replace(
        game(), timeline=Timeline(labels, segments), players=Players(game().tracks, names, teams=game().teams)
    )
    for plot in PLOTS:
        plot(analysis, tmp_path / "a.svg")
        ElementTree.parse(tmp_path / "a.svg")
    assert len(set(action_colors(labels).values())) == 31


@pytest.mark.slow
def test_the_command_writes_all_and_says_what_it_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_analysis(game(), tmp_path / "game.courtscribe")
    assert main(["plot", str(tmp_path / "game.courtscribe"), "-o", str(tmp_path / "plots")]) == 0
    names = {"timeline", "timebudget", "confidence", "identities"}
    assert {p.name for p in (tmp_path / "plots").iterdir()} == {f"{n}.{s}" for n in names for s in ("png", "svg")}
    assert "no heat map and no paths: the court's lines are not known" in capsys.readouterr().out
    empty = dataclasses.replace(game(), players=Players(Tracks.empty()), timeline=Timeline(("run",), ()))
    save_analysis(empty, tmp_path / "empty.courtscribe")
    assert main(["plot", str(tmp_path / "empty.courtscribe"), "-o", str(tmp_path / "none")]) == 2
    assert "nothing to plot" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_clocks() -> None:
    assert [clock(t) for t in (0, 1.5, 59.96, 61, 3600.04, -0.01, -2)] == [
        "0:00", "0:01.5", "1:00", "1:01", "60:00", "0:00", "-0:02",
    ]  # fmt: skip
    assert [duration(t) for t in (8, 59.4, 59.6, 723.2)] == ["8.0 s", "59.4 s", "1:00", "12:03"]
