"""A damaged file, and what is to become of it: reasoned from what was done to it, never from what a reader says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random

from benchmarks.damage.clips import Clips


class Verdict(Enum):
    """What is to become of a file."""

    FINE = "fine"
    NOTED = "fine, with a note that counts"
    REFUSED = "one line and exit 2"


@dataclass(frozen=True)
class Case:
    """One file."""

    source: str
    """Path or address."""
    verdict: Verdict
    times: Mapping[int, float] = field(default_factory=dict[int, float])
    """When each picture of the undamaged video is to be shown (seconds), by the number written into it."""
    sound: frozenset[int] | None = None
    """Pictures that must come; None: all. Others depend on what was damaged: they come, or they are counted."""
    num_unknowable: int = 0
    """Pictures that are gone without a trace in the file, so that nobody can count them."""
    is_counted: bool = True
    """Whether the number of missing pictures is to be told exactly; else it is enough that something is."""
    healthy: Path | None = None
    """The same video undamaged, whose peak memory this is held against."""
    while_read: Callable[[], AbstractContextManager[object]] = nullcontext
    """What goes on beside the reading: somebody writes to a pipe, or an address is served."""


@dataclass(frozen=True)
class Bench:
    """What a kind makes its file with."""

    folder: Path
    clips: Clips
    rng: Random

    def path(self, name: str) -> Path:
        """Of a new file in an empty folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name


Maker = Callable[[Bench], Case]
KINDS: dict[str, Maker] = {}
"""Every kind of damage, by name, in the order in which they are made."""


def kind(name: str) -> Callable[[Maker], Maker]:
    """Enter a function as the maker of a kind."""

    def enter(maker: Maker) -> Maker:
        if name in KINDS:
            raise ValueError(f"two kinds are called {name}")
        KINDS[name] = maker
        return maker

    return enter
