"""What asks for real footage is marked as such, so that a run can leave it out or count it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def footage(shared: Path) -> Path:
    return shared


def test_footage_by_way_of_another_fixture_is_marked(footage: Path, request: pytest.FixtureRequest) -> None:
    assert footage.is_dir() and request.node.get_closest_marker("real") is not None


def test_a_test_without_footage_is_not_marked(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("real") is None
