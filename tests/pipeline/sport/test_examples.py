"""Examples and heads read back as they were written; damaged files are a line."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ground.errors import InputError
from pipeline.sport import train
from pipeline.sport.added import example_ids, remove_example
from pipeline.sport.embeddings import Row
from pipeline.sport.examples import Examples, add_example, added_examples, load_examples, save_examples
from pipeline.sport.picture import Picture
from pipeline.sport.predict import fit_heads
from pipeline.sport.table import Sport

_GOLF, _POLO = Sport("19", "Golf", ("links",)), Sport("x-1", "Polo")


def some(count: int = 6) -> Examples:
    rows = np.random.default_rng(0).normal(size=(count, 12))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    targets = np.arange(count) % 3 - 1
    return Examples("net", "d" * 64, (_GOLF, _POLO), rows.astype(np.float16), targets, tuple(map(str, range(count))))


def test_what_is_written_is_read_and_the_same_is_the_same_bytes(tmp_path: Path) -> None:
    examples, heads = some(), fit_heads(some())
    for name in ("a.examples", "b.examples"):
        save_examples(tmp_path / name, examples, heads)
    read, read_heads = load_examples(tmp_path / "a.examples")
    assert (read.rows == examples.rows).all() and (read.targets == examples.targets).all()
    assert (read.sports, read.names, read.digest) == (examples.sports, examples.names, examples.digest)
    for head, same in zip(heads, read_heads, strict=True):
        assert np.allclose(head.weights, same.weights, atol=1e-5) and head.usual == same.usual
    assert (tmp_path / "a.examples").read_bytes() == (tmp_path / "b.examples").read_bytes()


def test_examples_of_the_version_before_still_hold_and_heads_are_fitted_to_them(tmp_path: Path) -> None:
    new, old = tmp_path / "new.examples", tmp_path / "old.examples"
    save_examples(new, some(), fit_heads(some()))
    with zipfile.ZipFile(new) as file, zipfile.ZipFile(old, "w") as older:
        for name in file.namelist():
            content = file.read(name)
            older.writestr(name, content.replace(b'"version": 2', b'"version": 1') if name == "facts.json" else content)
    read, heads = load_examples(old)
    assert (read.rows == some().rows).all() and heads == () and len(load_examples(new)[1]) == 2
    with zipfile.ZipFile(old) as file, zipfile.ZipFile(new, "w") as newer:
        newer.writestr("facts.json", file.read("facts.json").replace(b'"version": 1', b'"version": 3'))
    with pytest.raises(InputError, match="another version"):
        load_examples(new)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_file_is_a_line_or_examples(
    tmp_path_factory: pytest.TempPathFactory, at: int, bytes_in: bytes, is_cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.examples"
    save_examples(path, some(), fit_heads(some()))
    whole = path.read_bytes()
    at %= len(whole)
    path.write_bytes(whole[:at] + bytes_in + (b"" if is_cut else whole[at + len(bytes_in) :]))
    try:
        read, _ = load_examples(path)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert np.isfinite(read.rows).all()


def test_added_examples_are_there_until_they_are_taken_away(tmp_path: Path) -> None:
    row = np.full(12, 12**-0.5, np.float32)
    ids, other = ["1" * 16, "2" * 16, "3" * 16], "4" * 16
    assert all(add_example(tmp_path, _GOLF, row, "d" * 64, example_id) for example_id in ids)
    add_example(tmp_path, _GOLF, row, "e" * 64, other)
    (tmp_path / "19" / f"{'0' * 16}.{'d' * 16}.npy").write_bytes(b"damaged")
    assert [name for _, name, _ in added_examples(tmp_path, _GOLF, "d" * 64)] == ids
    assert set(example_ids(tmp_path, "19")) == {*ids, other, "0" * 16}
    assert remove_example(tmp_path, "19", ids[0]) and not remove_example(tmp_path, "19", ids[0])
    assert not remove_example(tmp_path, "19", "../19") and example_ids(tmp_path, "nothing") == []
    more = some().plus(added_examples(tmp_path, _GOLF, "d" * 64))
    assert more.names[-2:] == tuple(ids[1:]) and (more.targets[-2:] == 0).all()
    with pytest.raises(InputError, match="another network"):
        some().plus([(_GOLF, "short", row[:5])])


def test_a_picture_is_an_example_once_and_of_the_sport_that_was_said_last(tmp_path: Path) -> None:
    row, twin = np.full(12, 12**-0.5, np.float32), "a" * 16
    assert add_example(tmp_path, _GOLF, row, "d" * 64, twin) and not add_example(tmp_path, _GOLF, row, "d" * 64, twin)
    assert add_example(tmp_path, _GOLF, row, "d" * 64, "b" * 16)
    assert len(added_examples(tmp_path, _GOLF, "d" * 64)) == 2
    assert add_example(tmp_path, _POLO, row, "e" * 64, twin)
    assert example_ids(tmp_path, "19") == ["b" * 16] and example_ids(tmp_path, "x-1") == [twin]


class _Means:
    """An embedding that needs no network."""

    name, digest = "means", "d" * 64

    def row(self, picture: Picture) -> Row:
        return picture.mean(axis=(0, 1)).astype(np.float32)


def test_a_picture_in_two_files_is_learnt_from_once(tmp_path: Path) -> None:
    whole = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.bmp", "d.png")]
    whole.save(paths[0])
    whole.save(paths[1], dpi=(1, 1))
    whole.save(paths[2])
    whole.rotate(180).save(paths[3])
    found = list(train._read({"golf": paths[:2], "polo": paths[2:]}, cast(Any, _Means()), None))
    assert [name for _, name, _ in found] == ["golf/a.png", "polo/d.png"]
