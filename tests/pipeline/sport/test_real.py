"""Real pictures and videos: learnt, told, and told apart from strangers better than the measured floor."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ground.errors import InputError
from pipeline.runners.cli import main
from pipeline.sport import embeddings
from pipeline.sport.embeddings import open_embedding
from pipeline.sport.examples import load_examples
from pipeline.sport.predict import SHIPPED_SPORTS, likeliest, open_classifier
from pipeline.sport.table import Sport, read_table
from pipeline.sport.train import learn


@pytest.fixture(scope="module")
def taught(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six examples each of four sports, in folders."""
    folder = tmp_path_factory.mktemp("sports")
    for name in ("swimming", "fencing", "ice_hockey", "tennis"):
        (folder / name).mkdir()
        for path in sorted((shared / "sports_images" / "train" / name).iterdir())[:6]:
            (folder / name / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.slow
def test_sports_are_learnt_by_command_and_told_by_command(
    taught: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embeddings, "_compile", cache(embeddings._compile))  # for ten commands that look at a picture
    model = tmp_path / "four.examples"
    assert main(["train", "sport", str(taught), "-o", str(model), "--quiet"]) == 0
    right = 0
    for name in ("Swimming", "Fencing", "Ice Hockey", "Tennis"):
        folder = shared / "sports_images" / "test_same_source" / name.lower().replace(" ", "_")
        for path in sorted(folder.iterdir())[:2]:
            assert main(["sport", str(path), "--model", str(model), "--json"]) == 0
            told = json.loads(capsys.readouterr().out)
            right += name in [each["name"] for each in told["data"][:2]]
            assert len(told["nearest"]) == 3 and 0 <= told["unknown"] <= 1
    assert right >= 6
    assert main(["sport", str(taught / "tennis" / "nothing.jpg")]) == 2
    assert main(["sport", str(path), "--top", "0"]) == 2


@pytest.mark.slow
def test_the_shipped_sports_know_basketball_on_video_and_a_page_from_sport(shared: Path, tmp_path: Path) -> None:
    from ground.video.source import open_video
    from pipeline.sport.video import tell_video

    classifier = open_classifier()
    with open_video(shared / "videos" / "nbaction_3.mov") as video:
        told = tell_video(video, classifier)
    assert told.answer.likely[0].sport.name == "Basketball" and told.agreeing > 0.5
    assert told.num_shots == 1 and 1 <= told.num_frames <= 5 and told.answer.is_sport
    page = np.full((300, 400, 3), 255, np.uint8)
    page[20:280:12, 30:370] = 60
    answer = classifier.tell(page)
    assert answer.is_sport is False and answer.likely[0].sport.id == "0" and answer.unknown > 0.5


def test_a_cut_begins_a_shot_and_long_shots_are_asked_a_few_times(tmp_path: Path) -> None:
    from pipeline.sport.video import _Shot

    for length in (1, 4, 7, 100, 1001):
        shot = _Shot()
        for i in range(length):
            shot.add(np.full((1, 1, 3), i % 256, np.uint8))
        assert len(shot.chosen()) == min(5, length) and len(shot.pictures) <= 10


def test_probabilities_are_shared_and_unknown_leads_where_it_is_likelier_than_not() -> None:
    sports = tuple(Sport(str(i), f"s{i}") for i in range(1, 5))
    chances = np.array([0.1, 0.6, 0.1, 0.2])
    for unknown in (0.0, 0.3, 0.49, 0.5, 0.8, 1.0):
        found = likeliest(chances, unknown, sports)
        values = [each.probability for each in found]
        assert values == sorted(values, reverse=True) and sum(values) == pytest.approx(1)
        assert (found[0].sport.id == "0") == (unknown >= 0.5)


@pytest.mark.slow
def test_the_shipped_examples_are_of_the_shipped_network_and_no_picture() -> None:
    examples, heads = load_examples(SHIPPED_SPORTS)
    embedding = open_embedding(examples.embedding)
    assert examples.digest == embedding.digest and len(heads) == 2
    assert {sport.id for sport in examples.sports} <= set(read_table())
    row = embedding.row(np.zeros((5, 300, 3), np.uint8))
    assert row.shape == examples.rows.shape[1:] and np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_folders_that_cannot_be_learnt_from_are_a_line(tmp_path: Path) -> None:
    embedding, table = open_embedding(), read_table()
    with pytest.raises(InputError, match="0 sports"):
        learn(tmp_path, embedding, table)
    for name in ("golf", "polo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="2 of 2 pictures"):
        learn(tmp_path, embedding, table)
    for i in range(9):
        Image.new("L", (20, 20), i * 20).save(tmp_path / "golf" / f"{i}.png")
    with pytest.raises(InputError, match="polo"):
        learn(tmp_path, embedding, table)
