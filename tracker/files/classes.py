"""Which classes of a file of boxes are people who play: only they are followed and labelled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from ground.errors import InputError

_PLAYERS = frozenset({"player", "goalkeeper", "goalie", "keeper"})
_PERSONS = frozenset({
    "person", "people", "pedestrian", "human", "athlete", "man", "men", "woman", "women", "boy", "girl", "body",
})  # fmt: skip
_OTHERS = frozenset({
    "ball", "basketball", "football", "hoop", "rim", "basket", "backboard", "net", "goal", "court", "field", "line",
    "referee", "ref", "umpire", "coach", "spectator", "crowd", "fan", "audience", "bench", "clock", "overlay", "board",
    "scoreboard", "logo", "puck", "stick", "racket", "bat", "car", "vehicle", "bicycle", "bike", "face", "head",
    "jersey", "number", "shoe",
})  # fmt: skip


def people(names: Collection[str], wanted: Sequence[str] = ()) -> frozenset[str]:
    """Those of a file's classes that play: players where there are any, else persons, else all that is no known thing.

    wanted: the classes to take instead. Raises InputError where the file has none of them, or nobody.
    """
    if wanted:
        lower = {name.lower() for name in wanted}
        chosen = frozenset(name for name in names if name.lower() in lower)
        missing = sorted(lower - {name.lower() for name in chosen})
        if missing:
            raise InputError(f"has no class {missing[0]!r}; there is {_few(names)}", "detector.classes")
        return chosen
    players = frozenset(name for name in names if "player" in name.lower() or _words(name) & _PLAYERS)
    persons = frozenset(name for name in names if _words(name) & _PERSONS)
    rest = frozenset(name for name in names if not _words(name) & _OTHERS)
    if names and not (players or persons or rest):
        raise InputError(f"holds no people, only {_few(names)}; name the classes to follow", "detector.classes")
    return players or persons or rest


def left_out(names: Sequence[str], kept: Collection[str]) -> tuple[str, ...]:
    """A note on the boxes of other classes. names: the class of every box (or track), kept ones included."""
    counts = {name: count for name, count in sorted(Counter(names).items()) if name not in kept}
    if not counts:
        return ()
    others = ", ".join(f"{name or 'no class'} ({count})" for name, count in list(counts.items())[:5])
    return (f"only {_few(kept)} are followed, left out: {others}",)


def _words(name: str) -> set[str]:
    words = re.findall(r"[^\W\d_]+", name.lower())
    return {*words, *(word.removesuffix("s") for word in words)}


def _few(names: Collection[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
