"""``courtscribe adapt``: from real footage to labels of one's own, and one line for what cannot be."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from classify.weights.checkpoint import read_info
from pipeline.analysis.folder import load_analysis
from pipeline.runners.cli import main


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three of each label; what a label looks like does not matter here."""
    folder = tmp_path_factory.mktemp("adapt") / "examples"
    for value, label in enumerate(("hop", "skip")):
        (folder / label).mkdir(parents=True)
        for i in range(3):
            frames = np.random.default_rng(i).integers(0, 40, (8, 176, 128, 3), np.uint8)
            frames[:, 40 + 60 * value : 80 + 60 * value, 40:80] = 255
            np.save(folder / label / f"{i}.npy", frames)
    return folder


@pytest.mark.slow
def test_examples_out_of_an_analysis_label_another(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A moment of real footage: who is high in the picture is "far", who is low is "near"."""
    video, game = str(shared / "videos/nbaction_3.mov"), str(tmp_path / "game.courtscribe")
    plain = tmp_path / "plain.toml"  # converting what was learnt and looking for the court take longer than all else
    plain.write_text('[classifier]\nruntime = "torch"\n[court]\nfind = false\n')
    analyze = ["analyze", video, "--end", "0.8", "--imgsz", "640", "-o", game, "--config", str(plain), "--quiet"]
    assert main(analyze) == 0
    tracks = load_analysis(Path(game)).tracks
    long = [(float(track.xyxy[:, 3].mean()), i) for i, track in tracks.by_id() if len(track) >= 15]
    order = [str(i) for _, i in sorted(long)]
    assert len(order) >= 6
    wanted = [*((player, "far") for player in order[:3]), *((player, "near") for player in order[-3:])]
    flags = [f for player, label in wanted for f in ("--player", player, "--start=0", "--end=0.8", "--label", label)]
    mine = tmp_path / "mine.safetensors"
    assert main(["adapt", "--from", game, *flags, "-o", str(mine)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("example: ") == len(list((tmp_path / "mine.examples").rglob("*.mp4"))) >= 6
    assert "linear, decay" in shown and "nearest neighbours" in shown and "  far: " in shown
    assert main([*analyze, "--actions", str(mine)]) == 0
    again = load_analysis(Path(game))
    assert again.timeline.labels == ("far", "near") and again.timeline.segments
    assert again.classifier is not None and again.classifier.starter and "learnt from" in again.classifier.note
    predicted = {s.track_id: s.action for s in sorted(again.timeline.segments, key=lambda s: s.end - s.start)}
    right = [predicted.get(int(player)) == label for player, label in wanted]
    assert sum(right) >= 5, "what was shown is known again"


@pytest.mark.slow
def test_the_detectors_own_layers_are_always_there(examples: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    assert main(["adapt", "--examples", str(examples), "-o", str(path), "--embedding", "detector", "--quiet"]) == 0
    assert read_info(path).model == "pooled" and read_info(path).labels == ("hop", "skip")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "adapt takes --examples DIR, -o FILE, or both"),
        (["--examples", "EXAMPLES"], "-o FILE says where the classifier goes"),
        (["--examples", "nowhere", "-o", "a.safetensors"], "nowhere: no such folder"),
        (["--examples", "EXAMPLES", "-o", "a.pt"], "a.pt: the name of a checkpoint ends in .safetensors"),
        (["--examples", "EXAMPLES/hop", "-o", "a.safetensors"], "0 of 0 clips"),
        (["--examples", "EXAMPLES", "-o", "a.safetensors", "--embedding", "no"], "no: no such file"),
        (["--examples", "EXAMPLES", "-o", "a.safetensors", "--model", "s3d"], "belong to --embedding kinetics"),
        (["--examples", "EXAMPLES", "-o", "a.safetensors", "--detector", "x.pt"], "belongs to --embedding detector"),
        (
            ["--examples", "EXAMPLES", "-o", "a.safetensors", "--embedding", "detector", "--detector", "x.pt"],
            "x.pt: no such file",
        ),
        (["--examples", "EXAMPLES", "-o", "a.safetensors", "--embedding", "kinetics"], "(--download)"),
        (["--examples", "EXAMPLES", "-o", "a.safetensors", "--head", "forest"], "invalid choice: 'forest'"),
        (["--from", "g", "--player", "1", "--start", "0", "--end", "1", "-o", "a.safetensors"], "all of them"),
        (["--from", "g", "--from", "h", "--player=1", "--start=0", "--end=1", "--label=x", "-o", "a.safetensors"],
         "all of them"),
        (["--from", "g", "--player=1", "--start=0", "--end=1", "--label=x", "-o", "a.safetensors"],
         "g is not a whole analysis"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(
    examples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    given = [argument.replace("EXAMPLES", str(examples)) for argument in arguments]
    try:
        code: object = main(["adapt", *given])
    except SystemExit as stop:  # argparse
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2 and says in captured.err
    assert sum(line.startswith("courtscribe") for line in captured.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file grows beyond 100 kB."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_checkpoint(
    examples: Path, tmp_path: Path, full_disk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"an earlier one")
    assert main(["adapt", "--examples", str(examples), "-o", str(path), "--quiet"]) == 2
    assert "mine.safetensors: cannot be written (File too large)" in capsys.readouterr().err
    assert path.read_bytes() == b"an earlier one" and list(tmp_path.iterdir()) == [path]
