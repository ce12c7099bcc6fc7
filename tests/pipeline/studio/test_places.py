"""What lies below the studio's folder is found by its name, whatever bytes it has; nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.studio.places import Places, results_of
from tests.pipeline.studio.conftest import Connect

_NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name)
_STEPS = ["..", ".", "", "away", "%2e%2e", "%2F", "\\"]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Of a folder with a secret beside it."""
    (tmp_path / "secret.mp4").write_text("secret")
    (tmp_path / "games" / "away").mkdir(parents=True)
    (tmp_path / "games" / "home.mp4").write_text("")
    return Places.below(tmp_path / "games")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=_NAMES)
def test_names_of_any_bytes_are_found_again(places: Places, name: bytes) -> None:
    path = places.root / os.fsdecode(name)
    if path.name in ("", ".", "..") or path.exists():
        return
    try:
        path.write_bytes(b"")
    except OSError:  # longer than this file system takes
        return
    try:
        named = places.name(path.resolve())
        assert named.isascii() and places.find(named) == path.resolve()
    finally:
        path.unlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from(["..", ".", "", "away", "%2e%2e", "%2F", "\\"])).map("/".join)
    )
)
def test_no_name_leads_out_of_the_folder(places: Places, name: str) -> None:
    try:
        found = places.find(name)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert found == places.root or places.root in found.parents


@pytest.mark.parametrize(
    "name",
    [
        "../secret.mp4",
        "%2e%2e/secret.mp4",
        "away/../../secret.mp4",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "//",
        ".",
    ],
)
def test_known_ways_out_are_closed(places: Places, name: str) -> None:
    with pytest.raises(InputError):
        places.find(name)


def test_links_out_of_the_folder_are_neither_shown_nor_followed(places: Places) -> None:
    (places.root / "link.mp4").symlink_to(places.root.parent / "secret.mp4")
    (places.root / "up").symlink_to(places.root.parent)
    (places.root / "round").symlink_to(places.root / "round")
    (places.root / "inside.mp4").symlink_to(places.root / "home.mp4")
    listed = places.list(places.root)
    assert [one["name"] for one in listed["videos"]] == ["home.mp4", "inside.mp4"]
    assert [one["name"] for one in listed["folders"]] == ["away"]
    for name in ("link.mp4", "up/secret.mp4", "round"):
        with pytest.raises(InputError):
            places.find(name)


def test_a_page_sees_hostile_names_as_they_are(tmp_path: Path, connect: Connect) -> None:
    names = ["</script><script>alert(1)</script>.mp4", "=cmd|' '!A0.mp4", "a&b \"c\" 'd'.mp4", "משה.mp4", "🏀.mp4"]
    (tmp_path / "<b>").mkdir()
    for name in names[1:]:
        (tmp_path / name).write_text("")
    (tmp_path / os.fsdecode(b"\xff\xfe.mp4")).write_text("")
    answer = connect(tmp_path).get("/api/folder")
    assert answer.headers["content-type"] == "application/json" and answer.text.isascii()
    found = answer.json()
    assert {one["name"] for one in found["videos"]} == {*names[1:], "\ufffd\ufffd.mp4"}
    assert [one["name"] for one in found["folders"]] == ["<b>"]


def test_results_go_beside_the_video(tmp_path: Path) -> None:
    assert results_of(tmp_path / "a game.mp4") == tmp_path / "a game.courtscribe"
