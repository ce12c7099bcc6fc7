"""A small network under the name of a large one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.classify.small import small_network


@pytest.fixture(scope="module")
def pooled_is_small() -> Iterator[None]:
    """The network called "pooled" has two layers."""
    with small_network():
        yield
