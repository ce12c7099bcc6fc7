"""Nothing made from a test clip is learnt from: on the real label file, and for any data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.data.layouts import TEST, TRAIN, VALIDATION, ClipFile, original
from classify.data.spacejam import LABELS, TEST_LIST, label_names, list_spacejam
from classify.data.splits import SPLITS, Split, grouped_folds, split_clips, with_validation
from classify.types import ACTIONS
from ground.errors import InputError


@pytest.fixture(scope="module")
def spacejam(shared: Path) -> list[ClipFile]:
    return list_spacejam(shared / "spacejam")


def _groups(files: list[ClipFile], indices: np.ndarray) -> set[str]:
    return {files[i].group for i in indices}


@pytest.mark.slow
def test_the_real_label_file(spacejam: list[ClipFile], shared: Path) -> None:
    names = [f.path.stem for f in spacejam]
    assert len(names) == len(set(names)) == 37085 and len({f.group for f in spacejam}) == 32557
    assert sum(n.endswith("_flipped") for n in names) == 4528
    assert sum(f.part == TEST for f in spacejam) == 11126
    assert label_names(shared / "spacejam") == ACTIONS, LABELS
    assert Counter(f.label for f in spacejam)["walk"] == 11749


@pytest.mark.slow
def test_public_split_of_spacejam_is_the_list_and_owns_up_to_its_twins(spacejam: list[ClipFile]) -> None:
    split = split_clips(spacejam, "public")
    assert (len(split.train), len(split.tests["list"]), len(split.tests["twin-free"])) == (25959, 11126, 9216)
    learnt = _groups(spacejam, split.train)
    assert split.leaks == 1910 == sum(spacejam[i].group in learnt for i in split.tests["list"])
    assert not learnt & _groups(spacejam, split.tests["twin-free"])


@pytest.mark.slow
@pytest.mark.parametrize("validation", [0.0, 0.1])
def test_twin_free_split_of_spacejam_learns_from_nothing_made_from_a_test_clip(
    spacejam: list[ClipFile], validation: float
) -> None:
    split = with_validation(spacejam, split_clips(spacejam, "twin-free"), validation)
    assert len(split.train) + len(split.validation) == 37085 - 11126 - 1910
    assert (len(split.tests["list"]), len(split.tests["twin-free"]), split.leaks) == (11126, 9216, 0)
    public = split_clips(spacejam, "public").tests
    assert all(np.array_equal(split.tests[name], public[name]) for name in public), "judged on the same clips"
    tested = {original(spacejam[i].path.stem) for i in split.tests["list"]}
    for part in (split.train, split.validation):
        assert not tested & {original(spacejam[i].path.stem) for i in part}
    assert not _groups(spacejam, split.train) & _groups(spacejam, split.validation)
    assert {spacejam[i].label for i in split.train} == set(ACTIONS)
    if validation:
        assert abs(len(split.validation) - 2405) < 5
        assert {spacejam[i].label for i in split.validation} == set(ACTIONS)


@pytest.mark.slow
def test_folds_of_spacejam_keep_twins_together(spacejam: list[ClipFile]) -> None:
    split = split_clips(spacejam, "folds")
    assert len(split.train) == 37085 and not split.tests
    fold_of = grouped_folds([f.group for f in spacejam], [f.label for f in spacejam], 5)
    of_group = {}
    for file, fold in zip(spacejam, fold_of, strict=True):
        assert of_group.setdefault(original(file.path.stem), fold) == fold
    shoots = Counter(int(f) for f, file in zip(fold_of, spacejam, strict=True) if file.label == "shoot")
    assert max(shoots.values()) - min(shoots.values()) <= 2, "rare labels are in every fold"


_FILES = st.lists(
    st.tuples(
        st.integers(0, 9), st.booleans(), st.sampled_from(["a", "b"]), st.sampled_from([TRAIN, VALIDATION, TEST])
    ),
    min_size=12,
    max_size=60,
)


@pytest.mark.slow
@settings(max_examples=50)
@given(_FILES, st.sampled_from(["twin-free", "folders", "csv"]), st.sampled_from([0.0, 0.2]))
def test_no_split_learns_from_relatives_of_what_it_judges_on(
    rows: list[tuple[int, bool, str, str]], name: str, validation: float
) -> None:
    files = [
        ClipFile(Path(f"{i}_{g}{'_flipped' * twin}.mp4"), label, str(g), part)
        for i, (g, twin, label, part) in enumerate(rows)
    ]
    try:
        split = with_validation(files, split_clips(files, name), validation)
    except InputError:
        return
    assert split.leaks == 0 and len(split.train)
    parts = [_groups(files, part) for part in (split.train, split.validation)]
    tests = set().union(*(_groups(files, indices) for indices in split.tests.values()))
    assert not parts[0] & parts[1] and not parts[0] & tests and not parts[1] & tests
    assert all(files[i].part == TEST for test in split.tests.values() for i in test)


def test_folders_without_a_test_part_hold_a_fifth_of_the_groups_out(shared: Path) -> None:
    from classify.data.clips import list_clips

    files = list_clips([shared / "clips" / "university"])
    split = split_clips(files, "folders")
    held = split.tests["held out"]
    assert len(held) + len(split.train) == 283 and len(_groups(files, held)) == 1
    assert {files[i].label for i in held} == {f.label for f in files}


def test_splits_that_cannot_be(shared: Path) -> None:
    files = [ClipFile(Path(f"{i}.mp4"), "ab"[i % 2], str(i)) for i in range(6)]
    with pytest.raises(InputError, match="no list of test clips; use the split folds, or name a list") as caught:
        split_clips(files, "twin-free")
    assert caught.value.setting == "test_list"
    with pytest.raises(InputError, match="no split is called 'random'; there are twin-free, public"):
        split_clips(files, "random")
    with pytest.raises(InputError, match=r"0\.mp4: the CSV does not say"):
        split_clips(files, "csv")
    only_tests = [ClipFile(f.path, f.label, f.group, TEST) for f in files]
    for name in ("twin-free", "public", "csv", "folders"):
        with pytest.raises(InputError, match="no clips are left to learn from, of 6"):
            split_clips(only_tests, name)
    with pytest.raises(InputError, match="2 groups of clips cannot be cut into 5 folds"):
        pair = [ClipFile(f.path, f.label, f.label) for f in files]
        with_validation(pair, Split(np.arange(6), np.zeros(0, np.int64), {}), 0.2)
    assert set(SPLITS) == {"twin-free", "public", "folds", "folders", "csv"}, TEST_LIST
